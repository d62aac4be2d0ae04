"""Fields from outside: a uniform one, that of a current through the magnet, and of a fixed layer."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite, require_positive
from spinloom.magnetism.drives import Drive, Quantity, double, require_drive
from spinloom.magnetism.magnet import TIME_UNIT, Components, FieldTerm, Magnet
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import require_mask, require_material
from spinloom.magnetism.vectors import Direction, Triple, X, Z, dot, unit


class _External(FieldTerm):
    """A field that follows a drive, whatever m is."""

    ORDER = 2

    @abstractmethod
    def vector(self) -> Triple:
        """Field per unit of the drive."""

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        assert self.drive is not None
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

    def vector(self) -> Triple:
        return unit(self.direction, "field direction")

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        return -units.MU0 * magnet.material.saturation_magnetization * self.field(t) * dot(self.vector(), m)


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

    def vector(self) -> Triple:
        x, y, z = (component.to(torch.float64) for component in self.per_current)
        return x, y, z

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        parallel = self.current_density(t) * dot(self.vector(), m)
        return -units.MU0 * magnet.material.saturation_magnetization * parallel


@dataclass(frozen=True)
class Interlayer(FieldTerm):
    """Bilinear (RKKY) coupling to a fixed layer, E = -J m.m_other / thickness; J > 0 (J/m^2) favours parallel."""

    coupling: Quantity
    thickness: Quantity
    other: Direction = X

    def __post_init__(self) -> None:
        require_finite("J/m^2", coupling=self.coupling)
        require_positive("m", thickness=self.thickness)

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        return -self.coupling / self.thickness * dot(unit(self.other, "direction of the other layer"), m)

    def constant(self, magnet: Magnet) -> Triple:
        ms = double(magnet.material.saturation_magnetization)
        strength = magnet.material.gamma * TIME_UNIT * double(self.coupling) / (ms * self.thickness)
        x, y, z = unit(self.other, "direction of the other layer")
        return strength * x, strength * y, strength * z


def pillar_field(mesh: Mesh, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Field per current density, A/m per A/m^2 (that is: m), at every cell centre, (3, *batch, nz, ny, nx), float64.

    The current flows uniformly along +z through the True cells of the mask's first layer (default: all cells) of an
    infinitely long pillar; multiply by the density in A/m^2. The z component is 0. With ẑ x r / (2 pi r^2) for the
    field of a line (Biot and Savart; Jackson, Classical Electrodynamics, section 5.2) integrated over the cross-section
    of each cell in closed form, it is exact for the staircase of cells. The batch is that of the mask and the mesh.
    Raises InputError for a mask of a wrong shape or type and for an empty one.
    """
    carries = require_mask(torch.ones(mesh.shape, dtype=torch.bool) if mask is None else mask, mesh)[..., 0, :, :]
    require_material(carries[..., None, :, :], mesh)
    dx, dy, _ = (length[..., None, None] for length in mesh.lengths)
    nx, ny, _ = mesh.cells
    i = torch.arange(1 - nx, nx, dtype=torch.float64)
    j = torch.arange(1 - ny, ny, dtype=torch.float64)[:, None]
    along_x = -_bar(i * dx, j * dy, dx, dy)
    along_y = _bar(j * dy, i * dx, dy, dx)
    source = carries.to(torch.float64)
    field = torch.stack([_convolved(source, along_x), _convolved(source, along_y)])
    field = torch.cat([field, torch.zeros_like(field[:1])])
    return field[..., None, :, :].expand(*field.shape[:-2], *mesh.shape).contiguous()


def _bar(u: torch.Tensor, v: torch.Tensor, width: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """Integral of v / (2 pi (u^2 + v^2)) over a rectangle width x height around (u, v), m."""
    total = torch.zeros((), dtype=torch.float64)
    for side, sign in ((0.5, 1.0), (-0.5, -1.0)):
        total = total + sign * (_corner(u + width / 2, v + side * height) - _corner(u - width / 2, v + side * height))
    return total / (2 * torch.pi)


def _corner(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """F with d^2 F / du dv = v / (u^2 + v^2); no centre sees a corner at (0, 0)."""
    return u / 2 * (u * u + v * v).log() + v * torch.atan(u / v)


def _convolved(source: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Sum over source cells (*batch, ny, nx) of a kernel (*batch, 2 ny - 1, 2 nx - 1), zero offset in its middle."""
    size = (kernel.shape[-2], kernel.shape[-1])  # holds every offset once: nothing wraps into the part kept
    ny, nx = source.shape[-2:]
    spectrum = torch.fft.rfft2(source, s=size) * torch.fft.rfft2(kernel)
    return torch.fft.irfft2(spectrum, s=size).roll((1 - ny, 1 - nx), (-2, -1))[..., :ny, :nx]
