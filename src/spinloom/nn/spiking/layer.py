"""Layers of spiking neurons: what all have in common, and leaky integrate-and-fire."""

from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn

from spinloom.devices import Spread
from spinloom.errors import (
    InputError,
    require_count,
    require_finite,
    require_non_negative,
    require_number,
    require_positive,
    unknown_name,
)
from spinloom.nn.hardware import HardwareLayer, LayerUse
from spinloom.nn.spiking.kernels import integrate
from spinloom.seeding import child_seed, generator

Reset = Literal["value", "subtract", "delayed"]


class SpikingLayer(HardwareLayer):
    """What all layers of spiking neurons promise: (steps, batch, *units) in and out, time first; spikes are 0 or 1.

    steps: None, or the number of steps that are folded into the rows: then (steps * batch, *units) in and out, all rows
    of the first step first, so that nn.Conv2d, norms and pooling stand between layers (`SpikingNetwork` folds).
    units: of the layer, one device each; None takes those of the first input. spread: how devices differ, a fraction
    for all or a `Spread` of the names in `spreading`; drawn when units are known. stuck: share of neurons that never
    fire. noise: standard deviation of what is added to the input at every step, new in every call.
    keep_state: a call goes on where the last one ended; else each begins at rest, as it does after `rewind()`.
    energy: J of one spike, for the costs of a network.

    A layer of your own gives `fire(drive, state)` and may name what its devices differ in.
    """

    spreading: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        units: int | tuple[int, ...] | None = None,
        steps: int | None = None,
        spread: float | Spread | None = None,
        stuck: float = 0.0,
        noise: float = 0.0,
        keep_state: bool = False,
        energy: float | None = None,
    ) -> None:
        super().__init__()
        if steps is not None:
            require_count(steps=steps)
        require_number("", "non-negative", noise=noise, stuck=stuck)
        require_number("J", "non-negative", energy=energy or 0.0)
        if stuck > 1:
            raise InputError(f"stuck is the share of neurons that never fire, 0 to 1, got {stuck:g}")
        self.units = (units,) if isinstance(units, int) else units
        self.steps, self.stuck, self.noise, self.keep_state, self.energy = steps, stuck, noise, keep_state, energy
        self.device_spread = spread if isinstance(spread, Spread) else Spread.uniform(spread or 0.0)
        self.device_spread.require_known(self.spreading)
        self.state: tuple[Tensor, ...] | None = None
        self.register_factors("origin", "alive", *(f"{name}_factor" for name in self.spreading))

    def fire(self, drive: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Spikes and the state after them, (batch, units) each, for drive (steps, batch, units); None is at rest."""
        raise NotImplementedError(f"{type(self).__name__} needs a method fire(drive, state)")

    def count_devices(self) -> int:
        """Raises InputError before the first input where no units were given."""
        if self.units is None:
            raise InputError("it has no size yet; give it units=, or run one batch")
        return int(torch.Size(self.units).numel())

    def draw(self, source: torch.Generator) -> None:
        self.origin = torch.tensor(child_seed(source))
        if self.units is not None:
            self._fabricate()

    def rewind(self) -> Self:
        """Repeat the noise since the last resampling, from rest."""
        self.state = None
        return super().rewind()

    def forward(self, input: Tensor) -> Tensor:  # the name that nn.Tanh has for it
        drive = self._in_time(input)
        flat = drive.reshape(*drive.shape[:2], -1)
        state = self.state if self.keep_state else None
        if state is not None and len(state[0]) != flat.shape[1]:
            rows = f"the state of {len(state[0])} rows is kept, got {flat.shape[1]}"
            raise InputError(f"{rows}; call rewind() between batches of different size")
        spikes, state = self.fire(self.noisy(flat, self.noise), state)
        self.state = tuple(part.detach() for part in state) if self.keep_state else None
        return (spikes * self.factor("alive")).reshape(input.shape)

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """Energy of the spikes, where that of one is known."""
        energy = None if self.energy is None else self.energy * float(output.detach().sum()) / examples
        return LayerUse("spiking", self.count_devices(), output.numel() // examples, energy=energy)

    def _in_time(self, x: Tensor) -> Tensor:
        """(steps, batch, *units), checked."""
        if not x.is_floating_point():
            raise InputError(f"a spiking layer needs floating-point input, got {x.dtype}; convert with .float()")
        shape = tuple(x.shape)
        if self.steps is not None:
            if x.ndim < 2 or len(x) % self.steps:
                raise InputError(
                    f"this layer takes ({self.steps} steps x batch, *units), time first, got {shape}; fold with "
                    "x.flatten(0, 1), or set layer.steps = None for (steps, batch, *units)"
                )
            x = x.unflatten(0, (self.steps, -1))
        elif x.ndim < 3:
            raise InputError(
                f"a spiking layer takes (steps, batch, *units), time first, got {shape}; add the axis that lacks with "
                "x[None], or give the layer steps= where time is folded into rows"
            )
        if self.units is None:
            self.units = tuple(x.shape[2:])
            if self.origin is not None:
                with torch.inference_mode(False):
                    self._fabricate()
        if tuple(x.shape[2:]) != self.units:
            raise InputError(
                f"this layer has units {self.units} behind the axes of time and batch, got {shape}; bring time first "
                "with x.movedim(axis_of_time, 0), or make a layer for each place"
            )
        return x

    def _fabricate(self) -> None:
        source, count, like = generator(int(self.origin)), self.count_devices(), self.origin
        assert isinstance(like, Tensor)
        for name in self.spreading:
            drawn = self.device_spread.draw(name, count, source).squeeze(-1)
            setattr(self, f"{name}_factor", drawn.to(like.device))
        self.alive = (torch.rand(count, generator=source) >= self.stuck).to(like.device)


class LeakyNeurons(SpikingLayer):
    """Leaky integrate-and-fire: v <- decay v + gain i, a spike where v > threshold; at rest v is 0.

    i is the input, or with `synapse` > 0 the current i <- synapse i + input that it leaves behind.
    decay: per step, 1 integrates without leak; or give `tau` and `dt` (s) for exp(-dt / tau). threshold, gain, decay,
    synapse: numbers or tensors of the units' shape; an nn.Parameter is learnt.
    reset: what a spike does to v: "value" sets it to `reset_to`, "subtract" takes the threshold off, "delayed" takes
    it off one step later (the default of snnTorch: it is then not multiplied by the decay).
    refractory: steps after a spike in which v stays as it is and the input is lost to it.
    slope: of the surrogate gradient 1 / (1 + slope |v / threshold - 1|)^2 (Zenke and Ganguli, Neural Computation 30,
    1514 (2018)), in the place of the derivative of the spike; none goes through the reset. Without gradients the whole
    time is one compiled loop with the same spikes.
    Devices differ in threshold and in tau. The other options are those of `SpikingLayer`.

    Raises InputError for values out of range, naming them, and where not one of decay and tau is given.
    """

    spreading: tuple[str, ...] = ("threshold", "tau")
    decay: Tensor
    threshold: Tensor
    gain: Tensor
    synapse: Tensor
    reset_to: Tensor

    def __init__(
        self,
        decay: float | Tensor | None = None,
        *,
        tau: float | Tensor | None = None,
        dt: float | None = None,
        threshold: float | Tensor = 1.0,
        reset: Reset = "subtract",
        reset_to: float | Tensor = 0.0,
        refractory: int = 0,
        gain: float | Tensor = 1.0,
        synapse: float | Tensor = 0.0,
        slope: float = 2.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if (decay is None) == (tau is None) or (tau is None) != (dt is None):
            raise InputError("give either decay, or tau and dt in s")
        if reset not in get_args(Reset):
            raise unknown_name("reset", str(reset), get_args(Reset))
        if tau is not None and dt is not None:
            require_positive("s", tau=tau, dt=dt)
            decay = torch.exp(-dt / torch.as_tensor(tau))
        assert decay is not None
        require_non_negative("", decay=decay, synapse=synapse)
        if bool((torch.as_tensor(decay) > 1).any()) or bool((torch.as_tensor(synapse) > 1).any()):
            raise InputError("decay and synapse are what is left after a step, 0 to 1")
        require_positive("", threshold=threshold, slope=slope)
        require_finite("", gain=gain, reset_to=reset_to)
        require_count(0, refractory=refractory)
        if refractory and reset == "delayed":
            raise InputError("a reset one step later leaves no refractory time; use reset='subtract'")
        self.reset, self.refractory, self.slope = reset, refractory, slope
        numbers = {"decay": decay, "threshold": threshold, "gain": gain, "synapse": synapse, "reset_to": reset_to}
        for name, value in numbers.items():
            if isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            else:
                self.register_buffer(name, torch.as_tensor(value, dtype=torch.get_default_dtype()).clone())

    def fire(self, drive: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        numbers = self.numbers(drive)
        state = self.at_rest(drive) if state is None else state
        state = (*(part.to(drive) for part in state[:3]), state[3].to(drive.device))
        learns = torch.is_grad_enabled() and (drive.requires_grad or numbers.requires_grad)
        if learns or drive.device.type != "cpu" or drive.dtype not in (torch.float32, torch.float64):
            return self._fire_eagerly(drive, state, numbers)
        state = tuple(part.clone(memory_format=torch.contiguous_format) for part in state)
        told = drive.detach().contiguous().numpy(), tuple(part.numpy() for part in state), numbers.detach().numpy()
        return torch.from_numpy(integrate(*told, get_args(Reset).index(self.reset), self.refractory)), state

    def at_rest(self, drive: Tensor) -> tuple[Tensor, ...]:
        """Potential, current, what is still to be subtracted, and steps that are left of the refractory time."""
        held = torch.zeros(drive.shape[1:], dtype=torch.int32, device=drive.device)
        return *drive.new_zeros(3, *drive.shape[1:]), held

    def numbers(self, like: Tensor) -> Tensor:
        """Decay, gain, synapse, threshold and what v is set to, (5, units), of the devices as fabricated."""
        decay, threshold = self.flat("decay", like).clamp(0, 1), self.flat("threshold", like)
        if "tau" in self.spreading and self.spread and self.alive is not None:
            decay = decay ** (1 / self.factor("tau_factor")).to(like)
            threshold = threshold * self.factor("threshold_factor").to(like)
        gain, synapse, reset_to = (self.flat(name, like) for name in ("gain", "synapse", "reset_to"))
        return torch.stack([decay, gain, synapse, threshold, reset_to])

    def flat(self, name: str, like: Tensor) -> Tensor:
        """(units,), of one of the planned numbers, which may be one for all."""
        value, count = getattr(self, name).to(like), self.count_devices()
        return (value.reshape(1) if value.numel() == 1 else value.expand(self.units).reshape(-1)).expand(count)

    def _fire_eagerly(
        self, drive: Tensor, state: tuple[Tensor, ...], numbers: Tensor, told: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """told: spikes of others, that take the place of its own."""
        decay, gain, synapse, threshold, reset_to = numbers
        v, i, late, held = state
        spikes = []
        for step, given in enumerate(drive):
            i = synapse * i + given
            v = torch.where(held == 0, decay * v + gain * i - late, v)
            fires = (v > threshold) & (held == 0) if told is None else told[step] > 0
            spikes.append(_Spike.apply(v / threshold - 1, fires, self.slope))
            drop = torch.where(fires, threshold, 0)
            late = drop if self.reset == "delayed" else late
            if self.reset != "delayed":
                v = torch.where(fires, reset_to, v) if self.reset == "value" else v - drop
            held = torch.where(fires, self.refractory, (held - 1).clamp_min(0))
        return torch.stack(spikes), (v, i, late, held)

    def extra_repr(self) -> str:
        return f"units={self.units}, reset={self.reset!r}, steps={self.steps}"


class _Spike(torch.autograd.Function):
    """1 where a neuron fires; backward is the surrogate at `over`, the potential over the threshold, less 1."""

    @staticmethod
    def forward(ctx: Any, over: Tensor, fires: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(over)
        ctx.slope = slope
        return fires.to(over.dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (over,) = ctx.saved_tensors
        return upstream / (1 + ctx.slope * over.abs()) ** 2, None, None
