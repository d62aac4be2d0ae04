"""What a training consists of, part by part: all that decides its outcome."""

from dataclasses import asdict
from typing import Any

from torch import nn

from spinloom import __version__
from spinloom.data import ImageSet
from spinloom.learning.checkpoint import Parts
from spinloom.learning.compute import Compute
from spinloom.learning.fingerprint import fingerprint
from spinloom.learning.training import Training
from spinloom.nn import device_layers


def parts_of(
    model: nn.Module, train: ImageSet, training: Training, objective: Any, before_step: Any, compute: Compute
) -> Parts:
    """Settings by their values, everything else by its fingerprint, as it is before the first step."""
    settings = {**asdict(training), "processes": compute.devices, "precision": compute.precision}
    scaling = {"mean": train.mean, "deviation": train.std, "version of Spinloom": __version__}
    layers = device_layers(model)
    things = {"images": train.images, "labels": train.labels, "devices": layers}
    within = {"objective": objective, "before_step": before_step}
    return {
        **{name: repr(value) for name, value in {**settings, **scaling}.items()},
        **{name: fingerprint(thing) for name, thing in things.items()},
        "network": fingerprint(model, layers.values()),
        **{name: fingerprint(thing, [model]) for name, thing in within.items()},
    }
