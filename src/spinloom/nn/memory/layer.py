"""Linear and convolutional layers whose weights are conductances of memories."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from spinloom.devices import Memory, Spread, Writing, write
from spinloom.errors import InputError, require_positive, unknown_name
from spinloom.nn.hardware import HardwareLayer, LayerUse
from spinloom.nn.memory.array import Array
from spinloom.seeding import Seed, child_seed, generator

Cells = Literal["single", "pair", "binary"]
_NO_WRITING = Writing()
_SHARES = [k / 20 for k in range(2, 21)]
"""Of the largest weight, tried as the range of memories with few levels."""


class MemoryLayer(HardwareLayer):
    """What `DeviceLinear` and `DeviceConv2d` have in common: an array of memories that holds a weight tensor.

    weight: the parameter that autograd and optimisers see: what the array is asked to hold. `realised()` is what it
    holds; forward computes with that and hands its gradient to `weight` unchanged (straight through). An array is
    fabricated and written by `resample(seed)`; until then, and where the layer is ideal, forward computes with `weight`
    itself. Without spread but with noise the weights are those that ideal devices would hold.

    cells: "single", one memory a weight, the middle of the window is 0; "pair", the difference of two; "binary", the
    sign of that difference. weight_range: the weight that the whole window stands for. None is the largest
    abs(weight) when the array is fabricated; where memories have levels, the range whose levels are nearest to the
    weights, in the mean square. Larger weights are held as the largest. device_spread: how the memories
    differ, see `Memory.fabricate`. tolerance, attempts: of write and verify; the tolerance is a share of the window.
    fresh: devices are left as fabrication gives them, and `weight` becomes what they hold. array: wires, converters and
    stuck cells around the devices; None is an ideal one of any size.

    ledger: what all programming since fabrication took. Noise of a read is that of each input of its own, for "binary"
    of each pass of a batch.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        memory: Memory,
        *,
        cells: Cells = "pair",
        weight_range: float | None = None,
        device_spread: float | Spread | None = None,
        tolerance: float = 0.02,
        attempts: int = 20,
        fresh: bool = False,
        array: Array | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(memory, Memory):
            raise InputError(f"a layer of memories needs a spinloom.devices.Memory, got {type(memory).__name__}")
        if cells not in get_args(Cells):
            raise unknown_name("kind of cells", str(cells), get_args(Cells))
        if cells == "single" and not (memory.raises and memory.lowers):
            raise InputError(f"{type(memory).__name__} has pulses of one direction only; use cells='pair' or 'binary'")
        require_positive("of the window", tolerance=tolerance)
        if weight_range is not None:
            require_positive("", weight_range=weight_range)
        self.memory, self.cells, self.weight_range = memory, cells, weight_range
        self.device_spread, self.tolerance, self.attempts = device_spread, tolerance, attempts
        self.fresh, self.array = fresh, array
        self.weight = nn.Parameter(weight.detach().clone())
        self.register_parameter("bias", None if bias is None else nn.Parameter(bias.detach().clone()))
        self._spreading = tuple(name for name, part in memory.parameters.items() if part.spread)
        self.register_factors("state", "scale", "writes", "aim", *(f"memory_{name}" for name in self._spreading))
        self.ledger = _NO_WRITING
        self._made: Memory | None = None
        self._held: Tensor | None = None

    # the array

    def count_devices(self) -> int:
        return self.weight.numel() * (1 if self.cells == "single" else 2)

    def draw(self, source: torch.Generator) -> None:
        count = self.count_devices()
        made = self.memory.fabricate(count, self.device_spread, child_seed(source))
        for name in self._spreading:
            value = getattr(made, name)
            given = isinstance(value, Tensor) and value.numel() > 1
            setattr(self, f"memory_{name}", value.to(self.weight) if given else None)
        self._made = None
        self.state = self.memories.fresh((count, 1), child_seed(source)).to(self.weight)
        self.scale = self._range()
        self.writes = torch.tensor([child_seed(source), 0])
        self.ledger, self._held = _NO_WRITING, None
        self.aim = torch.full_like(self.weight.detach().reshape(-1, 1), torch.nan)
        if self.fresh:
            with torch.no_grad():
                self.weight.copy_(self.realised())
            self.aim = self.weight.detach().reshape(-1, 1).clone()
        else:
            self.write()

    @property
    def memories(self) -> Memory:
        """The memories as fabricated, parameters (devices, 1); all of the plus cells of pairs come first."""
        if self._made is None:
            drawn = {name: getattr(self, f"memory_{name}") for name in self._spreading}
            given = {name: value for name, value in drawn.items() if value is not None}
            self._made = replace(self.memory, **given)  # type: ignore[type-var]
        return self._made

    def write(self, active: Tensor | None = None) -> Writing:
        """Write `weight` into the array and verify. active: (*weight.shape), the weights to be written, None for all.

        Raises InputError for a tolerance that the memories cannot meet.
        """
        state, flat = self._require_state(), self.weight.detach().reshape(-1, 1)
        chosen = torch.ones_like(flat, dtype=torch.bool) if active is None else active.reshape(-1, 1)
        assert self.aim is not None
        asked = flat[chosen].reshape(-1, 1)
        self.aim = self.aim.masked_scatter(chosen, self._nearest(asked))
        if self.cells == "binary":
            return self._write_signs(flat, chosen)
        chosen = chosen if self.cells == "single" else torch.cat([chosen, chosen])
        goal = torch.zeros_like(chosen, dtype=flat.dtype).masked_scatter(chosen, self._targets(asked))
        tolerance = self.tolerance * self._span()
        found, taken = write(self.memories, state, goal, tolerance, self.attempts, self._seed(), chosen)
        return self._note(found, taken)

    def outdated(self) -> Tensor:
        """Where `weight` asks for another state than it did when it was last written, (*weight.shape)."""
        self._require_state()
        off = (self._nearest(self.weight.detach().reshape(-1, 1)) - self.aim).abs()
        kept = off <= 2 * self.tolerance * self.scale  # False for a NaN, which was never written
        return ~kept.reshape(self.weight.shape)

    def pulse(self, events: Tensor) -> Writing:
        """Give each weight a whole number of pulses, (*weight.shape): positive ones raise it. Nothing is verified.

        Of a pair, both devices move where they can be moved both ways; else the one that can be moved.
        """
        if self.cells == "binary" and self.array is None:
            return self._pulse_pairs(events)
        state, told = self._require_state(), self._split(events.reshape(-1, 1))
        memories, count = self.memories, int(torch.count_nonzero(told))
        energy = float(memories.energy(state, told).sum())
        return self._note(
            memories.program(state, told, self._seed()), Writing(count, int(told.abs().sum()), count, energy)
        )

    def _pulse_pairs(self, events: Tensor) -> Writing:
        """The same for signs, which the memory compares in the same pass."""
        signs = torch.empty_like(self.weight.detach(), memory_format=torch.contiguous_format)
        told = self._require_state(), events.reshape(-1), signs.view(-1), self._seed()
        state, devices, pulses, energy = self.memories.program_pairs(*told)
        taken = self._note(state, Writing(devices, pulses, devices, energy))
        self._held = signs.mul_(self.scale)
        return taken

    def age(self, time: float) -> Self:
        """Let `time` (s) pass without programming."""
        state = self._require_state()
        self.state, self._held = self.memories.retained(state, time).to(state), None
        return self

    def mean_step(self) -> float:
        """The mean change of a weight by one pulse, from the states as they are; both ways averaged."""
        state, sizes = self._require_state(), list[float]()
        for sign in (1.0, -1.0):
            told = self._split(torch.full((self.weight.numel(), 1), sign, dtype=state.dtype))
            moved = self.memories.mean_change(state, told)
            moved = moved if self.cells == "single" else moved[: len(moved) // 2] - moved[len(moved) // 2 :]
            sizes.append(float(moved.abs().mean()))
        return sum(sizes) / len(sizes) * self._gain()

    def realised(self) -> Tensor:
        """The weights that the array holds, on average over reads, (*weight.shape)."""
        if self._held is None:
            with torch.no_grad():
                held = self._weights_of(self._seen(self.memories.conductance(self._require_state())))
                self._held = held.to(self.weight).reshape(self.weight.shape)
        return self._held

    def read_weights(self) -> Tensor:
        """The weights that forward computes with now, gradient straight through to `weight`; noise is added later."""
        if self.state is None or not (self.spread or self.read_noise):
            return self.weight
        held = self.realised() if self.spread else self._planned()
        if self.cells == "binary" and self.read_noise and self._noise is not None:
            held = self._read_signs(held)
        return _Straight.apply(self.weight, held)

    def noise_variance(self) -> Tensor | None:
        """Variance of each weight in one read, (*weight.shape); None without noise."""
        if self.state is None or not self.read_noise or self.cells == "binary":
            return None
        with torch.no_grad():
            variance = self.memories.read_deviation(self.state).square()
            if not bool(variance.any()):
                return None
            variance = variance if self.cells == "single" else torch.add(*variance.tensor_split(2))
            return (variance.reshape(self.weight.shape) * self._gain() ** 2).to(self.weight)

    def computed(self, x: Tensor, product: Callable[[Tensor, Tensor, Tensor | None], Tensor]) -> Tensor:
        """product(x, weights, bias) with the array's weights and the noise of a read."""
        if not x.is_floating_point():
            raise InputError(f"a layer of memories needs floating-point input, got {x.dtype}; convert with .float()")
        weights, variance = self.read_weights(), self.noise_variance()
        if self.array is None or weights is self.weight:
            output = product(x, weights, self.bias)
        else:
            output = self.through(self.array, x, weights)
        if variance is None:
            return output
        return self.noisy(output, product(x.detach().square(), variance, None).clamp_min(0).sqrt())

    def through(self, array: Array, x: Tensor, weights: Tensor) -> Tensor:
        """x times the weights, and the bias, with the converters of `array`."""
        raise NotImplementedError

    def rows(self, x: Tensor) -> Tensor:
        """The inputs of the array for x, (examples, ..., inputs of one output)."""
        raise NotImplementedError

    def heat(self, x: Tensor, product: Callable[[Tensor, Tensor, Tensor | None], Tensor]) -> float:
        """J of all devices in the reads for x: voltages in proportion to it, the largest is the read voltage."""
        state = self.memories.fresh((1, 1)) if self.state is None else self.state
        energy = self.memories.read_energy(state)
        energy = energy.expand(self.count_devices(), 1)
        each = energy if self.cells == "single" else torch.add(*energy.tensor_split(2))
        share = (x.detach() / x.detach().abs().max().clamp_min(1e-30)).square()
        return float(product(share, each.reshape(self.weight.shape).to(share), None).sum())

    def _require_state(self) -> Tensor:
        if self.state is None:
            raise InputError("the array is not fabricated yet; call resample(seed) first")
        return self.state

    def _seed(self) -> int:
        """Of the next programming."""
        self.writes[1] += 1
        first, count = (int(number) for number in self.writes)
        return child_seed(generator((first + count) % 2**62))

    def _seen(self, conductance: Tensor) -> Tensor:
        """Conductances (devices, 1) with cells that are stuck, as outputs see them through the wires."""
        if self.array is None:
            return conductance
        assert self.writes is not None
        stuck = self.array.stick(conductance, self.memory.window, int(self.writes[0]))
        outputs = self.weight.shape[0]
        shaped = stuck.reshape(-1, outputs, self.weight[0].numel())
        return self.array.effective(shaped).reshape(conductance.shape)

    def _full(self) -> float:
        """The weight that one device at its most stands for."""
        return self._gain() * self._window()[1]

    def _note(self, state: Tensor, taken: Writing) -> Writing:
        self.state, self._held, self.ledger = state.to(self.state), None, self.ledger + taken
        return taken

    def _window(self) -> tuple[float, float]:
        """S, of the design."""
        low, high = (float(torch.as_tensor(end).mean()) for end in self.memory.window)
        return low, high

    def _span(self) -> float:
        low, high = self._window()
        return high - low

    def _gain(self) -> float:
        """Weight per S of a device, or of the difference of a pair."""
        return float(self.scale) * (2.0 if self.cells == "single" else 1.0) / self._span()

    def _range(self) -> Tensor:
        """The weight that the whole window is to stand for."""
        given = self.weight.detach()
        largest = given.abs().max().clamp_min(torch.finfo(given.dtype).tiny)
        if self.weight_range is not None:
            return torch.full_like(largest, self.weight_range)
        if self.memory.levels is None or self.cells == "binary":
            return largest
        errors = []
        for share in _SHARES:
            self.scale = share * largest
            errors.append(float((self._planned() - given).square().sum()))
        return _SHARES[errors.index(min(errors))] * largest

    def _targets(self, flat: Tensor) -> Tensor:
        """S, (devices, 1), for weights (n, 1)."""
        low, span = self._window()[0], self._span()
        share = (flat / self.scale).clamp(-1, 1)
        share = share if self.cells == "single" else torch.cat([share, -share])
        wanted = low + span * (share + 1) / 2
        if self.memory.levels is None:
            return wanted
        targets, place = self.memory.targets().to(wanted), torch.zeros_like(wanted, dtype=torch.int32)
        for border in (targets[1:] + targets[:-1]) / 2:  # levels are few: faster than to search
            place += wanted > border
        return targets[place]

    def _weights_of(self, conductance: Tensor) -> Tensor:
        """Weights (n, 1) of devices, S, (n, 1) or (2 n, 1)."""
        if self.cells == "single":
            return (conductance - sum(self._window()) / 2) * self._gain()
        plus, minus = conductance.tensor_split(2)
        if self.cells == "binary":
            return torch.where(plus >= minus, self.scale, -self.scale)
        return (plus - minus) * self._gain()

    def _planned(self) -> Tensor:
        """What ideal devices would hold."""
        return self._nearest(self.weight.detach().reshape(-1, 1)).reshape(self.weight.shape)

    def _nearest(self, flat: Tensor) -> Tensor:
        """The weights (n, 1) that ideal devices would hold for these."""
        if self.cells == "binary":
            return torch.where(flat >= 0, self.scale, -self.scale)
        return self._weights_of(self._targets(flat)) if self.memory.levels else flat

    def _split(self, events: Tensor) -> Tensor:
        """Pulses of the devices, (devices, 1), for those of weights, (n, 1)."""
        return events if self.cells == "single" else self.memory.pair_events(events)

    def _write_signs(self, flat: Tensor, chosen: Tensor) -> Writing:
        """One pulse at a time for pairs whose comparison is wrong."""
        wanted, total = flat >= 0, Writing(int(chosen.sum()))
        for turn in range(self.attempts + 1):
            plus, minus = self.memories.read(self._require_state(), self._seed()).tensor_split(2)
            wrong = chosen & ((plus >= minus) != wanted)
            if not bool(wrong.any()) or turn == self.attempts:
                break
            sign = torch.where(wanted, 1.0, -1.0) * wrong
            taken = self.pulse(sign)
            total += Writing(0, taken.events, int(wrong.sum()), taken.energy)
        missed = Writing(total.devices, missed=int(wrong.sum()))
        self.ledger += missed
        return total + replace(missed, devices=0)

    def _read_signs(self, held: Tensor) -> Tensor:
        """The comparisons as one read makes them."""
        deviation = self.memories.read_deviation(self._require_state())
        if not bool(deviation.any()):
            return held
        assert self._noise is not None
        read = self.memories.read(self._require_state(), self._noise)
        return self._weights_of(read).to(held).reshape(held.shape)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        made = super()._apply(fn, recurse)
        self._made = self._held = None
        return made

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state, prefix, *rest)
        self._made = self._held = None

    def _use(self, given: Tensor, output: Tensor, examples: int, product: Any) -> LayerUse:
        steps = max(1, output.numel() // (examples * self.weight.shape[0]))
        use = LayerUse(
            "memory", self.count_devices(), self.count_devices() * steps, steps, macs=steps * self.weight.numel()
        )
        if self.array is None or self.state is None:
            time = float(torch.as_tensor(self.memory.read_time).max())
            return replace(use, energy=self.heat(given, product) / examples, latency=steps * time)
        conductance = self.memories.conductance(self.state).detach()
        every = conductance.reshape(-1, self.weight[0].numel())  # both of a pair, one set below the other
        rows = self.rows(given)
        found = self.array.cost(every, rows.reshape(examples, -1, rows.shape[-1]))
        return replace(use, energy=found.energy, latency=found.latency)

    def _options(self) -> str:
        spread = f", device_spread={self.device_spread}" if self.device_spread else ""
        return f"memory={type(self.memory).__name__}, cells={self.cells!r}{spread}"


class DeviceLinear(MemoryLayer):
    """A linear layer (..., in_features) -> (..., out_features) whose weights are kept by memories, see `MemoryLayer`.

    The first weights are those of nn.Linear, drawn from `seed`. Options are those of `MemoryLayer`.
    """

    def __init__(
        self, in_features: int, out_features: int, memory: Memory, bias: bool = True, seed: Seed = 0, **options: Any
    ) -> None:
        super().__init__(*_first((out_features, in_features), in_features, bias, seed), memory, **options)
        self.in_features, self.out_features = in_features, out_features

    @classmethod
    def of(cls, layer: nn.Linear, memory: Memory, **options: Any) -> Self:
        """One that is asked to hold the weights of `layer`."""
        made = cls(layer.in_features, layer.out_features, memory, layer.bias is not None, **options)
        return _taken(made, layer)

    def forward(self, input: Tensor) -> Tensor:  # the name that nn.Linear has for it
        if input.shape[-1] != self.in_features:
            raise InputError(f"this layer takes (..., {self.in_features}), got {tuple(input.shape)}")
        return self.computed(input, functional.linear)

    def through(self, array: Array, x: Tensor, weights: Tensor) -> Tensor:
        output = array.multiply(x, weights, self._full())
        return output if self.bias is None else output + self.bias

    def rows(self, x: Tensor) -> Tensor:
        return x

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """Reads of all devices: Joule heat, and what the array takes."""
        return self._use(given, output, examples, functional.linear)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {self._options()}"


class DeviceConv2d(MemoryLayer):
    """A convolution of images (batch, in_channels, height, width) whose weights are kept by memories.

    As nn.Conv2d; the other options are those of `MemoryLayer`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        memory: Memory,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        seed: Seed = 0,
        **options: Any,
    ) -> None:
        kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        shape = (out_channels, in_channels // groups, *kernel)
        super().__init__(*_first(shape, math.prod(shape[1:]), bias, seed), memory, **options)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    @classmethod
    def of(cls, layer: nn.Conv2d, memory: Memory, **options: Any) -> Self:
        """One that is asked to hold the weights of `layer`. Raises InputError for padding other than zeros."""
        if layer.padding_mode != "zeros":
            raise InputError(f"a convolution of memories pads with zeros, not {layer.padding_mode!r}")
        names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
        form: dict[str, Any] = {name: getattr(layer, name) for name in names}
        return _taken(cls(memory=memory, bias=layer.bias is not None, **form, **options), layer)

    def forward(self, input: Tensor) -> Tensor:  # the name that nn.Conv2d has for it
        channels = self.weight.shape[1] * self.groups
        if input.ndim != 4 or input.shape[1] != channels:
            raise InputError(f"this layer takes (batch, {channels}, height, width), got {tuple(input.shape)}")
        return self.computed(input, self._convolve)

    def through(self, array: Array, x: Tensor, weights: Tensor) -> Tensor:
        if array.output_bits is None:
            return self._convolve(array.convert_inputs(x), weights, self.bias)
        sums = array.multiply(self.rows(x), weights.flatten(1), self._full())
        size = self._convolve(x[:1, :1], weights[:1, :1].detach(), None).shape[-2:]
        output = sums.mT.unflatten(-1, size)
        return output if self.bias is None else output + self.bias[:, None, None]

    def rows(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[2:]
        if self.groups != 1:
            raise InputError("an array holds convolutions of one group; use array=None for others")
        if isinstance(self.padding, str):
            raise InputError(f"an array needs padding in numbers, got {self.padding!r}")
        return functional.unfold(x, kernel, self.dilation, self.padding, self.stride).mT

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """Reads of all devices at every position: Joule heat, and what the array takes."""
        return self._use(given, output, examples, self._convolve)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, stride={self.stride}, padding={self.padding}, {self._options()}"


def _first(shape: tuple[int, ...], inputs: int, bias: bool, seed: Seed) -> tuple[Tensor, Tensor | None]:
    """Weights and bias as PyTorch draws them, uniform up to 1 / sqrt(inputs)."""
    source, bound = generator(seed), 1 / math.sqrt(max(1, inputs))
    weight = (2 * torch.rand(shape, generator=source) - 1) * bound
    return weight, (2 * torch.rand(shape[0], generator=source) - 1) * bound if bias else None


def _taken(made: Any, layer: nn.Linear | nn.Conv2d) -> Any:
    """`made` with the parameters of `layer`, on its device, of its type."""
    made.to(layer.weight.device, layer.weight.dtype)
    made.load_state_dict(layer.state_dict())
    for name, parameter in layer.named_parameters():
        getattr(made, name).requires_grad_(parameter.requires_grad)
    return made.train(layer.training)


class _Straight(torch.autograd.Function):
    """`held`, whose gradient goes to the weight."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, held: Tensor) -> Tensor:
        return held.view_as(held)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        return upstream, None
