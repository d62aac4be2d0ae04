"""Fields from outside: a uniform one, and that of a current through the magnet."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite
from spinloom.magnetism.drives import Drive, double, require_drive
from spinloom.magnetism.magnet import Components, FieldTerm, Magnet
from spinloom.magnetism.vectors import Direction, Triple, Z, along, unit


class _External(FieldTerm):
    """A field that follows a drive, whatever m is."""

    ORDER = 2

    @property
    @abstractmethod
    def drive(self) -> Drive: ...

    @abstractmethod
    def vector(self) -> Triple:
        """Field per unit of the drive."""

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        return [magnet.rate_per_field * double(self.drive.amplitude) * component for component in self.vector()]

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        g = wave()
        return w[0] + g * rows[0], w[1] + g * rows[1], w[2] + g * rows[2]


@dataclass(frozen=True)
class Applied(_External):
    """External field, E = -mu0 Ms m.H. field: Drive of the magnitude in A/m; direction is normalised."""

    field: Drive
    direction: Direction = Z

    def __post_init__(self) -> None:
        require_drive(field=self.field)

    @property
    def drive(self) -> Drive:
        return self.field

    def vector(self) -> Triple:
        return unit(self.direction, "field direction")

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        parallel = along(m, self.direction, "field direction")
        return -units.MU0 * magnet.material.saturation_magnetization * self.field(t) * parallel


@dataclass(frozen=True)
class Oersted(_External):
    """Field of a current, E = -mu0 Ms m.H with H = current_density * per_current.

    current_density: Drive, A/m^2. per_current: field in A/m per A/m^2 (m), (3, nz, ny, nx), as `pillar_field` gives it.
    """

    current_density: Drive
    per_current: torch.Tensor

    def __post_init__(self) -> None:
        require_drive(current_density=self.current_density)
        require_finite("m", per_current=self.per_current)
        if self.per_current.ndim < 1 or self.per_current.shape[0] != 3:
            raise InputError(f"per_current must have shape (3, nz, ny, nx), got {tuple(self.per_current.shape)}")

    @property
    def drive(self) -> Drive:
        return self.current_density

    def vector(self) -> Triple:
        x, y, z = (component.to(torch.float64) for component in self.per_current)
        return x, y, z

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        h = self.vector()
        parallel = self.current_density(t) * (h[0] * m[0] + h[1] * m[1] + h[2] * m[2])
        return -units.MU0 * magnet.material.saturation_magnetization * parallel
