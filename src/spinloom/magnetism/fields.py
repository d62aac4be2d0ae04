"""Local terms of the effective field. Each is an energy density first; its field is -dE/dm / (mu0 Ms).

Energies are in J/m^3. `t` is the time in s, m has shape (3, *batch), on a mesh (3, *batch, nz, ny, nx); parameters
broadcast over the batch. Terms that couple cells stand in `exchange.py`; `Demagnetization` without a shape does so too.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite, require_positive
from spinloom.magnetism.dmi import BulkDMI, InterfacialDMI
from spinloom.magnetism.drives import Constant, Drive, Quantity, double, require_drive
from spinloom.magnetism.exchange import Exchange, InterlayerExchange
from spinloom.magnetism.shapes import Shape
from spinloom.magnetism.vectors import Direction, Triple, X, Y, Z, unit

if TYPE_CHECKING:
    from spinloom.magnetism.magnet import Magnet


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

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        c = _along(m, self.axis, "anisotropy axis")
        return -(self.k1 - self.voltage_slope * self.voltage(t)) * c**2 - self.k2 * c**4


@dataclass(frozen=True)
class Cubic:
    """Cubic anisotropy E = K1 (a^2 b^2 + b^2 c^2 + c^2 a^2) + K2 a^2 b^2 c^2 with a, b, c = m along three axes.

    k1, k2: J/m^3 (iron: K1 = 4.8e4). axis1, axis2: two of the axes, at right angles; the third is their product.
    """

    k1: Quantity
    k2: Quantity = 0.0
    axis1: Direction = X
    axis2: Direction = Y

    def __post_init__(self) -> None:
        require_finite("J/m^3", k1=self.k1, k2=self.k2)
        (ax, ay, az), (bx, by, bz) = unit(self.axis1, "axis1"), unit(self.axis2, "axis2")
        if bool((ax * bx + ay * by + az * bz).abs().max() > 1e-6):
            raise InputError("the axes of a cubic anisotropy must be at right angles to each other")

    def axes(self) -> tuple[Triple, Triple, Triple]:
        """The three cubic axes."""
        a, b = unit(self.axis1, "axis1"), unit(self.axis2, "axis2")
        return a, b, (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        a, b, c = (u[0] * m[0] + u[1] * m[1] + u[2] * m[2] for u in self.axes())
        a, b, c = a**2, b**2, c**2
        return double(self.k1) * (a * b + b * c + c * a) + double(self.k2) * a * b * c


@dataclass(frozen=True)
class Demagnetization:
    """Magnetostatic self-interaction, E = -mu0 Ms m.H_d / 2.

    shape: a `Shape` or the three factors themselves: the shape anisotropy of a uniform magnet, E = mu0 Ms^2 / 2
        sum_i N_i m_i^2, axes along x, y, z. None: on a mesh, every cell feels every other (`demag.py`).
    """

    shape: Shape | tuple[Quantity, Quantity, Quantity] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.shape, tuple):
            nx, ny, nz = self.shape
            require_finite("", N_x=nx, N_y=ny, N_z=nz)

    def factors(self) -> tuple[Quantity, Quantity, Quantity]:
        """(N_x, N_y, N_z) of a uniform magnet; zeros for the resolved one, whose field is computed elsewhere."""
        if self.shape is None:
            return 0.0, 0.0, 0.0
        return self.shape.demagnetizing_factors() if isinstance(self.shape, Shape) else self.shape

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        ms = double(magnet.material.saturation_magnetization)
        if self.shape is None:
            from spinloom.magnetism.space import stray_field  # it stands on this file

            return -units.MU0 * ms / 2 * (m * stray_field(magnet, m)).sum(0)
        nx, ny, nz = self.factors()
        return units.MU0 * ms**2 / 2 * (nx * m[0] ** 2 + ny * m[1] ** 2 + nz * m[2] ** 2)


@dataclass(frozen=True)
class Applied:
    """External field, E = -mu0 Ms m.H. field: Drive of the magnitude in A/m; direction is normalised."""

    field: Drive
    direction: Direction = Z

    def __post_init__(self) -> None:
        require_drive(field=self.field)

    @property
    def drive(self) -> Drive:
        return self.field

    def vector(self) -> Triple:
        """Field per unit of the drive."""
        return unit(self.direction, "field direction")

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        along = _along(m, self.direction, "field direction")
        return -units.MU0 * magnet.material.saturation_magnetization * self.field(t) * along


@dataclass(frozen=True)
class Oersted:
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
        """Field per unit of the drive."""
        x, y, z = (component.to(torch.float64) for component in self.per_current)
        return x, y, z

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        h = self.vector()
        along = self.current_density(t) * (h[0] * m[0] + h[1] * m[1] + h[2] * m[2])
        return -units.MU0 * magnet.material.saturation_magnetization * along


@dataclass(frozen=True)
class Interlayer:
    """Bilinear (RKKY) coupling to a fixed layer, E = -J m.m_other / thickness; J > 0 (J/m^2) favours parallel."""

    coupling: Quantity
    thickness: Quantity
    other: Direction = X

    def __post_init__(self) -> None:
        require_finite("J/m^2", coupling=self.coupling)
        require_positive("m", thickness=self.thickness)

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        return -self.coupling / self.thickness * _along(m, self.other, "direction of the other layer")


FieldTerm = (
    Uniaxial
    | Cubic
    | Demagnetization
    | Applied
    | Oersted
    | Interlayer
    | Exchange
    | InterfacialDMI
    | BulkDMI
    | InterlayerExchange
)
