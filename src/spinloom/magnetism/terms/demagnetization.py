"""Magnetostatic self-interaction: of a uniform magnet by its factors, of a resolved one by its stray field."""

from dataclasses import dataclass

import torch

from spinloom import units
from spinloom.errors import require_finite
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import FieldTerm, Magnet
from spinloom.magnetism.stray.demag import stray_field
from spinloom.magnetism.stray.shapes import Shape
from spinloom.magnetism.vectors import Triple


@dataclass(frozen=True)
class Demagnetization(FieldTerm):
    """Magnetostatic self-interaction, E = -mu0 Ms m.H_d / 2.

    shape: a `Shape` or the three factors themselves: the shape anisotropy of a uniform magnet, E = mu0 Ms^2 / 2
        sum_i N_i m_i^2, axes along x, y, z. None: on a mesh, every cell feels every other (`stray/demag.py`).
    """

    shape: Shape | tuple[Quantity, Quantity, Quantity] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.shape, tuple):
            nx, ny, nz = self.shape
            require_finite("", N_x=nx, N_y=ny, N_z=nz)

    @property
    def couples(self) -> bool:
        return self.shape is None

    def factors(self) -> tuple[Quantity, Quantity, Quantity] | None:
        """Along x, y, z, of a uniform magnet."""
        return self.shape.demagnetizing_factors() if isinstance(self.shape, Shape) else self.shape

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        ms, factors = double(magnet.material.saturation_magnetization), self.factors()
        if factors is None:
            assert magnet.mesh is not None
            return -units.MU0 * ms / 2 * (m * stray_field(magnet.mesh, ms, m)).sum(0)
        nx, ny, nz = factors
        return units.MU0 * ms**2 / 2 * (nx * m[0] ** 2 + ny * m[1] ** 2 + nz * m[2] ** 2)

    def diagonal(self, magnet: Magnet) -> Triple | None:
        full, factors = magnet.rate_per_field * double(magnet.material.saturation_magnetization), self.factors()
        if factors is None:
            return None
        nx, ny, nz = factors
        return full * double(nx), full * double(ny), full * double(nz)
