"""A layer of devices in the place of an activation function."""

import math
from collections.abc import Sequence
from typing import Any, Literal, Self

import torch

from spinloom.devices import Response
from spinloom.errors import InputError, require_positive, unknown_name
from spinloom.nn.activation.affine import TANH, Affine
from spinloom.nn.activation.converters import PLAIN, Converters, quantised
from spinloom.nn.activation.instances import Instances
from spinloom.nn.activation.kernels import add_noise, look_up
from spinloom.nn.activation.noise import read_key
from spinloom.nn.activation.state import LayerState
from spinloom.nn.activation.tables import SHARINGS, Table, draw_devices, rows_of_units, tabulate
from spinloom.seeding import Seed, child_seed, generator

Gradient = Literal["device", "exact", "difference"]
GRADIENTS: tuple[Gradient, ...] = ("device", "exact", "difference")


class DeviceActivation(LayerState):
    """Activation by fabricated devices: x (batch, *unit_shape) -> value read from each unit's device, same shape.

    response: the population that devices are drawn from, or a ready `Table` (layers given the same one share it).
    sharing: "unit", one device per position of x.shape[1:]; "channel", one per x.shape[1]; "shared", one for the layer.
    affine: makes a tanh-like device a sigmoid or hardtanh (see `affine`); a Table already contains it.
    seed: fixes the instance (which device serves which unit) and the noise of every later read.

    Which device sits where is drawn at the first forward pass, when the units are known; later inputs must have the
    same unit shape (any shape if shared). Input beyond the driven range gives the device's end value, with the slope
    it has there. Backward multiplies by the slope read from each unit's own device (`use_gradient` has other ways).
    Every forward pass is a read of both with new noise: the same seed and the same sequence of batches give the same
    output on the same machine, whatever happens to torch's global generator. `train()` and `eval()` change nothing;
    `ideal()` and `real()` do. `converters` round the two reads; they and the gradient are not in the state dict.

    Half precision is for inputs and outputs; tables stay at float32 or better. torch.compile leaves the layer out,
    and with it the loop of an nn.Sequential that holds it.

    Raises InputError for an unknown sharing, an input of another unit shape, without batch dimension or not floating,
    for second derivatives, and for a state of another sharing.
    """

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
        super().__init__(table, sharing)
        self.converters = converters
        self.stream = 0  # of noise: another number is another sequence of reads, for processes that share a batch
        self.use_gradient("device")
        self._members: Instances | None = None
        self.resample(seed)

    def resample(self, seed: Seed) -> Self:
        """Fabricate a new instance: other devices, new noise from the first read on. An int seed is taken as it is."""
        source = generator(seed)
        self._seed = child_seed(source) if source is seed else source.initial_seed() % 2**63
        self._reads, self._members = 0, None
        if self.unit_shape is not None:
            self._fabricate(self.unit_shape)
        return self

    def fabricate_members(self, seeds: Sequence[int], *, shared_input: bool = False) -> Self:
        """Serve K = len(seeds) instances side by side, in inference; no seeds: the one instance again.

        Instance k has the devices and the noise that `resample(seeds[k])` gives it alone, with batches of the same
        size. Inputs are (batch * K, *unit_shape), image-major: row i K + k is image i in instance k; outputs too.
        shared_input: inputs are (batch, *unit_shape), the same for every instance; outputs (batch * K, *unit_shape).
        `resample` and loading a state end it. Forward raises InputError for rows that K does not divide, and for
        gradients.
        """
        self._members = Instances(self, seeds, shared_input) if len(seeds) else None
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
        if kind not in GRADIENTS:
            raise unknown_name("gradient", str(kind), GRADIENTS)
        require_positive("network input", step=step)
        self.gradient, self.difference_step = kind, step
        return self

    def rewind(self, reads: int = 0) -> Self:
        """Make the next forward pass the first read again, or that after `reads` ones: it repeats their noise."""
        self._reads = reads
        return self

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # the name that nn.Tanh has for it
        if torch.compiler.is_compiling():
            # in a graph the number of the read would be fixed, and PyTorch 2.13 makes wrong noise at the ends of rows
            return torch.compiler.disable(self._read)(input)
        return self._read(input)

    def _read(self, x: torch.Tensor) -> torch.Tensor:
        shape = tuple(x.shape[1:])
        if shape != self.unit_shape:
            self._meet(x)
        if not x.is_floating_point():
            raise InputError(f"a device layer needs floating-point input, got {x.dtype}; convert with .float()")
        if self._members is not None:
            return self._members.read(x)
        flat = x if x.ndim == 2 else x.reshape(len(x), math.prod(shape))
        out = self._respond(flat)
        return out if x.ndim == 2 else out.view(x.shape)

    def _respond(self, x: torch.Tensor) -> torch.Tensor:
        """Output for x (batch, units), with the slope for backward where one is wanted."""
        given = x.detach()
        if not (x.requires_grad and torch.is_grad_enabled()):
            return self._look_up(given)[0]
        value, slope, key = self._look_up(given, self.gradient == "device")
        if self.gradient == "exact":
            slope = self._exact_slope(given)
        elif self.gradient == "difference":  # each value read with its own noise and converter
            step = self.difference_step
            above, below = (self._look_up(given + shift)[0] for shift in (step, -step))
            slope = (above - below) / (2 * step)
        else:
            if len(key) and self.noisy_slope:
                slope = add_noise(slope, given, self.rows, self.grid, self.slope_noise, key)
            slope = quantised(slope, self.slope_scale, self.converters.slope)
        return _Device.apply(x, value, slope)

    def _look_up(self, x: torch.Tensor, want_slope: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One more read of every device at x (batch, units), without gradient: value, raw slope, key of its noise."""
        key, slope_key = self._keys(x.device)
        value, slope = look_up(x, self.rows, self.curves, self.grid, self.noise, key, want_slope=want_slope)
        return quantised(value, self.affine.ends, self.converters.value), slope, slope_key

    def _exact_slope(self, x: torch.Tensor) -> torch.Tensor:
        """Derivative of each device's tabulated value at x: the rise of its cell; 0 beyond the driven range."""
        curves = self.curves
        rise = curves[..., 1] * self.grid[1]
        steps = torch.stack([curves[..., 0], curves[..., 1], rise, torch.zeros_like(rise)], dim=-1)
        silent = torch.empty(0, dtype=torch.int32, device=x.device)
        slope = look_up(x, self.rows, steps, self.grid, self.noise, silent, want_slope=True)[1]
        low, high = self.grid[0], self.grid[0] + curves.shape[1] / self.grid[1]
        return slope * ((x >= low) & (x <= high))

    def _keys(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Noise of the next read of value and of slope; empty for silent ones."""
        keys: tuple[tuple[int, ...], ...] = ((), ())
        if self.reads_noise:
            read = self._reads + (self.stream << 40)
            keys = read_key(self._seed, read), read_key(~self._seed, read)
            self._reads += 1
        value, slope = (torch.tensor(key, dtype=torch.int32, device=device) for key in keys)
        return value, slope

    def _meet(self, x: torch.Tensor) -> None:
        if x.ndim == 0:
            raise InputError("a device layer needs a batch dimension first, got a single number; use x[None]")
        if self.unit_shape is not None and self.sharing != "shared":
            known, given = self.unit_shape, f'{tuple(x.shape[1:])}; use one layer per place, or sharing="shared"'
            raise InputError(f"this device layer was fabricated for units of shape {known}, got {given}")
        self._fabricate(tuple(x.shape[1:]))

    def _fabricate(self, shape: tuple[int, ...]) -> None:
        source = generator(self._seed)
        with torch.inference_mode(False):  # a first pass in inference must not leave tensors that take no other state
            self.assignment = draw_devices(self.sharing, shape, self.population, source).to(self.curves.device)
            self.unit_shape = shape
            self._refresh()

    def _refresh(self) -> None:
        """The table row of each unit, as the kernels want it; the last row is the nominal device."""
        if self.unit_shape is not None:
            chosen = self.assignment if self.spread else torch.full_like(self.assignment, self.population)
            self.rows = rows_of_units(chosen, self.sharing, self.unit_shape)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state, prefix, *rest)
        self._members = None
        self._refresh()

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
    def forward(ctx: Any, x: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(slope)
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: autograd would take the reading for a constant, silently
            raise InputError(
                "devices give slopes as readings, which have no derivative (create_graph=True); "
                "take second derivatives of the software network"
            )
        return upstream * slope, None, None
