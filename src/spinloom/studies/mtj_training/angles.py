"""Angles between the gradients of devices and exact ones, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from spinloom.learning import Scaling, gradient_cosines
from spinloom.nn import real
from spinloom.studies.mtj_training.training import Trainer
from spinloom.studies.mtj_training.ways import GRADIENTS


@dataclass(frozen=True)
class Situation:
    """way: whose devices and slopes. silent: no read has noise."""

    title: str
    way: str
    silent: bool = False


SITUATIONS = {
    "silent": Situation("device, silent", "device", silent=True),
    "device": Situation("device, nominal", "device"),
    "spread": Situation("device, spread", "spread"),
    "difference": Situation("finite differences", "difference"),
}
NOMINAL = {"device": SITUATIONS["device"]}
WHEN = ("at the start", "after training")

Angles = dict[str, dict[str, dict[str, float]]]
"""Cosines by `WHEN`, name of situation and layer."""


def angles(trainer: Trainer, seed: int, weights: Path, situations: Mapping[str, Situation] = SITUATIONS) -> Angles:
    """Cosines at the weights of `seed` before training and at those of the file.

    Both gradients of a pair are taken on the same devices, images and forward reads; see `gradient_cosines`.
    """
    networks = ((f"start {seed}", trainer.start(seed)), (weights.name, trainer.load(weights)))
    return {
        when: {key: _cosines(trainer, seed, name, network, one) for key, one in situations.items()}
        for when, (name, network) in zip(WHEN, networks, strict=True)
    }


def least(found: Angles) -> float:
    """Of all layers, before and after training, on nominal junctions with their read noise."""
    return min(min(found[when]["device"].values()) for when in WHEN)


def _cosines(trainer: Trainer, seed: int, name: str, network: nn.Module, situation: Situation) -> dict[str, float]:
    hardware, plan = trainer.hardware, trainer.plan

    def compute() -> dict[str, float]:
        moved = hardware.place(network, situation.way, trainer.test, seed)
        if situation.silent:
            real(moved, read_noise=False)
        images = trainer.train.take(plan.angle_batches * plan.angle_batch, seed)
        inputs, batch = Scaling.of(images)(images.images), min(plan.angle_batch, len(images))
        kind = GRADIENTS.get(situation.way, "device")
        cosines = gradient_cosines(moved, inputs, images.labels, kind=kind, step=hardware.step, batch=batch)
        return dict(zip(layer_names(network), cosines.values(), strict=True))

    known = {
        "network": name,
        "way": situation.way,
        "silent": situation.silent,
        **trainer.size(),
        **hardware.settings(situation.way),
    }
    known |= {"batches": plan.angle_batches, "batch": plan.angle_batch, "seed": seed}
    return trainer.stages.get("angles", known, compute)


def layer_names(network: nn.Module) -> list[str]:
    """ "convolution 1", "linear 1", ... in order."""
    names: list[str] = []
    for module in network.modules():
        for kind, word in ((nn.Conv2d, "convolution"), (nn.Linear, "linear")):
            if isinstance(module, kind):
                names.append(f"{word} {1 + sum(name.startswith(word) for name in names)}")
    return names


def brief(layer: str) -> str:
    """For the head of a column."""
    return layer.replace("convolution", "conv")
