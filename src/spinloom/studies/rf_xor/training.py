"""Train fabricated devices, many restarts side by side, and choose one of each by its training points."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from spinloom.learning import Course, fit_members
from spinloom.nn.radio import Imperfections, radio_layers, through_twin
from spinloom.progress import Report, silent
from spinloom.seeding import child_seed, generator
from spinloom.studies.rf_xor.network import NineJunctions, made, tuning
from spinloom.studies.rf_xor.plan import Training
from spinloom.studies.rf_xor.points import Points

SHIFT, OFFSET = 1.0, 0.45
"""Standard deviations of random starts: half linewidths; 8.84 mV."""
TWINS = ("measured", "ideal", "none")
"""Whose gradient trains a device: a model with its measured frequencies and powers; the planned device, as in the code
published with Ross et al.; or no device at all, settings of the planned network being copied onto it."""


@dataclass(frozen=True)
class Trained:
    """network: members are devices x restarts. chosen: (devices,), the member that its training points choose."""

    network: NineJunctions
    chosen: torch.Tensor

    def accuracies(self, points: Points, reads: int) -> list[float]:
        """Of the chosen member of every device, 0 to 1, averaged over noisy reads."""
        return shares(self.network, points, reads)[self.chosen].tolist()


def train(
    points: Points,
    given: Imperfections,
    training: Training,
    devices: int,
    seed: int,
    *,
    damping: float = 0.01,
    twin: str = "measured",
    report: Report = silent,
) -> Trained:
    """Fabricate devices with these imperfections and train each on these points, noise on in every read."""
    members = devices * training.restarts
    source = generator(seed)
    network = made(NineJunctions(damping, (members,)), given, devices, child_seed(source))
    if twin == "none":
        _switch(network, ideal=True)
    _start(network, points, training.starts, source, tuned=twin == "measured")
    seeds = tuple(child_seed(source) for _ in range(members))
    course = Course(training.epochs, training.batch, training.rate, seeds=seeds)

    def forward(network: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        assert isinstance(network, NineJunctions)
        core = network.core
        return network.logits(through_twin(core, x) if twin == "ideal" else core(x))

    fit_members(network, points.powers, points.labels, course, forward=forward, report=report)
    right = shares(network, points, 5)
    chosen = right.view(devices, -1).argmax(1) + training.restarts * torch.arange(devices)
    _switch(network, ideal=False)
    return Trained(network, chosen)


def copied(trained: Trained, given: Imperfections, seed: int, tuned: bool) -> NineJunctions:
    """Other devices with the settings of a network; tuned: resonances brought to their planned places first."""
    network, devices = trained.network, len(trained.chosen)
    made(network, given, devices, seed)
    if tuned:
        with torch.no_grad():
            for layer in network.chains:
                layer.shift.add_(tuning(layer))
    return network


def shares(network: NineJunctions, points: Points, reads: int) -> torch.Tensor:
    """Correct share of every member, (members,), averaged over reads."""
    with torch.inference_mode():
        right = [(network.classes(points.powers) == points.labels).float().mean(-1) for _ in range(reads)]
    return torch.stack(right).mean(0)


def _start(network: NineJunctions, points: Points, tries: int, source: torch.Generator, tuned: bool) -> None:
    """Try random settings on every device with up to 100 points, and keep for every member the one of least loss."""
    x, labels = points.powers[:100], points.labels[:100]
    parameters = [p for p in network.parameters() if p.requires_grad]
    centres = [tuning(layer) if tuned else torch.zeros_like(layer.shift) for layer in network.chains]
    least, kept = torch.full((len(parameters[0]),), torch.inf), [p.detach().clone() for p in parameters]
    with torch.no_grad():
        for _ in range(tries):
            for layer, centre in zip(network.chains, centres, strict=True):
                layer.shift.copy_(centre + SHIFT * torch.randn(layer.shift.shape, generator=source))
                layer.offset.copy_(OFFSET * torch.randn(layer.offset.shape, generator=source))
            logits = network.logits(network.core(x))
            loss = F.cross_entropy(logits.mT, labels.expand(len(logits), -1), reduction="none").mean(1)
            better = loss < least
            least = torch.where(better, loss, least)
            for parameter, keep in zip(parameters, kept, strict=True):
                keep[better] = parameter[better]
        for parameter, keep in zip(parameters, kept, strict=True):
            parameter.copy_(keep)


def _switch(network: NineJunctions, ideal: bool) -> None:
    for layer in radio_layers(network).values():
        layer.ideal(ideal)
