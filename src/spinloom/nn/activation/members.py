"""All activation layers of a network at once, and many instances of it side by side."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from spinloom.errors import InputError, unknown_name
from spinloom.nn.activation.layer import DeviceActivation, Gradient
from spinloom.nn.hardware import require_layers
from spinloom.seeding import Seed, child_seed, generator


def device_layers(model: nn.Module) -> dict[str, DeviceActivation]:
    """The device layers of a network by name, in order."""
    return {name: module for name, module in model.named_modules() if isinstance(module, DeviceActivation)}


def members(model: nn.Module, seeds: Sequence[Seed], first: str | None = None) -> nn.Module:
    """Serve K = len(seeds) instances side by side; each has the devices that `resample(model, seed)` gives.

    See `DeviceActivation.fabricate_members`: the rows of the network's output, and of its input, are image-major. No
    seeds: one instance again, the one of before. first: name of a layer that the network runs once for all instances up
    to, its input then being (batch, ...); see `shared_front`. Returns the model. Raises InputError if it has no
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


_IMAGES, _SEEDS = 3, (0, 1)
"""Of the trial; as 2 does not divide 3, a second branch from the same input fails on it."""
_TOLERANCE = 1e-3
"""Of the largest output: what other batch sizes may do to rounding."""


def can_stand_side_by_side(model: nn.Module, example: Tensor) -> bool:
    """Whether each instance of `members` gives there what it gives alone.

    Not where a network mixes the rows of a batch (batch norm without running statistics) or gives its device layers
    other rows than one for each input (frames folded into the batch, sequences with the time first).
    example: at least one input. The model, in the mode it is in, serves one instance afterwards, the one of before.
    """

    def alone(inputs: Tensor) -> Tensor:
        return torch.stack([members(model, [seed])(inputs) for seed in _SEEDS], 1).flatten(0, 1)

    return _agrees(model, example, alone)


def shared_front(model: nn.Module, example: Tensor) -> str | None:
    """Name of the device layer up to which instances side by side may share one pass, or None if there is none.

    example: at least one input. It is tried on a small batch: a network that carries a tensor around its first device
    layer (a skip connection) fails there, or gives other outputs than with repeated input. The model, in the mode it is
    in, serves one instance afterwards, the one of before.
    """

    require_layers(model)

    def agrees(name: str) -> bool:  # where another layer is called first, that one refuses its three rows
        return _agrees(model, example, lambda inputs: members(model, _SEEDS, name)(inputs))

    return next(filter(agrees, device_layers(model)), None)


def _agrees(model: nn.Module, example: Tensor, other: Callable[[Tensor], Tensor]) -> bool:
    """Whether the other way gives what instances side by side give, but for rounding; not where one of them fails."""
    inputs = example[torch.arange(_IMAGES) % len(example)]
    with torch.inference_mode():
        try:
            found = other(inputs)
            wanted = members(model, _SEEDS)(inputs.repeat_interleave(len(_SEEDS), 0))
            slack = _TOLERANCE * float(wanted.abs().max())
            return torch.allclose(found, wanted, rtol=0, atol=slack, equal_nan=True)
        except Exception:  # a network's own code may fail on another number of rows in any way
            return False
        finally:
            members(model, ())
