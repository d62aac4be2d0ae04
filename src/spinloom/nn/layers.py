"""All activation layers of a network at once; for what every layer of devices has see `hardware`."""

from collections.abc import Sequence

from torch import nn

from spinloom.errors import InputError, unknown_name
from spinloom.nn.activation import DeviceActivation
from spinloom.nn.gradients import Gradient
from spinloom.nn.hardware import require_layers
from spinloom.seeding import Seed, child_seed, generator


def device_layers(model: nn.Module) -> dict[str, DeviceActivation]:
    """The device layers of a network by name, in order."""
    return {name: module for name, module in model.named_modules() if isinstance(module, DeviceActivation)}


def members(model: nn.Module, seeds: Sequence[Seed], first: str | None = None) -> nn.Module:
    """Serve K = len(seeds) instances side by side; each has the devices that `resample(model, seed)` gives.

    See `DeviceActivation.fabricate_members`: the rows of the network's output, and of its input, are image-major. No
    seeds: one instance again, the one of before. first: name of a layer that the network runs once for all instances up
    to, its input then being (batch, ...); see `front.shared_front`. Returns the model. Raises InputError if it has no
    device layer, none of the name `first`, or for several seeds where it has layers of other devices than activations:
    they serve one instance at a time, and one seed resamples them.
    """
    layers = require_layers(model)
    activations = device_layers(model)
    if first is not None and first not in activations:
        raise unknown_name("device layer", first, activations)
    others = [name for name in layers if name not in activations]
    if others and len(seeds) > 1:
        raise InputError(f"layer {others[0]!r} serves one instance at a time; resample the network for each")
    sources = [generator(seed) for seed in seeds]
    for name, layer in layers.items():
        own = [child_seed(source) for source in sources]
        if name in activations:
            layer.fabricate_members(own, shared_input=name == first)
        elif own:
            layer.resample(own[0])
    return model


def use_gradient(model: nn.Module, kind: Gradient, step: float = 0.25) -> nn.Module:
    """Choose where every layer takes its slopes from, see `DeviceActivation.use_gradient`. Returns the model.

    Raises InputError without device layer, for another kind or a step <= 0.
    """
    for layer in require_layers(model, DeviceActivation).values():
        layer.use_gradient(kind, step)
    return model
