"""Uniaxial anisotropy, also controlled by a voltage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from spinloom.errors import require_finite, require_positive
from spinloom.magnetism.drives import Constant, Drive, Quantity, double, require_drive
from spinloom.magnetism.magnet import Components, FieldTerm, Magnet
from spinloom.magnetism.vectors import Direction, Z, along, unit


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
    def drive(self) -> Drive:
        return self.voltage

    @property
    def voltage_slope(self) -> Quantity:
        """Loss of K1 per volt, J/(m^3 V)."""
        return self.vcma / (self.barrier * self.thickness)

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        c = along(m, self.axis, "anisotropy axis")
        return -(self.k1 - self.voltage_slope * self.voltage(t)) * c**2 - self.k2 * c**4

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        scale = magnet.rate_per_energy
        slope = -2 * scale * self.voltage_slope * double(self.voltage.amplitude)
        return [*unit(self.axis, "anisotropy axis"), 2 * scale * self.k1, 4 * scale * self.k2, slope]

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        ux, uy, uz, k1, k2, per_volt = (rows[k] for k in range(6))
        c = ux * m[0] + uy * m[1] + uz * m[2]
        h = (k1 + per_volt * wave() + k2 * c * c) * c
        return w[0] + h * ux, w[1] + h * uy, w[2] + h * uz
