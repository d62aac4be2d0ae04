"""Coupling to a fixed layer."""

from dataclasses import dataclass

import torch

from spinloom.errors import require_finite, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import TIME_UNIT, FieldTerm, Magnet
from spinloom.magnetism.vectors import Direction, Triple, X, along, unit


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
        return -self.coupling / self.thickness * along(m, self.other, "direction of the other layer")

    def constant(self, magnet: Magnet) -> Triple:
        ms = double(magnet.material.saturation_magnetization)
        strength = magnet.material.gamma * TIME_UNIT * double(self.coupling) / (ms * self.thickness)
        x, y, z = unit(self.other, "direction of the other layer")
        return strength * x, strength * y, strength * z
