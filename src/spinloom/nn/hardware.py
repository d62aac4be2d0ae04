"""What every layer of devices promises, the same for all layers of a network at once, and a look at it at work."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from spinloom.errors import InputError
from spinloom.seeding import Seed, child_seed, generator


@dataclass(frozen=True)
class LayerUse:
    """What one call asks of a layer's devices, for one input of the network. SI units.

    kind: of the devices, "activation", "resonator", "oscillator" or what a layer calls its own. devices: in the
    hardware. operations: of all devices together. steps: how often the layer is used, one after the other.
    response: time constant of the slowest device, s; 0 where the layer does not know. latency: s of all steps, where
        the layer knows that itself.
    power: W that all devices take while they work, mean over the inputs: direct current of oscillators, waves that
        reach chains. energy: J, where the layer knows it itself.
    macs: multiply-accumulates of the same layer in numbers. band: lowest and highest frequency, Hz.
    drive: (rows, *units), what each device is driven with, in unit drives of its `Response`; None without one.
    name: of the layer in its network.
    """

    kind: str
    devices: int
    operations: int
    steps: int = 1
    response: float = 0.0
    power: float = 0.0
    energy: float | None = None
    macs: int = 0
    band: tuple[float, float] | None = None
    drive: Tensor | None = None
    name: str = ""
    latency: float = 0.0


class HardwareLayer(nn.Module):
    """Base of all layers of devices: activations, radio-frequency devices, memories, spiking neurons.

    `resample(seed)` fabricates an instance, and the same seed gives the same devices and the same noise, read by read;
    `rewind()` begins that noise again. `train()` and `eval()` change nothing, as hardware does not become ideal when
    training ends; `ideal()` and `real()` do, and are not in the state dict. The instance and its noise are.

    A layer of your own gives `draw(source)`, which fabricates from a generator, `forward`, `count_devices()` and
    `cost()`. Names in `register_factors` are what it draws: `factor(name)` is the drawn tensor, or 1 where the devices
    are ideal. `noisy(value, deviation)` adds the noise of a read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spread, self.read_noise = True, True
        self._noise_seed: int | None = None
        self._noise: torch.Generator | None = None
        self._factors: tuple[str, ...] = ()

    def draw(self, source: torch.Generator) -> None:
        """Fabricate: every random number of the instance comes from `source`."""
        raise NotImplementedError(f"{type(self).__name__} needs a method draw(source) that fabricates its devices")

    def count_devices(self) -> int:
        """In the hardware; copies trained side by side count once."""
        raise NotImplementedError(f"{type(self).__name__} needs a method count_devices()")

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """What the call that made `output` of `given` asks of the devices, for one of `examples` network inputs."""
        remedy = "give it a method cost(given, output, examples) -> LayerUse"
        raise InputError(f"cannot count what {type(self).__name__} costs; {remedy}")

    def resample(self, seed: Seed) -> Self:
        """Fabricate a new instance: other devices, new noise from the first read on."""
        source = generator(seed)
        self.draw(source)
        self._noise_seed = child_seed(source)
        return self.rewind()

    def rewind(self) -> Self:
        """Make the next forward pass repeat the noise since the last resampling."""
        self._noise = None if self._noise_seed is None else generator(self._noise_seed)
        return self

    def ideal(self, on: bool = True) -> Self:
        """The planned devices and no noise (on), or the fabricated ones (off)."""
        return self.real(spread=not on, read_noise=not on)

    def real(self, *, spread: bool = True, read_noise: bool = True) -> Self:
        """Switch the differences between devices and the noise separately. The instance stays."""
        self.spread, self.read_noise = spread, read_noise
        return self

    def register_factors(self, *names: str) -> None:
        """Name what `draw` sets: buffers, None until then, in the state dict of a fabricated layer."""
        self._factors = (*self._factors, *names)
        for name in names:
            self.register_buffer(name, None)

    def factor(self, name: str) -> Any:
        """The drawn factors of that name, or 1."""
        drawn = getattr(self, name)
        return 1.0 if drawn is None or not self.spread else drawn

    def drawn(self) -> dict[str, Tensor | None]:
        """All drawn factors by name, None where nothing was drawn."""
        return {name: getattr(self, name) for name in self._factors}

    def noisy(self, value: Tensor, deviation: float | Tensor) -> Tensor:
        """`value` with normal noise of this standard deviation, new at every call."""
        if not self.read_noise or self._noise is None or (isinstance(deviation, float) and not deviation):
            return value
        noise = torch.randn(value.shape, generator=self._noise, dtype=value.dtype)
        return value + deviation * noise.to(value.device)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self._noise is not None and self._noise_seed is not None:
            destination[prefix + "noise_seed"] = torch.tensor(self._noise_seed)
            destination[prefix + "noise_state"] = self._noise.get_state()

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        """A fabricated layer loads into one that is not. A state of an earlier version leaves the noise as it is."""
        for name in self._factors:
            given = state.get(prefix + name)
            setattr(self, name, None if given is None else torch.empty_like(given))
        seed, place = (state.pop(prefix + name, None) for name in ("noise_seed", "noise_state"))
        if seed is not None and place is not None:
            self._noise_seed = int(seed)
            self.rewind()._noise.set_state(place.cpu())  # type: ignore[union-attr]
        super()._load_from_state_dict(state, prefix, *rest)


def hardware_layers(model: nn.Module) -> dict[str, HardwareLayer]:
    """All layers of devices in a network by name, in order."""
    return {name: module for name, module in model.named_modules() if isinstance(module, HardwareLayer)}


def resample(model: nn.Module, seed: Seed) -> nn.Module:
    """Fabricate a new instance of every layer; the same seed gives the same instance and the same noise.

    Returns the model. This and the following raise InputError if it has no layer of devices.
    """
    source = generator(seed)
    for layer in require_layers(model).values():
        layer.resample(child_seed(source))
    return model


def ideal(model: nn.Module, on: bool = True) -> nn.Module:
    """The planned devices without noise in every layer (on), or the fabricated ones (off). Returns the model."""
    return real(model, spread=not on, read_noise=not on)


def real(model: nn.Module, *, spread: bool = True, read_noise: bool = True) -> nn.Module:
    """Switch the spread of the devices and the noise of every layer. Returns the model."""
    for layer in require_layers(model).values():
        layer.real(spread=spread, read_noise=read_noise)
    return model


@contextmanager
def switched(model: nn.Module, **switches: bool) -> Iterator[None]:
    """`spread` and `read_noise` of every layer as given within the block; then every layer is as it was before."""
    before = [
        (layer, {"spread": layer.spread, "read_noise": layer.read_noise}) for layer in require_layers(model).values()
    ]
    try:
        for layer, own in before:
            layer.real(**{**own, **switches})
        yield
    finally:
        for layer, own in before:
            layer.real(**own)


def planned(model: nn.Module) -> AbstractContextManager[None]:
    """The planned devices without noise within the block; then every layer is switched as it was before."""
    return switched(model, spread=False, read_noise=False)


def rewind(model: nn.Module) -> nn.Module:
    """Make the next forward pass repeat the noise since the last resampling. Returns the model."""
    for layer in require_layers(model).values():
        layer.rewind()
    return model


def count_devices(model: nn.Module) -> dict[str, int]:
    """Devices in each layer, by name. Raises InputError too if a layer has not met an input that it needs for that."""
    counts = {}
    for name, layer in require_layers(model).items():
        try:
            counts[name] = layer.count_devices()
        except InputError as error:
            raise InputError(f"layer {name!r}: {error}") from None
    return counts


def require_layers(model: nn.Module, kind: type[HardwareLayer] = HardwareLayer) -> dict[str, Any]:
    """All layers of that kind by name. Raises InputError if there is none."""
    layers = {name: layer for name, layer in hardware_layers(model).items() if isinstance(layer, kind)}
    if not layers:
        remedy = "make one with to_hardware(model, response), or build it from layers of devices (spinloom.nn.radio)"
        raise InputError(f"{type(model).__name__} has no device layer; {remedy}")
    return layers


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """Give every module its own training or evaluation mode back at the end, whatever happens."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def on_input(module: nn.Module, note: Callable[[Tensor], object]) -> RemovableHandle:
    """Call note(input) before every pass of a module of one input, however the input is handed over."""

    def hook(_: nn.Module, args: tuple, named: dict) -> None:
        note((*args, *named.values())[0])

    return module.register_forward_pre_hook(hook, with_kwargs=True)
