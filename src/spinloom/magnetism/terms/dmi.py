"""Dzyaloshinskii-Moriya interaction with its boundary condition.

With DMI the free boundary is tilted, dm/dn = D/(2A) u x m, and the half cell beyond the last centre has the energy
density -D^2/(4A) (1 - (m.u)^2): it is added to the cells at the edge, so that field and energy both know the boundary
condition of S. Rohart and A. Thiaville, Phys. Rev. B 88, 184422 (2013). An axis with one cell only has no edges.

At a border of two materials D takes its harmonic mean when both have the same sign (else 0).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom.errors import InputError, require_finite
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.terms.exchange import Exchange
from spinloom.magnetism.terms.links import Link, LinkTerm, ahead, behind, harmonic, in_cells


@dataclass(frozen=True)
class _DMI(LinkTerm):
    """strength: D, J/m^2, 0.1e-3 to 5e-3; from Brillouin light scattering or domain-wall motion."""

    strength: Quantity

    def __post_init__(self) -> None:
        require_finite("J/m^2", strength=self.strength)

    _UNITS: ClassVar[tuple[tuple[int | None, float], ...]]  # component and sign of u for the axes x, y, z

    def check(self, magnet: Magnet) -> None:
        if not any(isinstance(term, Exchange) for term in magnet.fields):
            raise InputError(f"{type(self).__name__} needs an Exchange term: its edge condition holds D / A")

    def links(self, magnet: Magnet) -> list[Link]:
        assert magnet.mesh is not None
        strength, found = in_cells(self.strength, magnet), []
        for axis, (count, h) in enumerate(zip(magnet.mesh.cells, magnet.mesh.spatial_lengths, strict=True)):
            component, sign = self._UNITS[axis]
            if count > 1 and component is not None:
                d = sign * self._mean(strength, axis) / h
                parts = tuple(d if c == component else None for c in range(3))
                found.append(Link(axis, 1, None, (parts[0], parts[1], parts[2])))
        return found

    def edges(self, magnet: Magnet) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        assert magnet.mesh is not None
        exchange = next(term for term in magnet.fields if isinstance(term, Exchange))
        stiffness, strength = in_cells(exchange.stiffness, magnet), in_cells(self.strength, magnet)
        inside = stiffness > 0
        density = torch.where(inside, strength**2 / (8 * torch.where(inside, stiffness, 1.0)), 0.0)
        found: list[torch.Tensor | None] = [None, None, None]
        for axis, count in enumerate(magnet.mesh.cells):
            component, _ = self._UNITS[axis]
            if count > 1 and component is not None:
                k = density * _open_faces(inside, axis)
                found[component] = k if found[component] is None else found[component] + k  # type: ignore[operator]
        return found[0], found[1], found[2]

    @staticmethod
    def _mean(strength: torch.Tensor, axis: int) -> torch.Tensor:
        size = harmonic(strength.abs(), axis)
        return torch.where(strength * ahead(strength, axis, 1) > 0, size * strength.sign(), 0.0)


def _open_faces(inside: torch.Tensor, axis: int) -> torch.Tensor:
    """How many faces along the axis lead from a cell of the magnet to the outside: 0, 1 or 2."""
    number = inside.to(torch.float64)
    return number * (2 - ahead(number, axis, 1) - behind(number, axis, 1))


@dataclass(frozen=True)
class InterfacialDMI(_DMI):
    """Film (normal z) on a heavy metal, E = D [m_z div m - (m.grad) m_z]: Neel walls.

    For D > 0 the wall from up to down along +x points to -x (the convention of MuMax3).
    """

    _UNITS = ((1, 1.0), (0, -1.0), (None, 0.0))


@dataclass(frozen=True)
class BulkDMI(_DMI):
    """Crystal without inversion symmetry (class T): E = D m.rot m; Bloch walls."""

    _UNITS = ((0, -1.0), (1, -1.0), (2, -1.0))
