"""All device layers of a network at once."""

from collections.abc import Sequence

from torch import nn

from spinloom.errors import InputError, unknown_name
from spinloom.nn.activation import DeviceActivation
from spinloom.nn.gradients import Gradient
from spinloom.seeding import Seed, child_seed, generator


def device_layers(model: nn.Module) -> dict[str, DeviceActivation]:
    """The device layers of a network by name, in order."""
    return {name: module for name, module in model.named_modules() if isinstance(module, DeviceActivation)}


def resample(model: nn.Module, seed: Seed) -> nn.Module:
    """Fabricate a new instance of every device layer; the same seed gives the same instance and the same noise.

    Returns the model. Raises InputError if it has no device layer.
    """
    source = generator(seed)
    for layer in _some(model).values():
        layer.resample(child_seed(source))
    return model


def members(model: nn.Module, seeds: Sequence[Seed], first: str | None = None) -> nn.Module:
    """Serve K = len(seeds) instances side by side; each has the devices that `resample(model, seed)` gives.

    See `DeviceActivation.fabricate_members`: the rows of the network's output, and of its input, are image-major. No
    seeds: one instance again, the one of before. first: name of a layer that the network runs once for all instances up
    to, its input then being (batch, ...); see `front.shared_front`. Returns the model. Raises InputError if it has no
    device layer, or none of the name `first`.
    """
    layers = _some(model)
    if first is not None and first not in layers:
        raise unknown_name("device layer", first, layers)
    sources = [generator(seed) for seed in seeds]
    for name, layer in layers.items():
        layer.fabricate_members([child_seed(source) for source in sources], shared_input=name == first)
    return model


def ideal(model: nn.Module, on: bool = True) -> nn.Module:
    """Nominal devices without read noise in every layer (on), or the real ones (off). Returns the model."""
    return real(model, spread=not on, read_noise=not on)


def real(model: nn.Module, *, spread: bool = True, read_noise: bool = True) -> nn.Module:
    """Switch device spread and read noise of every layer. Returns the model. Raises InputError without device layer."""
    for layer in _some(model).values():
        layer.real(spread=spread, read_noise=read_noise)
    return model


def use_gradient(model: nn.Module, kind: Gradient, step: float = 0.25) -> nn.Module:
    """Choose where every layer takes its slopes from, see `DeviceActivation.use_gradient`. Returns the model.

    Raises InputError without device layer, for another kind or a step <= 0.
    """
    for layer in _some(model).values():
        layer.use_gradient(kind, step)
    return model


def rewind(model: nn.Module) -> nn.Module:
    """Make the next forward pass repeat the noise since the last resampling. Returns the model."""
    for layer in _some(model).values():
        layer.rewind()
    return model


def count_devices(model: nn.Module) -> dict[str, int]:
    """Devices in each layer, by name.

    Raises InputError if a layer has not met an input yet, or there is none.
    """
    layers = _some(model)
    for name, layer in layers.items():
        if layer.unit_shape is None:
            raise InputError(
                f"device layer {name!r} has no size yet; run one batch or give to_hardware an example_input"
            )
    return {name: layer.assignment.numel() for name, layer in layers.items()}


def _some(model: nn.Module) -> dict[str, DeviceActivation]:
    layers = device_layers(model)
    if not layers:
        raise InputError(f"{type(model).__name__} has no device layer; make one with to_hardware(model, response)")
    return layers
