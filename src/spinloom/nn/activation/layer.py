"""A layer of devices in the place of an activation function."""

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor

from spinloom.devices import Response
from spinloom.errors import InputError, require_positive, unknown_name
from spinloom.nn.activation import tables
from spinloom.nn.activation.kernels import add_noise, look_up, look_up_members, read_key
from spinloom.nn.activation.tables import PLAIN, SHARINGS, TANH, Affine, Converters, Table, quantised, tabulate
from spinloom.nn.hardware import HardwareLayer, LayerUse
from spinloom.seeding import Seed, child_seed, generator

Gradient = Literal["device", "exact", "difference"]
_TABLE = ("curves", "noise", "grid", "slope_noise")
"""Buffers that layers may share in memory."""
_SLIGHT = 0.01


class DeviceActivation(HardwareLayer):
    """Activation by fabricated devices: x (batch, *unit_shape) -> value read from each unit's device, same shape.

    response: the population that devices are drawn from, or a ready `Table` (layers given the same one share it).
    sharing: "unit", one device per position of x.shape[1:]; "channel", one per x.shape[1]; "shared", one for the layer.
    affine: makes a tanh-like device a sigmoid or hardtanh (see `Affine`); a Table already contains it.
    seed: fixes the instance (which device serves which unit) and the noise of every later read.

    Which device sits where is drawn at the first forward pass, when the units are known; later inputs must have the
    same unit shape (any shape if shared). Input beyond the driven range gives the device's end value, with the slope
    it has there. Backward multiplies by the slope read from each unit's own device (`use_gradient` has other ways).
    Every forward pass is a read of both with new noise: the same seed and the same sequence of batches give the same
    output on the same machine, whatever happens to torch's global generator. `train()` and `eval()` change nothing;
    `ideal()` and `real()` do. `converters` round the two reads; they and the gradient are not in the state dict.

    drive_scale: unit drives for a device input of 1. assignment: (devices,) int32, rows of the tables. unit_shape: None
    before the first input. Half precision is for inputs and outputs; tables stay at float32 or better. torch.compile
    leaves the layer out, and with it the loop of an nn.Sequential that holds it.

    Raises InputError for an unknown sharing, an input of another unit shape, without batch dimension or not floating,
    for second derivatives, and for a state of another sharing.
    """

    curves: Tensor
    noise: Tensor
    grid: Tensor
    slope_noise: Tensor
    assignment: Tensor
    rows: Tensor

    def __init__(
        self,
        response: Response | Table,
        *,
        sharing: str = "unit",
        affine: Affine = TANH,
        seed: Seed = 0,
        converters: Converters = PLAIN,
    ) -> None:
        if sharing not in SHARINGS:
            raise unknown_name("sharing", str(sharing), SHARINGS)
        if not isinstance(converters, Converters):
            say = "say Converters(value=8, slope=6) for 8 and 6 bits"
            raise InputError(f"converters must be Converters, got {converters!r}; {say}")
        table = response if isinstance(response, Table) else tabulate(response, affine)
        super().__init__()
        for name in _TABLE:
            self.register_buffer(name, getattr(table, name))
        self.register_buffer("assignment", torch.empty(0, dtype=torch.int32))
        self.register_buffer("rows", torch.empty(0, dtype=torch.int32), persistent=False)
        self.affine, self.drive_scale, self.sharing, self.converters = table.affine, 1.0, sharing, converters
        self.unit_shape: tuple[int, ...] | None = None
        self.stream = 0  # of noise: another number is another sequence of reads, for processes that share a batch
        self.reads = 0
        """Noisy ones since the last resampling; finite differences take three for each forward pass."""
        self._note_curves()
        self.use_gradient("device")
        self.resample(seed)

    @property
    def population(self) -> int:
        """Devices that an instance is drawn from."""
        return self.curves.shape[0] - 1

    @property
    def slope_scale(self) -> tuple[float, float]:
        """What the converter of slopes spans, with respect to the network input; that of values spans `affine.ends`."""
        largest = abs(self.affine.gain) * self.drive_scale
        return -largest if self._falls else 0.0, largest if self._rises or not self._falls else 0.0

    def count_devices(self) -> int:
        """Raises InputError before the first input, which shows the units."""
        if self.unit_shape is None:
            raise InputError("it has no size yet; run one batch or give to_hardware an example_input")
        return self.assignment.numel()

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """What drives the devices; their `OperatingCost` then says what that costs."""
        drive, calls = self.drive(given.double()), max(1, len(given) // examples)
        return LayerUse("activation", self.count_devices(), drive[0].numel() * calls, calls, drive=drive)

    def drive(self, x: Tensor) -> Tensor:
        """What the devices are driven with at network input x, in unit drives of their response; same shape."""
        return self.drive_scale * self.affine.input_gain * (x - self.affine.input_centre)

    def resample(self, seed: Seed) -> Self:
        """Fabricate a new instance: other devices, new noise from the first read on. An int seed is taken as it is."""
        source = generator(seed)
        self._seed = child_seed(source) if source is seed else source.initial_seed() % 2**63
        self.fabricate_members(()).rewind()
        if self.unit_shape is not None:
            self._fabricate(self.unit_shape)
        return self

    def fabricate_members(self, seeds: Sequence[int], *, shared_input: bool = False) -> Self:
        """Serve K = len(seeds) instances side by side, in inference; no seeds: the one instance again.

        Instance k has the devices and the noise that `resample(seeds[k])` gives it alone, with batches of the same
        size. Inputs are (batch * K, *unit_shape), image-major: row i K + k is image i in instance k; outputs too.
        shared_input: inputs are (batch, *unit_shape), the same for every instance; outputs (batch * K, *unit_shape).
        `resample` and loading a state end it. Forward raises InputError for gradients and rows that K does not divide.
        """
        self._members, self._member_reads = [int(seed) % 2**63 for seed in seeds], 0
        self._shared_input = shared_input
        self._member_rows: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}
        parts = [self.curves[..., :2], self.noise] if self._members else [torch.empty(0)]
        self._member_table = torch.cat(parts, dim=-1)
        return self

    def real(self, *, spread: bool = True, read_noise: bool = True) -> Self:
        """Without spread every unit is the nominal device."""
        super().real(spread=spread, read_noise=read_noise)
        self._refresh()
        return self

    def use_gradient(self, kind: Gradient, step: float = 0.25) -> Self:
        """Where backward takes each unit's slope from.

        "device": the slope read from the device itself, with its noise and converter (default). "exact": the derivative
        of the device's own value curve, without noise: what autograd gives on the true response. "difference": reads of
        the value at input +- step, over 2 step, each with its own noise and converter: analogue finite differences
        (arXiv 2603.03947), two more reads per training step. Raises InputError for another kind or a step <= 0.
        """
        if kind not in get_args(Gradient):
            raise unknown_name("gradient", str(kind), get_args(Gradient))
        require_positive("network input", step=step)
        self.gradient, self.difference_step = kind, step
        return self

    def rewind(self, reads: int = 0) -> Self:
        """Make the next forward pass the first read again, or that after `reads` ones: it repeats their noise."""
        self.reads = reads
        return self

    def forward(self, input: Tensor) -> Tensor:  # the name that nn.Tanh has for it
        if torch.compiler.is_compiling():
            # in a graph the number of the read would be fixed, and PyTorch 2.13 makes wrong noise at the ends of rows
            return torch.compiler.disable(self._read)(input)
        return self._read(input)

    def _read(self, x: Tensor) -> Tensor:
        shape = tuple(x.shape[1:])
        if shape != self.unit_shape:
            if x.ndim == 0:
                raise InputError("a device layer needs a batch dimension first, got a single number; use x[None]")
            if self.unit_shape is not None and self.sharing != "shared":
                known, given = self.unit_shape, f'{shape}; use one layer per place, or sharing="shared"'
                raise InputError(f"this device layer was fabricated for units of shape {known}, got {given}")
            self._fabricate(shape)
        if not x.is_floating_point():
            raise InputError(f"a device layer needs floating-point input, got {x.dtype}; convert with .float()")
        if self._members:
            return self._read_members(x)
        flat = x if x.ndim == 2 else x.reshape(len(x), math.prod(shape))
        out = self._respond(flat)
        return out if x.ndim == 2 else out.view(x.shape)

    def _respond(self, x: Tensor) -> Tensor:
        """Output for x (batch, units), with the slope for backward where one is wanted."""
        given = x.detach()
        if not (x.requires_grad and torch.is_grad_enabled()):
            return self._look_up(given)[0]
        value, slope, key = self._look_up(given, self.gradient == "device")
        if self.gradient == "exact":  # the rise of the value's cell; 0 beyond the driven range
            curves, (low, density) = self.curves, self.grid
            rise = curves[..., 1] * density
            steps = torch.stack([curves[..., 0], curves[..., 1], rise, torch.zeros_like(rise)], dim=-1)
            slope = look_up(given, self.rows, steps, self.grid, self.noise, key[:0], want_slope=True)[1]
            slope = slope * ((given >= low) & (given <= low + curves.shape[1] / density))
        elif self.gradient == "difference":  # each value read with its own noise and converter
            step = self.difference_step
            above, below = (self._look_up(given + shift)[0] for shift in (step, -step))
            slope = (above - below) / (2 * step)
        else:
            if len(key) and self.noisy_slope:
                slope = add_noise(slope, given, self.rows, self.grid, self.slope_noise, key)
            slope = quantised(slope, self.slope_scale, self.converters.slope)
        return _Device.apply(x, value, slope)

    def _look_up(self, x: Tensor, want_slope: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """One more read of every device at x (batch, units), without gradient: value, raw slope, key of its noise."""
        keys: tuple[tuple[int, ...], ...] = ((), ())  # empty for a silent read
        if self.read_noise and not self._silent:
            read = self.reads + (self.stream << 40)
            keys = read_key(self._seed, read), read_key(~self._seed, read)
            self.reads += 1
        key, slope_key = (torch.tensor(words, dtype=torch.int32, device=x.device) for words in keys)
        value, slope = look_up(x, self.rows, self.curves, self.grid, self.noise, key, want_slope=want_slope)
        return quantised(value, self.affine.ends, self.converters.value), slope, slope_key

    def _read_members(self, x: Tensor) -> Tensor:
        """Values (batch * K, *units), image-major."""
        count = len(self._members)
        if x.requires_grad and torch.is_grad_enabled():
            raise InputError("instances side by side are for inference; call the network in torch.inference_mode()")
        if not self._shared_input and len(x) % count:
            raise InputError(f"{count} instances side by side take batch x {count} rows, image by image; got {len(x)}")
        last = x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
        laid = x.permute(0, 2, 3, 1) if last else x
        shape = laid.shape[1:]
        inputs = laid.reshape(-1, 1 if self._shared_input else count, math.prod(shape))
        rows, place = self._member_devices(tuple(x.shape[1:]), last)
        words: list[tuple[int, ...]] = []
        if self.read_noise and not self._silent:
            words = [read_key(seed, self._member_reads) for seed in self._members]
            self._member_reads += 1
        keys = torch.tensor(words, dtype=torch.int32, device=self.curves.device).view(-1, 3)
        same = x.dtype == self.curves.dtype == self._member_table.dtype
        if same and x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64):
            value = look_up_members(inputs, rows, self._member_table, self.grid, keys, place)
        else:
            home = place.argsort()  # back to the order that noise is numbered in
            every, ours = inputs.expand(-1, count, -1)[..., home], (self.curves, self.grid, self.noise)
            given = ((every[:, k], row[home], *ours, keys[k : k + 1].view(-1)) for k, row in enumerate(rows))
            value = torch.stack([look_up(*one, want_slope=False)[0] for one in given], dim=1)[..., place]
        value = quantised(value, self.affine.ends, self.converters.value).view(-1, *shape)
        return value.permute(0, 3, 1, 2) if last else value

    def _member_devices(self, shape: tuple[int, ...], last: bool) -> tuple[Tensor, Tensor]:
        """Table row of each unit in each instance (K, units), and each unit's number, in the order of memory."""
        known = (shape, last, self.spread)
        if known not in self._member_rows:
            sources = (generator(seed) for seed in self._members)
            drawn = (tables.draw_devices(self.sharing, shape, self.population, source) for source in sources)
            rows = torch.stack([self._rows_of(devices, shape) for devices in drawn])
            place = torch.arange(math.prod(shape), dtype=torch.int32)
            if last:
                place = place.view(shape).permute(1, 2, 0).reshape(-1)
            here = self.curves.device
            self._member_rows[known] = rows[:, place].contiguous().to(here), place.to(here)
        return self._member_rows[known]

    def _fabricate(self, shape: tuple[int, ...]) -> None:
        source = generator(self._seed)
        with torch.inference_mode(False):  # a first pass in inference must not leave tensors that take no other state
            self.assignment = tables.draw_devices(self.sharing, shape, self.population, source).to(self.curves.device)
            self.unit_shape = shape
            self._refresh()

    def _refresh(self) -> None:
        if self.unit_shape is not None:
            self.rows = self._rows_of(self.assignment, self.unit_shape)

    def _rows_of(self, devices: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The table row of each unit, as the kernels want it; the last row is the nominal device."""
        chosen = devices if self.spread else torch.full_like(devices, self.population)
        return tables.rows_of_units(chosen, self.sharing, shape)

    def _note_curves(self) -> None:
        curves = self.curves
        slopes = torch.cat([curves[..., 2].flatten(), (curves[:, -1, 2] + curves[:, -1, 3])])
        # up to 1 % of the largest slope does not count: a range for what a measured curve is off would cost one bit
        slight = _SLIGHT * (abs(self.affine.gain) * self.drive_scale)
        self._falls, self._rises = bool((slopes < -slight).any()), bool((slopes > slight).any())
        self.noisy_slope = bool(self.slope_noise.any())
        self._silent = not (self.noisy_slope or bool(self.noise.any()))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What `.to()`, `.half()` and others call; half precision would blur the tables, they only change place."""

        def wide(tensor: Tensor) -> Tensor:
            made = fn(tensor)
            return tensor.to(made.device) if made.is_floating_point() and made.itemsize < 4 else made

        return super()._apply(wide, recurse)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name in _TABLE:  # a copy, as formats like safetensors refuse shared memory
            destination[prefix + name] = destination[prefix + name].clone()
        destination[prefix + "drive_scale"] = torch.tensor(self.drive_scale, dtype=torch.float64)
        if self.affine != TANH:  # so that states of tanh, and names made from them, stay what they were
            destination[prefix + "affine"] = torch.tensor(astuple(self.affine), dtype=torch.float64)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        """A state without slope noise, drive scale or affine, of an earlier version, has none, 1 and that of tanh."""
        self._require_fit(state, prefix)
        if prefix + "noise" in state:
            state.setdefault(prefix + "slope_noise", torch.zeros_like(state[prefix + "noise"]))
            self.drive_scale = float(state.pop(prefix + "drive_scale", 1.0))
            affine = state.pop(prefix + "affine", None)
            self.affine = TANH if affine is None else Affine(*affine.tolist())
        for name in (*_TABLE, "assignment"):
            held, given = getattr(self, name), state.get(prefix + name)
            if given is not None and not torch.equal(held.to(given), given):
                # of the size in the file; and never write into a table that other layers share
                setattr(self, name, torch.empty_like(given, dtype=held.dtype, device=held.device))
        super()._load_from_state_dict(state, prefix, *rest)
        self._note_curves()
        self.fabricate_members(())._refresh()

    def _require_fit(self, state: Any, prefix: str) -> None:
        """Raise InputError for devices that the layer has no units or no curves for: reads would leave its tables."""
        extra, name = state.get(prefix + "_extra_state"), prefix.rstrip(".") or "the layer"
        assignment = state.get(prefix + "assignment", self.assignment)
        shape = self.unit_shape
        if extra is not None:
            shape = tuple(extra[3:].tolist()) if extra[2] else None
        if shape is None:
            return
        if assignment.numel() != tables.count_units(self.sharing, shape):
            other = f"not sharing={self.sharing!r}; give the layer the sharing that it was saved with"
            found = f"{assignment.numel()} devices for units of shape {shape}"
            raise InputError(f"the state of {name} has {found}, which is {other}")
        population = len(state.get(prefix + "curves", self.curves)) - 1
        if bool(((assignment < 0) | (assignment >= population)).any()):
            raise InputError(f"the state of {name} has units on devices that are not among its {population}")

    def get_extra_state(self) -> Tensor:
        return torch.tensor([self._seed, self.reads, self.unit_shape is not None, *(self.unit_shape or ())])

    def set_extra_state(self, state: Tensor) -> None:
        self._seed, self.reads, known, *shape = (int(number) for number in state)
        self.unit_shape = tuple(shape) if known else None

    def extra_repr(self) -> str:
        known = self.unit_shape is not None
        count = f"devices={self.assignment.numel()}, units={self.unit_shape}" if known else "not yet fabricated"
        off = "".join(f", {name}=False" for name in ("spread", "read_noise") if not getattr(self, name))
        return f"{count}, sharing={self.sharing!r}, population={self.population}{off}"


class _Device(torch.autograd.Function):
    """The value, whose gradient with respect to x is upstream * slope; all three have one shape.

    The slope is what the hardware offers and need not be the derivative of the value. It is a reading, which has no
    derivative: a backward pass with create_graph=True raises InputError.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(slope)
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: autograd would take the reading for a constant, silently
            remedy = "take second derivatives of the software network"
            raise InputError(f"slopes of devices are readings, without a derivative (create_graph=True); {remedy}")
        return upstream * slope, None, None
