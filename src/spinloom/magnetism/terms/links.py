"""Couplings between neighbouring cells: what every such term is made of.

Each lives on the faces between cells. With s and d (J/m^3) of the face between cell i and its neighbour j, the
energy per cell volume is

    E = s (1 - m_i.m_j) + d.(m_i x m_j),     exchange s = 2 A / h^2,     DMI d = D u / h

where h is the distance of the centres and u a direction that depends on the kind of DMI and on the axis. This is the
second-order finite difference of the continuous densities; a face to the outside carries nothing, which is the free
boundary. An axis with one cell only has no faces: the film is taken as uniform along it.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch

from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import FieldTerm, Magnet
from spinloom.magnetism.vectors import Triple

AXES = (-1, -2, -3)
"""Axis of the state along x, y, z."""


class Link(NamedTuple):
    """Coupling of every cell to the one `shift` cells further along x, y or z (`axis` 0, 1, 2).

    s: (*, nz, ny, nx) or None; d: components, each such a tensor or None; J/m^3, 0 where there is no neighbour.
    """

    axis: int
    shift: int
    s: torch.Tensor | None
    d: tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]

    def energy(self, m: torch.Tensor) -> torch.Tensor:
        """Density s (1 - m.n) + d.(m x n) in J/m^3, booked on the lower cell of each pair."""
        n, total = ahead(m, self.axis, self.shift), torch.zeros_like(m[0])
        if self.s is not None:
            total = total + self.s * (1 - (m * n).sum(0))
        cross = (m[1] * n[2] - m[2] * n[1], m[2] * n[0] - m[0] * n[2], m[0] * n[1] - m[1] * n[0])
        for d, c in zip(self.d, cross, strict=True):
            if d is not None:
                total = total + d * c
        return total


def ahead(field: torch.Tensor, axis: int, shift: int) -> torch.Tensor:
    """The value `shift` cells further along the axis; 0 beyond the end."""
    along = AXES[axis]
    moved = field.narrow(along, shift, field.shape[along] - shift)
    return torch.cat([moved, torch.zeros_like(field.narrow(along, 0, shift))], along)


def behind(field: torch.Tensor, axis: int, shift: int) -> torch.Tensor:
    """The value `shift` cells before along the axis; 0 beyond the start."""
    along = AXES[axis]
    moved = field.narrow(along, 0, field.shape[along] - shift)
    return torch.cat([torch.zeros_like(field.narrow(along, 0, shift)), moved], along)


@dataclass(frozen=True)
class LinkTerm(FieldTerm):
    """A term made of links and, at the edges, of a diagonal energy -sum_c k_c (1 - m_c^2)."""

    @property
    def couples(self) -> bool:
        return True

    @abstractmethod
    def links(self, magnet: Magnet) -> list[Link]:
        """The couplings on the magnet's mesh."""

    def edges(self, magnet: Magnet) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        """k_x, k_y, k_z in J/m^3 of the cells at the edges."""
        return None, None, None

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        """A pair's energy is booked on one of its cells."""
        total = torch.zeros_like(m[0])
        for link in self.links(magnet):
            total = total + link.energy(m)
        for k, component in zip(self.edges(magnet), m, strict=True):
            if k is not None:
                total = total - k * (1 - component**2)
        return total

    def diagonal(self, magnet: Magnet) -> Triple | None:
        x, y, z = (2 * magnet.rate_per_energy * (0.0 if k is None else k) for k in self.edges(magnet))
        return x, y, z


def in_cells(value: Quantity, magnet: Magnet) -> torch.Tensor:
    """The constant in every cell, float64, 0 outside the geometry."""
    assert magnet.mesh is not None
    value = double(value)
    others = [length.shape for length in magnet.mesh.spatial_lengths]
    others += [] if magnet.geometry is None else [magnet.geometry.shape]
    value = value.expand(torch.broadcast_shapes(value.shape, magnet.mesh.shape, *others))
    return value if magnet.geometry is None else torch.where(magnet.geometry, value, 0.0)


def harmonic(value: torch.Tensor, axis: int, shift: int = 1) -> torch.Tensor:
    """Harmonic mean of each cell's constant and its neighbour's, 0 where either is 0 or the signs differ."""
    other = ahead(value, axis, shift)
    product, total = value * other, value + other
    coupled = product > 0
    return torch.where(coupled, 2 * product / torch.where(coupled, total, 1.0), 0.0)
