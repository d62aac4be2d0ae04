"""Terms of the effective field. Each is an energy density first; its field is -dE/dm / (mu0 Ms).

Energies are in J/m^3. `t` is the time in s, m has shape (3, *batch), parameters broadcast over the batch.
"""

from dataclasses import dataclass, field

import torch

from spinloom import units
from spinloom.errors import require_finite, require_positive
from spinloom.magnetism.drives import Constant, Drive, Quantity, require_drive
from spinloom.magnetism.material import Material
from spinloom.magnetism.shapes import Shape
from spinloom.magnetism.vectors import Direction, X, Z, unit


def _along(m: torch.Tensor, axis: Direction, name: str) -> torch.Tensor:
    x, y, z = unit(axis, name)
    return x * m[0] + y * m[1] + z * m[2]


@dataclass(frozen=True)
class Uniaxial:
    """Uniaxial anisotropy E = -(K1 - voltage effect) (m.u)^2 - K2 (m.u)^4, K > 0: u is easy.

    k1, k2: J/m^3 (an interfacial anisotropy K_i enters as K_i / thickness).
    vcma: coefficient xi of voltage-controlled anisotropy, J/(V m), typically 30e-15 to 100e-15; a positive voltage
        lowers K1 by xi V / (barrier * thickness). `barrier` and `thickness` (free layer) in m.
    voltage: Drive in V.
    """

    k1: Quantity
    k2: Quantity = 0.0
    axis: Direction = Z
    vcma: Quantity = 0.0
    barrier: Quantity = 1.0e-9
    thickness: Quantity = 1.0e-9
    voltage: Drive = field(default_factory=lambda: Constant(0.0))

    def __post_init__(self) -> None:
        require_finite("J/m^3", k1=self.k1, k2=self.k2)
        require_finite("J/(V m)", vcma=self.vcma)
        require_positive("m", barrier=self.barrier, thickness=self.thickness)
        require_drive(voltage=self.voltage)

    @property
    def voltage_slope(self) -> Quantity:
        """Loss of K1 per volt, J/(m^3 V)."""
        return self.vcma / (self.barrier * self.thickness)

    def energy(self, m: torch.Tensor, material: Material, t: torch.Tensor) -> torch.Tensor:
        c = _along(m, self.axis, "anisotropy axis")
        return -(self.k1 - self.voltage_slope * self.voltage(t)) * c**2 - self.k2 * c**4


@dataclass(frozen=True)
class Demagnetization:
    """Shape anisotropy of one cell, E = mu0 Ms^2 / 2 sum_i N_i m_i^2, axes along x, y, z.

    shape: a `Shape` (factors from its dimensions) or the three factors themselves.
    """

    shape: Shape | tuple[Quantity, Quantity, Quantity]

    def __post_init__(self) -> None:
        if not isinstance(self.shape, Shape):
            nx, ny, nz = self.shape
            require_finite("", N_x=nx, N_y=ny, N_z=nz)

    def factors(self) -> tuple[Quantity, Quantity, Quantity]:
        return self.shape.demagnetizing_factors() if isinstance(self.shape, Shape) else self.shape

    def energy(self, m: torch.Tensor, material: Material, t: torch.Tensor) -> torch.Tensor:
        nx, ny, nz = self.factors()
        density = units.MU0 * material.saturation_magnetization**2 / 2
        return density * (nx * m[0] ** 2 + ny * m[1] ** 2 + nz * m[2] ** 2)


@dataclass(frozen=True)
class Applied:
    """External field, E = -mu0 Ms m.H. field: Drive of the magnitude in A/m; direction is normalised."""

    field: Drive
    direction: Direction = Z

    def __post_init__(self) -> None:
        require_drive(field=self.field)

    def energy(self, m: torch.Tensor, material: Material, t: torch.Tensor) -> torch.Tensor:
        along = _along(m, self.direction, "field direction")
        return -units.MU0 * material.saturation_magnetization * self.field(t) * along


@dataclass(frozen=True)
class Interlayer:
    """Bilinear (RKKY) coupling to a fixed layer, E = -J m.m_other / thickness; J > 0 (J/m^2) favours parallel."""

    coupling: Quantity
    thickness: Quantity
    other: Direction = X

    def __post_init__(self) -> None:
        require_finite("J/m^2", coupling=self.coupling)
        require_positive("m", thickness=self.thickness)

    def energy(self, m: torch.Tensor, material: Material, t: torch.Tensor) -> torch.Tensor:
        return -self.coupling / self.thickness * _along(m, self.other, "direction of the other layer")


FieldTerm = Uniaxial | Demagnetization | Applied | Interlayer
