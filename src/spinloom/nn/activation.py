"""A layer of devices in the place of an activation function."""

import math
from typing import Any, Self

import torch
from torch import nn

from spinloom.devices.response import Response
from spinloom.errors import InputError
from spinloom.nn.affine import TANH, Affine
from spinloom.nn.fabrication import SHARINGS, draw_devices, rows_of_units, sharing_error
from spinloom.nn.function import respond
from spinloom.nn.noise import read_key
from spinloom.nn.tables import Table, tabulate
from spinloom.seeding import Seed, child_seed, generator

_TABLE = ("curves", "noise", "grid")


class DeviceActivation(nn.Module):
    """Activation by fabricated devices: x (batch, *unit_shape) -> value read from each unit's device, same shape.

    response: the population that devices are drawn from, or a ready `Table` (layers given the same one share it).
    sharing: "unit", one device per position of x.shape[1:]; "channel", one per x.shape[1]; "shared", one for the layer.
    affine: makes a tanh-like device a sigmoid or hardtanh (see `affine`); a Table already contains it.
    seed: fixes the instance (which device serves which unit) and the noise of every later read.

    Which device sits where is drawn at the first forward pass, when the units are known; later inputs must have the
    same unit shape (any shape if shared). Input beyond the driven range gives the device's end value, with the slope
    it has there. Backward multiplies by the device's own slope; noise has no part in it. Every forward pass is a read
    with new noise: the same seed and the same sequence of batches give the same output on the same machine, whatever
    happens to torch's global generator. `train()` and `eval()` change nothing; `ideal()` and `real()` do.

    Raises InputError for an unknown sharing, an input of another unit shape, without batch dimension or not floating.
    """

    curves: torch.Tensor
    noise: torch.Tensor
    grid: torch.Tensor
    assignment: torch.Tensor
    _rows: torch.Tensor

    def __init__(
        self, response: Response | Table, *, sharing: str = "unit", affine: Affine = TANH, seed: Seed = 0
    ) -> None:
        super().__init__()
        if sharing not in SHARINGS:
            raise sharing_error(sharing)
        table = response if isinstance(response, Table) else tabulate(response, affine)
        self.sharing = sharing
        self.spread, self.read_noise = True, True
        self.unit_shape: tuple[int, ...] | None = None
        for name in _TABLE:
            self.register_buffer(name, getattr(table, name))
        self.register_buffer("assignment", torch.empty(0, dtype=torch.int32))
        self.register_buffer("_rows", torch.empty(0, dtype=torch.int32), persistent=False)
        self._silent = table.silent
        self.resample(seed)

    @property
    def population(self) -> int:
        """Devices that an instance is drawn from."""
        return self.curves.shape[0] - 1

    def resample(self, seed: Seed) -> Self:
        """Fabricate a new instance: other devices, new noise from the first read on. An int seed is taken as it is."""
        self._seed = child_seed(seed) if isinstance(seed, torch.Generator) else int(seed) % 2**63
        self._reads = 0
        if self.unit_shape is not None:
            self._fabricate(self.unit_shape)
        return self

    def ideal(self, on: bool = True) -> Self:
        """Every unit the nominal device and no read noise (on), or spread and read noise (off)."""
        return self.real(spread=not on, read_noise=not on)

    def real(self, *, spread: bool = True, read_noise: bool = True) -> Self:
        """Switch device spread and read noise separately. The instance stays; switches are not in the state dict."""
        self.spread, self.read_noise = spread, read_noise
        self._refresh()
        return self

    def rewind(self) -> Self:
        """Make the next forward pass the first read again: it repeats the noise since the last resampling."""
        self._reads = 0
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = tuple(x.shape[1:])
        if shape != self.unit_shape:
            self._meet(x)
        if not x.is_floating_point():
            raise InputError(f"a device layer needs floating-point input, got {x.dtype}; convert with .float()")
        key: tuple[int, ...] = ()
        if self.read_noise and not self._silent:
            key = read_key(self._seed, self._reads)
            self._reads += 1
        flat = x if x.ndim == 2 else x.reshape(len(x), math.prod(shape))
        words = torch.tensor(key, dtype=torch.int32, device=x.device)
        out = respond(flat, self._rows, self.curves, self.grid, self.noise, words)
        return out if x.ndim == 2 else out.view(x.shape)

    def _meet(self, x: torch.Tensor) -> None:
        if x.ndim == 0:
            raise InputError("a device layer needs a batch dimension first, got a single number; use x[None]")
        if self.unit_shape is not None and self.sharing != "shared":
            known, given = self.unit_shape, f'{tuple(x.shape[1:])}; use one layer per place, or sharing="shared"'
            raise InputError(f"this device layer was fabricated for units of shape {known}, got {given}")
        self._fabricate(tuple(x.shape[1:]))

    def _fabricate(self, shape: tuple[int, ...]) -> None:
        source = generator(self._seed)
        self.assignment = draw_devices(self.sharing, shape, self.population, source).to(self.curves.device)
        self.unit_shape = shape
        self._refresh()

    def _refresh(self) -> None:
        """The table row of each unit, as the kernels want it; the last row is the nominal device."""
        if self.unit_shape is not None:
            chosen = self.assignment if self.spread else torch.full_like(self.assignment, self.population)
            self._rows = rows_of_units(chosen, self.sharing, self.unit_shape)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name in _TABLE:  # shared between layers in memory, which formats like safetensors refuse
            destination[prefix + name] = destination[prefix + name].clone()

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        for name in (*_TABLE, "assignment"):
            held, given = getattr(self, name), state.get(prefix + name)
            if given is not None and not torch.equal(held.to(given), given):
                # of the size in the file; and never write into a table that other layers share
                setattr(self, name, torch.empty_like(given, dtype=held.dtype, device=held.device))
        super()._load_from_state_dict(state, prefix, *rest)
        self._silent = not bool(self.noise.any())
        self._refresh()

    def get_extra_state(self) -> torch.Tensor:
        return torch.tensor([self._seed, self._reads, self.unit_shape is not None, *(self.unit_shape or ())])

    def set_extra_state(self, state: torch.Tensor) -> None:
        self._seed, self._reads, known, *shape = (int(number) for number in state)
        self.unit_shape = tuple(shape) if known else None

    def extra_repr(self) -> str:
        known = self.unit_shape is not None
        count = f"devices={self.assignment.numel()}, units={self.unit_shape}" if known else "not yet fabricated"
        off = "".join(f", {name}=False" for name in ("spread", "read_noise") if not getattr(self, name))
        return f"{count}, sharing={self.sharing!r}, population={self.population}{off}"
