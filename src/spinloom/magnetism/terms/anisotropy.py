"""Magnetocrystalline and interfacial anisotropy: uniaxial, also controlled by a voltage, and cubic."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from spinloom.errors import InputError, require_finite, require_positive
from spinloom.magnetism.drives import Constant, Drive, Quantity, double, require_drive
from spinloom.magnetism.magnet import Components, FieldTerm, Magnet
from spinloom.magnetism.vectors import Direction, Triple, X, Y, Z, cross, dot, unit


@dataclass(frozen=True)
class Uniaxial(FieldTerm):
    """Uniaxial anisotropy E = -(K1 - voltage effect) (m.u)^2 - K2 (m.u)^4, K > 0: u is easy.

    k1, k2: J/m^3 (an interfacial anisotropy K_i enters as K_i / thickness).
    vcma: coefficient xi of voltage-controlled anisotropy, J/(V m), typically 30e-15 to 100e-15; a positive voltage
        lowers K1 by xi V / (barrier * thickness). `barrier` and `thickness` (free layer) in m.
    voltage: Drive in V.
    """

    ORDER = 0

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

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        c = dot(unit(self.axis, "anisotropy axis"), m)
        return -(self.k1 - self.voltage_slope * self.voltage(t)) * c**2 - self.k2 * c**4

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        scale = magnet.rate_per_energy
        slope = -2 * scale * self.voltage_slope * double(self.voltage.amplitude)
        return [*unit(self.axis, "anisotropy axis"), 2 * scale * self.k1, 4 * scale * self.k2, slope]

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        ux, uy, uz, k1, k2, per_volt = (rows[k] for k in range(6))
        c = dot((ux, uy, uz), m)
        h = (k1 + per_volt * wave() + k2 * c * c) * c
        return w[0] + h * ux, w[1] + h * uy, w[2] + h * uz


@dataclass(frozen=True)
class Cubic(FieldTerm):
    """Cubic anisotropy E = K1 (a^2 b^2 + b^2 c^2 + c^2 a^2) + K2 a^2 b^2 c^2 with a, b, c = m along three axes.

    k1, k2: J/m^3 (iron: K1 = 4.8e4). axis1, axis2: two of the axes, at right angles; the third is their product.
    """

    ORDER = 3

    k1: Quantity
    k2: Quantity = 0.0
    axis1: Direction = X
    axis2: Direction = Y

    def __post_init__(self) -> None:
        require_finite("J/m^3", k1=self.k1, k2=self.k2)
        if bool(dot(unit(self.axis1, "axis1"), unit(self.axis2, "axis2")).abs().max() > 1e-6):
            raise InputError("the axes of a cubic anisotropy must be at right angles to each other")

    def axes(self) -> tuple[Triple, Triple, Triple]:
        """The three cubic axes."""
        a, b = unit(self.axis1, "axis1"), unit(self.axis2, "axis2")
        return a, b, cross(a, b)

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        a, b, c = (dot(axis, m) ** 2 for axis in self.axes())
        return double(self.k1) * (a * b + b * c + c * a) + double(self.k2) * a * b * c

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        scale = 2 * magnet.rate_per_energy
        axes = (component for axis in self.axes() for component in axis)
        return [*axes, scale * double(self.k1), scale * double(self.k2)]

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        u, v, n = ([rows[3 * k + c] for c in range(3)] for k in range(3))
        a, b, c = (dot(axis, m) for axis in (u, v, n))
        k1, k2 = rows[9], rows[10]
        aa, bb, cc = a * a, b * b, c * c
        ha = -(a * (k1 * (bb + cc) + k2 * (bb * cc)))
        hb = -(b * (k1 * (cc + aa) + k2 * (cc * aa)))
        hc = -(c * (k1 * (aa + bb) + k2 * (aa * bb)))
        x, y, z = (w[k] + ha * u[k] + hb * v[k] + hc * n[k] for k in range(3))
        return x, y, z
