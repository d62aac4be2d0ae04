"""Where connections are: resonance frequencies that slide and jump, and sparse perceptrons to compare them with.

A response falls as one over the detuning, its derivative as the square: descent moves a narrow resonator within its
line only, a wide one cannot tell neighbours apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError, require_positive, unknown_name
from spinloom.learning.members import Course, fit_members
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains, chain_weights, plan
from spinloom.progress import Report, silent
from spinloom.seeding import generator


@dataclass(frozen=True)
class Narrowing:
    """How linewidth and rate go: while the linewidth falls geometrically to that of the device, resonators settle.

    A step is a fixed share of the present linewidth, so that early steps carry a synapse from one input to another (a
    change of topology) and late ones set its weight.

    start: linewidth in the beginning (1: the line is as wide as the frequency is high); never below that of the device.
    until: share of the training after which the linewidth is the device's. share: step of Adam in half linewidths.
    largest: the most that a step changes a frequency, relative. rise: share of the training in which rates rise.
    """

    start: float = 1.0
    until: float = 0.9
    share: float = 0.015
    largest: float = 0.05
    rise: float = 0.03

    def __post_init__(self) -> None:
        require_positive("", start=self.start, share=self.share, largest=self.largest)
        if not 0 < self.until < 1 or not 0 <= self.rise < 1:
            raise InputError("until must be between 0 and 1, rise from 0 to below 1: shares of the training")

    def linewidth(self, done: float, device: float) -> float:
        """When this share of the training is done; `device`: the linewidth to arrive at."""
        along = min(1.0, done / self.until)
        return device * (max(self.start, device) / device) ** (1 - along)

    def ramp(self, done: float) -> float:
        """Up in the beginning, down to zero when the linewidth stays."""
        rising = min(1.0, done / self.rise) if self.rise else 1.0
        return rising * min(1.0, (1 - done) / (1 - self.until))

    def step(self, done: float, device: float) -> float:
        """Of Adam, relative to the frequency."""
        return min(self.share * self.linewidth(done, device), self.largest) * self.ramp(done)


STILL = Narrowing(start=1e-9, share=0.05, until=0.3)
"""Descent at the device's own linewidth, between jumps."""


def fit_narrowing(
    network: RadioNetwork,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    course: Course,
    narrowing: Narrowing | None = None,
    *,
    band: Band,
    amplifier_rate: float = 1e-2,
    report: Report = silent,
) -> torch.Tensor:
    """Train the frequencies of a network whose layers have one linewidth; returns losses (epochs, members).

    course: epochs, batch and seeds; its rate is not used. amplifier_rate: of bias voltages and of the readout.
    The linewidth of the layers is changed during training and is what it was at the end.
    """
    narrowing = narrowing or Narrowing()
    layers = [layer for layer in network if isinstance(layer, ResonatorChains)]
    device, step = layers[0].linewidth, layers[0].step
    frequencies = [p for layer in layers for p in (layer.shift, layer.input_shift) if p is not None]
    known = {id(p) for p in frequencies}
    others = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": frequencies, "lr": 1.0, "schedule": lambda done: narrowing.step(done, device) / step},
        {"params": others, "lr": amplifier_rate, "schedule": narrowing.ramp},
    ]

    def narrow(done: float) -> None:
        for layer in layers:
            layer.linewidth = narrowing.linewidth(done, device)
            layer.confine(band)

    narrow(0.0)
    try:
        return fit_members(network, inputs, labels, course, groups=groups, after=narrow, report=report)
    finally:
        for layer in layers:
            layer.linewidth = device


@torch.no_grad()
def scatter(layer: ResonatorChains, band: Band, source: torch.Generator) -> None:
    """Put every resonance, and every trained input frequency, at random in the band, evenly in its logarithm."""
    low, width = math.log(band.low / layer.unit), math.log(band.high / band.low)
    for shift, places in ((layer.shift, layer.places), (layer.input_shift, layer.inputs)):
        if shift is not None:
            drawn = low + width * torch.rand(shift.shape, generator=source, dtype=shift.dtype)
            shift.copy_((drawn - places.log()) / layer.step)


@torch.no_grad()
def jump(
    network: RadioNetwork,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    band: Band,
    source: torch.Generator,
    *,
    examples: int = 2_500,
    candidates: int = 1_000,
) -> int:
    """Let every resonator of a one-layer network jump once, in random order; returns how many moved over a linewidth.

    With the outputs of all candidate frequencies at hand (one matrix product), the exact loss of each costs one pass
    over a vector of examples. It is the counterpart of pruning and regrowing in sparse training.

    inputs (n, pixels), labels (n,): `examples` of them are drawn. candidates: frequencies, evenly in their logarithm.
    Raises InputError for a network of more than one layer, or with depletion or fabricated devices.
    """
    layer = network[0]
    if len(network) != 1 or not isinstance(layer, ResonatorChains) or layer.absorption or len(layer.members) != 1:
        raise InputError("jumps are for one layer of chains without absorption, with one dimension of members")
    chosen = torch.randperm(len(inputs), generator=source)[:examples]
    x, y = network.power * inputs[chosen], labels[chosen]
    grid = torch.linspace(math.log(band.low / layer.unit), math.log(band.high / layer.unit), candidates)
    return sum(_jump_all(network, member, x, y, grid, source) for member in range(layer.members[0]))


def sparse_chains(
    inputs: torch.Tensor, classes: int, resonators: int, linewidth: float, band: Band, seeds: Sequence[int], train: bool
) -> RadioNetwork:
    """One layer of chains with resonators at random in the band. inputs: their frequencies, Hz; train: them too.

    The readout begins so that the logits of all networks have about the same size, whatever their number of resonators.
    """
    grid, members = plan("geometric", resonators, band), (len(seeds),)
    layer = ResonatorChains(inputs, classes, grid, linewidth=linewidth, train_inputs=train, members=members)
    scatter(layer, band, generator(seeds[0]))
    return RadioNetwork([layer], readout=340.0 * math.sqrt(10 / resonators), train_readout=True)


def snake(height: int, width: int) -> torch.Tensor:
    """Place of every pixel on a path that runs through the rows to and fro: neighbours in frequency are neighbours."""
    rows = torch.arange(height * width).view(height, width)
    rows[1::2] = rows[1::2].flip(1)
    return rows.flatten()


def pixel_frequencies(shape: tuple[int, int, int], band: Band) -> torch.Tensor:
    """Of inputs that stay, Hz, (channels * height * width,): equal ratios along the snake, channel after channel."""
    channels, height, width = shape
    places = torch.cat([snake(height, width) + channel * height * width for channel in range(channels)])
    return plan("geometric", len(places), band)[places]


def fit_jumping(
    network: RadioNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    epochs: tuple[int, ...],
    batch: int,
    seeds: tuple[int, ...],
    *,
    band: Band,
    report: Report = silent,
) -> None:
    """Rounds of jumps, each with so many epochs of descent; input frequencies stay."""
    source = generator(seeds[0])
    for number, count in enumerate(epochs):
        moved = jump(network, x, y, band, source)
        course = Course(count, batch, seeds=tuple(seed + 1000 * number for seed in seeds), same_order=True)
        fit_narrowing(network, x, y, course, STILL, band=band)
        report(number + 1, len(epochs), f"{moved} jumps")


def _jump_all(
    network: RadioNetwork, member: int, x: torch.Tensor, y: torch.Tensor, grid: torch.Tensor, source: torch.Generator
) -> int:
    layer = network[0]
    assert isinstance(layer, ResonatorChains)
    gain = network.readout * (1.0 if network.gain is None else float(network.gain[member].exp()))
    lines = layer.scaled_inputs()
    lines = lines[member] if lines.ndim > 1 else lines
    scale = gain * layer.sensitivity

    def outputs(frequency: torch.Tensor) -> torch.Tensor:
        """Of single resonators at these frequencies, (examples, frequencies)."""
        single = frequency.unsqueeze(-1)
        return x @ (scale * chain_weights(lines, single, layer.linewidth * single, torch.ones(1, 1))).T

    tried = outputs(grid.exp())
    resonance = layer.scaled_resonances()[member]
    own = outputs(resonance.flatten()).view(len(x), *resonance.shape)
    logits = (own * layer.signs).sum(-1) + gain * layer.bias()[member]
    moved = 0
    for place in torch.randperm(resonance.numel(), generator=source).tolist():
        chain, k = divmod(place, resonance.shape[1])
        sign = float(layer.signs[k])
        without = logits[:, chain] - sign * own[:, chain, k]
        others = logits.clone()
        others[:, chain] = -math.inf
        # of this chain's logit over all others together, for every candidate
        above = sign * tried + (without - others.logsumexp(1)).unsqueeze(1)
        best = int((F.softplus(above).sum(0) - above[y == chain].sum(0)).argmin())
        logits[:, chain] = without + sign * tried[:, best]
        old, new = resonance[chain, k].log(), grid[best]
        moved += int(abs(float(new - old)) > 2 * layer.linewidth)
        layer.shift[member, chain, k] += (new - old) / layer.step
    return moved


METHODS = ("static", "pruned", "set", "rigl")
"""A random choice of weights, never changed; dense at first, the smallest go little by little (Zhu and Gupta, arXiv
1710.01878); the smallest go, random ones come (Mocanu et al., Nature Communications 9, 2383 (2018)); the smallest go,
those of the largest gradient come (Evci et al., ICML 2020)."""
_REGROWING = 0.75
"""Share of the training in which weights are exchanged, once an epoch."""


class SparsePerceptron(nn.Module):
    """x (members or none, batch, inputs) -> logits (members, batch, classes); weights outside the mask are zero."""

    mask: torch.Tensor

    def __init__(self, seeds: tuple[int, ...], classes: int, inputs: int, weights: int) -> None:
        super().__init__()
        if not 0 < weights <= classes * inputs:
            raise InputError(f"the layer can keep 1 to {classes * inputs} weights, got {weights}")
        sources = [generator(seed) for seed in seeds]
        masks = torch.zeros(len(seeds), classes * inputs)
        for mask, source in zip(masks, sources, strict=True):
            mask[torch.randperm(classes * inputs, generator=source)[:weights]] = 1
        drawn = [torch.randn(classes, inputs, generator=source) for source in sources]
        self.register_buffer("mask", masks.view(-1, classes, inputs))
        self.weight = nn.Parameter(0.05 * torch.stack(drawn) * self.mask)
        self.bias = nn.Parameter(torch.zeros(len(seeds), classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight * self.mask
        if x.ndim == 2:
            flat = F.linear(x, weight.flatten(0, 1)).view(len(x), *weight.shape[:2])
            return flat.transpose(0, 1) + self.bias.unsqueeze(1)
        return torch.baddbmm(self.bias.unsqueeze(1), x, weight.transpose(1, 2))

    @torch.no_grad()
    def keep_largest(self, weights: int, strength: torch.Tensor) -> None:
        """Restrict the mask to the largest magnitudes of every member; strength: of the inputs, (inputs,)."""
        size = (self.weight * self.mask * strength).abs().flatten(1)
        kept = torch.zeros_like(size).scatter_(1, size.topk(weights).indices, 1.0)
        self.mask.copy_(kept.view_as(self.mask))

    @torch.no_grad()
    def exchange(self, count: int, score: torch.Tensor, strength: torch.Tensor) -> None:
        """Drop the `count` smallest weights of every member; grow the free ones of the largest score, from zero."""
        mask, weight = self.mask.flatten(1), self.weight.flatten(1)
        weight *= mask  # what momentum did to weights that are not there
        free = score.flatten(1).masked_fill(mask > 0, -math.inf)
        size = (self.weight * strength).abs().flatten(1).masked_fill(mask == 0, math.inf)
        dropped = size.topk(count, largest=False).indices
        grown = free.topk(count).indices
        mask.scatter_(1, dropped, 0.0).scatter_(1, grown, 1.0)
        weight.scatter_(1, dropped, 0.0).scatter_(1, grown, 0.0)


def fit_sparse(
    method: str,
    weights: int,
    classes: int,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    course: Course,
    *,
    exchanged: float = 0.5,
    report: Report = silent,
) -> SparsePerceptron:
    """A trained perceptron of `weights` weights for every seed of the course, from inputs (n, pixels) and labels (n,).

    exchanged: share of the weights that "set" and "rigl" exchange in the first epoch; it falls as a cosine.
    Weights are counted over the whole layer, so a class may have more of them than another. The magnitude that counts
    is |weight| times the root mean square of its input: pixels at the border of an image are almost never on, their
    weights grow large under Adam and do nothing. Raises InputError for an unknown method or a number of weights that
    cannot be.
    """
    if method not in METHODS:
        raise unknown_name("sparse method", method, METHODS)
    pruned, dense = method == "pruned", classes * inputs.shape[1]
    network = SparsePerceptron(course.seeds, classes, inputs.shape[1], dense if pruned else weights)
    strength, source = inputs.square().mean(0).sqrt(), generator(course.seeds[0] + 1)
    parts, passed = (10 * course.epochs, -1) if pruned else (course.epochs, 0)

    def after(done: float) -> None:
        """Acts after the first step of every part of the training."""
        nonlocal passed
        part = int(done * parts + 1e-9)
        if method == "static" or part == passed:
            return
        passed = part
        if pruned:
            left = max(0.0, 1 - done / _REGROWING) ** 3  # of those to lose
            network.keep_largest(weights + round((dense - weights) * left), strength)
            return
        share = exchanged * (0.5 + 0.5 * math.cos(math.pi * done / _REGROWING))
        count = min(round(share * weights), dense - weights)
        if count and done < _REGROWING:
            score = torch.rand(network.mask.shape, generator=source) if method == "set" else gradient()
            network.exchange(count, score, strength)

    def gradient() -> torch.Tensor:
        """Magnitude of every weight's, kept or not, (members, classes, inputs), over a part of the examples."""
        chosen = torch.randperm(len(inputs), generator=source)[:5_000]
        x, y = inputs[chosen], labels[chosen]
        error = network(x).softmax(-1) - F.one_hot(y, classes)
        return (error.transpose(1, 2) @ x).abs()

    fit_members(network, inputs, labels, course, after=after, report=report)
    return network
