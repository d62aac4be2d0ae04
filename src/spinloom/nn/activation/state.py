"""What a device layer is made of, and its state dict, read in the form of earlier versions too."""

from collections.abc import Callable
from dataclasses import astuple
from typing import Any, Self

import torch

from spinloom.errors import InputError
from spinloom.nn.activation.affine import TANH, Affine
from spinloom.nn.activation.converters import Converters
from spinloom.nn.activation.tables import Table, count_units
from spinloom.nn.hardware import HardwareLayer, LayerUse

TABLE = ("curves", "noise", "grid", "slope_noise")
"""Buffers that layers may share in memory."""
_SLIGHT = 0.01


class LayerState(HardwareLayer):
    """Devices of a layer: their tables, how they are driven, which one serves which unit, and the noise read so far.

    drive_scale: unit drives for a device input of 1. assignment: (devices,) int32, rows of the tables. unit_shape: None
    before the first input.
    """

    curves: torch.Tensor
    noise: torch.Tensor
    grid: torch.Tensor
    slope_noise: torch.Tensor
    assignment: torch.Tensor
    rows: torch.Tensor
    converters: Converters

    def __init__(self, table: Table, sharing: str) -> None:
        super().__init__()
        for name in TABLE:
            self.register_buffer(name, getattr(table, name))
        self.register_buffer("assignment", torch.empty(0, dtype=torch.int32))
        self.register_buffer("rows", torch.empty(0, dtype=torch.int32), persistent=False)
        self.affine, self.drive_scale, self.sharing = table.affine, 1.0, sharing
        self.unit_shape: tuple[int, ...] | None = None
        self._seed, self._reads = 0, 0
        self._note_curves()

    @property
    def population(self) -> int:
        """Devices that an instance is drawn from."""
        return self.curves.shape[0] - 1

    @property
    def reads_noise(self) -> bool:
        """Whether the next read has noise."""
        return self.read_noise and not self._silent

    @property
    def reads(self) -> int:
        """Noisy reads since the last resampling; finite differences take three for each forward pass."""
        return self._reads

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

    def cost(self, given: torch.Tensor, output: torch.Tensor, examples: int) -> LayerUse:
        """What drives the devices; their `OperatingCost` then says what that costs."""
        drive, calls = self.drive(given.double()), max(1, len(given) // examples)
        return LayerUse("activation", self.count_devices(), drive[0].numel() * calls, calls, drive=drive)

    def drive(self, x: torch.Tensor) -> torch.Tensor:
        """What the devices are driven with at network input x, in unit drives of their response; same shape."""
        return self.drive_scale * self.affine.input_gain * (x - self.affine.input_centre)

    def _note_curves(self) -> None:
        curves = self.curves
        slopes = torch.cat([curves[..., 2].flatten(), (curves[:, -1, 2] + curves[:, -1, 3])])
        # up to 1 % of the largest slope does not count: a range for what a measured curve is off would cost one bit
        slight = _SLIGHT * (abs(self.affine.gain) * self.drive_scale)
        self._falls, self._rises = bool((slopes < -slight).any()), bool((slopes > slight).any())
        self.noisy_slope = bool(self.slope_noise.any())
        self._silent = not (self.noisy_slope or bool(self.noise.any()))

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        """What `.to()`, `.half()` and others call; half precision would blur the tables, they only change place."""

        def wide(tensor: torch.Tensor) -> torch.Tensor:
            made = fn(tensor)
            return tensor.to(made.device) if made.is_floating_point() and made.itemsize < 4 else made

        return super()._apply(wide, recurse)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name in TABLE:  # a copy, as formats like safetensors refuse shared memory
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
        for name in (*TABLE, "assignment"):
            held, given = getattr(self, name), state.get(prefix + name)
            if given is not None and not torch.equal(held.to(given), given):
                # of the size in the file; and never write into a table that other layers share
                setattr(self, name, torch.empty_like(given, dtype=held.dtype, device=held.device))
        super()._load_from_state_dict(state, prefix, *rest)
        self._note_curves()

    def _require_fit(self, state: Any, prefix: str) -> None:
        """Raise InputError for devices that the layer has no units or no curves for: reads would leave its tables."""
        extra, name = state.get(prefix + "_extra_state"), prefix.rstrip(".") or "the layer"
        assignment = state.get(prefix + "assignment", self.assignment)
        known = self.unit_shape is not None if extra is None else bool(extra[2])
        shape = self.unit_shape if extra is None else tuple(extra[3:].tolist())
        if not known or shape is None:
            return
        if assignment.numel() != count_units(self.sharing, shape):
            raise InputError(
                f"the state of {name} has {assignment.numel()} devices for units of shape {shape}, which is not "
                f"sharing={self.sharing!r}; give the layer the sharing that it was saved with"
            )
        population = len(state.get(prefix + "curves", self.curves)) - 1
        if bool(((assignment < 0) | (assignment >= population)).any()):
            raise InputError(f"the state of {name} has units on devices that are not among its {population}")

    def get_extra_state(self) -> torch.Tensor:
        return torch.tensor([self._seed, self._reads, self.unit_shape is not None, *(self.unit_shape or ())])

    def set_extra_state(self, state: torch.Tensor) -> None:
        self._seed, self._reads, known, *shape = (int(number) for number in state)
        self.unit_shape = tuple(shape) if known else None
