"""Cubic anisotropy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from spinloom.errors import InputError, require_finite
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import Components, FieldTerm, Magnet
from spinloom.magnetism.vectors import Direction, Triple, X, Y, unit


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
        (ax, ay, az), (bx, by, bz) = unit(self.axis1, "axis1"), unit(self.axis2, "axis2")
        if bool((ax * bx + ay * by + az * bz).abs().max() > 1e-6):
            raise InputError("the axes of a cubic anisotropy must be at right angles to each other")

    def axes(self) -> tuple[Triple, Triple, Triple]:
        """The three cubic axes."""
        a, b = unit(self.axis1, "axis1"), unit(self.axis2, "axis2")
        return a, b, (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        a, b, c = (u[0] * m[0] + u[1] * m[1] + u[2] * m[2] for u in self.axes())
        a, b, c = a**2, b**2, c**2
        return double(self.k1) * (a * b + b * c + c * a) + double(self.k2) * a * b * c

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        scale = 2 * magnet.rate_per_energy
        axes = (component for axis in self.axes() for component in axis)
        return [*axes, scale * double(self.k1), scale * double(self.k2)]

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        u, v, n = ([rows[3 * k + c] for c in range(3)] for k in range(3))
        a, b, c = (axis[0] * m[0] + axis[1] * m[1] + axis[2] * m[2] for axis in (u, v, n))
        k1, k2 = rows[9], rows[10]
        aa, bb, cc = a * a, b * b, c * c
        ha = -(a * (k1 * (bb + cc) + k2 * (bb * cc)))
        hb = -(b * (k1 * (cc + aa) + k2 * (cc * aa)))
        hc = -(c * (k1 * (aa + bb) + k2 * (aa * bb)))
        x, y, z = (w[k] + ha * u[k] + hb * v[k] + hc * n[k] for k in range(3))
        return x, y, z
