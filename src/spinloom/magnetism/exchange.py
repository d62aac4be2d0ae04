"""Couplings between neighbouring cells: exchange, Dzyaloshinskii-Moriya interaction, interlayer exchange.

Each lives on the faces between cells. With s and d (J/m^3) of the face between cell i and its neighbour j, the
energy per cell volume is

    E = s (1 - m_i.m_j) + d.(m_i x m_j),     exchange s = 2 A / h^2,     DMI d = D u / h

where h is the distance of the centres and u a direction that depends on the kind of DMI and on the axis. This is the
second-order finite difference of A (grad m)^2 and of the DMI densities below; a face to the outside carries nothing,
which is the free boundary. With DMI the free boundary is tilted, dm/dn = D/(2A) u x m, and the half cell beyond the last
centre has the energy density -D^2/(4A) (1 - (m.u)^2): it is added to the cells at the edge, so that field and energy
both know the boundary condition of S. Rohart and A. Thiaville, Phys. Rev. B 88, 184422 (2013).
An axis with one cell only has no faces and no edges: the film is taken as uniform along it.

At a border of two materials s takes the harmonic mean of A, D its harmonic mean when both have the same sign (else 0).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from spinloom.errors import InputError, require_finite, require_non_negative
from spinloom.magnetism.drives import Quantity, double

if TYPE_CHECKING:
    from spinloom.magnetism.magnet import Magnet

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
        """Density (J/m^3), booked on the lower cell of each pair."""
        return pair_energy(m, ahead(m, self.axis, self.shift), self)


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


def pair_energy(m: torch.Tensor, n: torch.Tensor, link: Link) -> torch.Tensor:
    """s (1 - m.n) + d.(m x n)."""
    total = torch.zeros_like(m[0])
    if link.s is not None:
        total = total + link.s * (1 - (m * n).sum(0))
    cross = (m[1] * n[2] - m[2] * n[1], m[2] * n[0] - m[0] * n[2], m[0] * n[1] - m[1] * n[0])
    for d, c in zip(link.d, cross, strict=True):
        if d is not None:
            total = total + d * c
    return total


@dataclass(frozen=True)
class LinkTerm(ABC):
    """A term made of links and, at the edges, of a diagonal energy -sum_c k_c (1 - m_c^2)."""

    @abstractmethod
    def links(self, magnet: "Magnet") -> list[Link]:
        """The couplings on the magnet's mesh."""

    def edges(self, magnet: "Magnet") -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        """k_x, k_y, k_z in J/m^3 of the cells at the edges."""
        return None, None, None

    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        """Density, J/m^3, (*batch, nz, ny, nx); a pair's energy is booked on one of its cells."""
        total = torch.zeros_like(m[0])
        for link in self.links(magnet):
            total = total + link.energy(m)
        for k, component in zip(self.edges(magnet), m, strict=True):
            if k is not None:
                total = total - k * (1 - component**2)
        return total


def _cells(value: Quantity, magnet: "Magnet") -> torch.Tensor:
    """The constant in every cell, float64, 0 outside the geometry."""
    assert magnet.mesh is not None
    value = double(value)
    shape = torch.broadcast_shapes(value.shape, magnet.mesh.shape, _spatial_batch(magnet))
    value = value.expand(shape)
    return value if magnet.geometry is None else torch.where(magnet.geometry, value, 0.0)


def _spatial_batch(magnet: "Magnet") -> tuple[int, ...]:
    assert magnet.mesh is not None
    lengths = torch.broadcast_shapes(*(length.shape for length in magnet.mesh.spatial_lengths))
    return lengths if magnet.geometry is None else torch.broadcast_shapes(lengths, magnet.geometry.shape)


def _harmonic(value: torch.Tensor, axis: int, shift: int = 1) -> torch.Tensor:
    """Harmonic mean of each cell's constant and its neighbour's, 0 where either is 0 or the signs differ."""
    other = ahead(value, axis, shift)
    product, total = value * other, value + other
    coupled = product > 0
    return torch.where(coupled, 2 * product / torch.where(coupled, total, 1.0), 0.0)


@dataclass(frozen=True)
class Exchange(LinkTerm):
    """E = A (grad m)^2.

    stiffness: A, J/m, 5e-12 to 20e-12; from spin-wave resonance. May differ from cell to cell.
    grains: labels (nz, ny, nx) of grains or regions; across their borders the coupling is multiplied by `between`
        (0: no exchange between grains).
    """

    stiffness: Quantity
    grains: torch.Tensor | None = None
    between: float = 1.0

    def __post_init__(self) -> None:
        require_non_negative("J/m", stiffness=self.stiffness)
        require_non_negative("", between=self.between)

    def links(self, magnet: "Magnet") -> list[Link]:
        assert magnet.mesh is not None
        stiffness, found = _cells(self.stiffness, magnet), []
        for axis, (count, h) in enumerate(zip(magnet.mesh.cells, magnet.mesh.spatial_lengths, strict=True)):
            if count > 1:
                s = 2 * _harmonic(stiffness, axis) / h**2
                if self.grains is not None:
                    same = self.grains == ahead(self.grains, axis, 1)
                    s = torch.where(same, s, self.between * s)
                found.append(Link(axis, 1, s, (None, None, None)))
        return found


@dataclass(frozen=True)
class _DMI(LinkTerm):
    """strength: D, J/m^2, 0.1e-3 to 5e-3; from Brillouin light scattering or domain-wall motion."""

    strength: Quantity

    def __post_init__(self) -> None:
        require_finite("J/m^2", strength=self.strength)

    _UNITS = ((1, 1.0), (0, -1.0), (None, 0.0))  # component and sign of u for the axes x, y, z

    def links(self, magnet: "Magnet") -> list[Link]:
        assert magnet.mesh is not None
        strength, found = _cells(self.strength, magnet), []
        for axis, (count, h) in enumerate(zip(magnet.mesh.cells, magnet.mesh.spatial_lengths, strict=True)):
            component, sign = self._UNITS[axis]
            if count > 1 and component is not None:
                d = sign * self._mean(strength, axis) / h
                parts = tuple(d if c == component else None for c in range(3))
                found.append(Link(axis, 1, None, (parts[0], parts[1], parts[2])))
        return found

    def edges(self, magnet: "Magnet") -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        assert magnet.mesh is not None
        exchange = next(term for term in magnet.fields if isinstance(term, Exchange))
        stiffness, strength = _cells(exchange.stiffness, magnet), _cells(self.strength, magnet)
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
        size = _harmonic(strength.abs(), axis)
        return torch.where(strength * ahead(strength, axis, 1) > 0, size * strength.sign(), 0.0)


def _open_faces(inside: torch.Tensor, axis: int) -> torch.Tensor:
    """How many faces along the axis lead from a cell of the magnet to the outside: 0, 1 or 2."""
    number = inside.to(torch.float64)
    return number * (2 - ahead(number, axis, 1) - behind(number, axis, 1))


@dataclass(frozen=True)
class InterfacialDMI(_DMI):
    """Film (normal z) on a heavy metal, E = D [m_z div m - (m.grad) m_z]: Neel walls; for D > 0 the wall from up to down
    along +x points to -x (the convention of MuMax3)."""

    _UNITS = ((1, 1.0), (0, -1.0), (None, 0.0))


@dataclass(frozen=True)
class BulkDMI(_DMI):
    """Crystal without inversion symmetry (class T): E = D m.rot m; Bloch walls."""

    _UNITS = ((0, -1.0), (1, -1.0), (2, -1.0))


@dataclass(frozen=True)
class InterlayerExchange(LinkTerm):
    """Bilinear (RKKY) coupling of two layers of cells, E = -J m_lower.m_upper per area, J > 0 favours parallel.

    coupling: J, J/m^2. lower, upper: numbers of the layers (along z, from 0); empty layers may lie between them. Where
    they are neighbours it is added to what Exchange gives: leave its stiffness 0 between them by `grains`.
    """

    coupling: Quantity
    lower: int = 0
    upper: int = 1

    def __post_init__(self) -> None:
        require_finite("J/m^2", coupling=self.coupling)
        if not 0 <= self.lower < self.upper:
            raise InputError(f"layers must be numbered 0 <= lower < upper, got {self.lower} and {self.upper}")

    def links(self, magnet: "Magnet") -> list[Link]:
        assert magnet.mesh is not None
        one = _cells(1.0, magnet)
        shift, dz = self.upper - self.lower, magnet.mesh.spatial_lengths[2]
        both = one * ahead(one, 2, shift)
        layer = torch.zeros(magnet.mesh.cells[2], 1, 1, dtype=torch.float64)
        layer[self.lower] = 1.0
        return [Link(2, shift, layer * both * double(self.coupling) / dz, (None, None, None))]


LINK_TERMS = (Exchange, InterfacialDMI, BulkDMI, InterlayerExchange)
