"""Couplings between cells: exchange, also of layers, and the Dzyaloshinskii-Moriya interaction with its edges.

Each lives on the faces between cells. With s and d (J/m^3) of the face between cell i and its neighbour j, the
energy per cell volume is

    E = s (1 - m_i.m_j) + d.(m_i x m_j),     exchange s = 2 A / h^2,     DMI d = D u / h

where h is the distance of the centres and u a direction that depends on the kind of DMI and on the axis. This is the
second-order finite difference of the continuous densities; a face to the outside carries nothing, which is the free
boundary. An axis with one cell only has no faces: the film is taken as uniform along it. At a border of two materials
the coupling takes the harmonic mean of their constants (DMI: 0 where the signs differ).

With DMI the free boundary is tilted, dm/dn = D/(2A) u x m, and the half cell beyond the last centre has the energy
density -D^2/(4A) (1 - (m.u)^2): it is added to the cells at the edge, so that field and energy both know the boundary
condition of S. Rohart and A. Thiaville, Phys. Rev. B 88, 184422 (2013).
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite, require_non_negative
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import FieldTerm, Magnet
from spinloom.magnetism.vectors import Triple, cross

Parts = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]
_NONE: Parts = (None, None, None)


class Link(NamedTuple):
    """Coupling of every cell to the one `shift` cells further along x, y or z (`axis` 0, 1, 2).

    s: (*, nz, ny, nx) or None; d: components, each such a tensor or None; J/m^3, 0 where there is no neighbour.
    """

    axis: int
    shift: int
    s: torch.Tensor | None
    d: Parts = _NONE


def moved(field: torch.Tensor, axis: int, shift: int) -> torch.Tensor:
    """The value `shift` cells further along x, y, z (axis 0, 1, 2), or before for shift < 0; 0 beyond the end."""
    along, kept = -1 - axis, field.shape[-1 - axis] - abs(shift)
    gap = torch.zeros_like(field.narrow(along, 0, abs(shift)))
    inner = field.narrow(along, max(shift, 0), kept)
    return torch.cat([inner, gap] if shift > 0 else [gap, inner], along)


@dataclass(frozen=True)
class LinkTerm(FieldTerm):
    """A term made of links and, at the edges, of a diagonal energy -sum_c k_c (1 - m_c^2)."""

    couples = True

    @abstractmethod
    def links(self, magnet: Magnet) -> list[Link]:
        """The couplings on the magnet's mesh."""

    def edges(self, magnet: Magnet) -> Parts:
        """k_x, k_y, k_z in J/m^3 of the cells at the edges."""
        return _NONE

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        """A pair's energy is booked on its lower cell."""
        total = torch.zeros_like(m[0])
        for link in self.links(magnet):
            n = moved(m, link.axis, link.shift)
            if link.s is not None:
                total = total + link.s * (1 - (m * n).sum(0))
            for d, component in zip(link.d, cross(m, n), strict=True):
                total = total if d is None else total + d * component
        for k, component in zip(self.edges(magnet), m, strict=True):
            total = total if k is None else total - k * (1 - component**2)
        return total

    def diagonal(self, magnet: Magnet) -> Triple | None:
        x, y, z = (2 * magnet.rate_per_energy * (0.0 if k is None else k) for k in self.edges(magnet))
        return x, y, z


def _in_cells(value: Quantity, magnet: Magnet) -> torch.Tensor:
    """The constant in every cell, float64, 0 outside the geometry."""
    assert magnet.mesh is not None
    value = double(value)
    others = [length.shape for length in magnet.mesh.spatial_lengths]
    others += [] if magnet.geometry is None else [magnet.geometry.shape]
    value = value.expand(torch.broadcast_shapes(value.shape, magnet.mesh.shape, *others))
    return value if magnet.geometry is None else torch.where(magnet.geometry, value, 0.0)


def _harmonic(value: torch.Tensor, axis: int) -> torch.Tensor:
    """Harmonic mean of each cell's constant and its neighbour's, 0 where either is 0 or the signs differ."""
    other = moved(value, axis, 1)
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

    def check(self, magnet: Magnet) -> None:
        count = sum(isinstance(term, Exchange) for term in magnet.fields)
        if count > 1:
            raise InputError(f"one Exchange term is needed at most, got {count}; add their constants")

    def links(self, magnet: Magnet) -> list[Link]:
        assert magnet.mesh is not None
        if self.grains is not None and tuple(self.grains.shape) != magnet.mesh.shape:
            raise InputError(
                f"grains must be labels of the shape (nz, ny, nx) = {magnet.mesh.shape} of the mesh, "
                f"got {tuple(self.grains.shape)}"
            )
        stiffness, found = _in_cells(self.stiffness, magnet), []
        for axis, (count, h) in enumerate(zip(magnet.mesh.cells, magnet.mesh.spatial_lengths, strict=True)):
            if count > 1:
                s = 2 * _harmonic(stiffness, axis) / h**2
                if self.grains is not None:
                    s = torch.where(self.grains == moved(self.grains, axis, 1), s, self.between * s)
                found.append(Link(axis, 1, s))
        return found


@dataclass(frozen=True)
class InterlayerExchange(LinkTerm):
    """Bilinear (RKKY) coupling of two layers of cells, E = J (1 - m_lower.m_upper) per area, J > 0 favours parallel.

    coupling: J, J/m^2. lower, upper: numbers of the layers (along z, from 0); empty layers may lie between them. Where
    they are neighbours it is added to what Exchange gives: leave its stiffness 0 between them by `grains`.
    """

    coupling: Quantity
    lower: int = 0
    upper: int = 1

    def __post_init__(self) -> None:
        require_finite("J/m^2", coupling=self.coupling)
        whole = isinstance(self.lower, int) and isinstance(self.upper, int)
        if not whole or not 0 <= self.lower < self.upper:
            raise InputError(f"layers must be numbered 0 <= lower < upper, got {self.lower} and {self.upper}")

    def check(self, magnet: Magnet) -> None:
        if magnet.mesh and self.upper >= magnet.mesh.cells[2]:
            raise InputError(
                f"InterlayerExchange couples layers {self.lower} and {self.upper}, the mesh has layers 0 to "
                f"{magnet.mesh.cells[2] - 1}"
            )

    def links(self, magnet: Magnet) -> list[Link]:
        assert magnet.mesh is not None
        one, shift = _in_cells(1.0, magnet), self.upper - self.lower
        layer = torch.zeros(magnet.mesh.cells[2], 1, 1, dtype=torch.float64)
        layer[self.lower] = 1.0
        both = one * moved(one, 2, shift)
        return [Link(2, shift, layer * both * double(self.coupling) / magnet.mesh.spatial_lengths[2])]


@dataclass(frozen=True)
class _DMI(LinkTerm):
    """strength: D, J/m^2, 0.1e-3 to 5e-3; from Brillouin light scattering or domain-wall motion."""

    strength: Quantity

    _UNITS: ClassVar[tuple[tuple[int, int, float], ...]]
    """Along which axis u has which component, and its sign."""

    def __post_init__(self) -> None:
        require_finite("J/m^2", strength=self.strength)

    def check(self, magnet: Magnet) -> None:
        if not any(isinstance(term, Exchange) for term in magnet.fields):
            raise InputError(f"{type(self).__name__} needs an Exchange term: its edge condition holds D / A")

    def links(self, magnet: Magnet) -> list[Link]:
        assert magnet.mesh is not None
        strength, found = _in_cells(self.strength, magnet), []
        for axis, component, sign in self._UNITS:
            if magnet.mesh.cells[axis] > 1:
                d = sign * _harmonic(strength, axis) / magnet.mesh.spatial_lengths[axis]
                x, y, z = (d if c == component else None for c in range(3))
                found.append(Link(axis, 1, None, (x, y, z)))
        return found

    def edges(self, magnet: Magnet) -> Parts:
        assert magnet.mesh is not None
        exchange = next(term for term in magnet.fields if isinstance(term, Exchange))
        stiffness, strength = _in_cells(exchange.stiffness, magnet), _in_cells(self.strength, magnet)
        inside = stiffness > 0
        density = torch.where(inside, strength**2 / (8 * torch.where(inside, stiffness, 1.0)), 0.0)
        number, found = inside.to(torch.float64), list(_NONE)
        for axis, component, _ in self._UNITS:
            if magnet.mesh.cells[axis] > 1:  # faces that lead from a cell of the magnet to the outside: 0, 1 or 2
                k = density * (number * (2 - moved(number, axis, 1) - moved(number, axis, -1)))
                found[component] = k
        return found[0], found[1], found[2]


@dataclass(frozen=True)
class InterfacialDMI(_DMI):
    """Film (normal z) on a heavy metal, E = D [m_z div m - (m.grad) m_z]: Neel walls.

    For D > 0 the wall from up to down along +x points to -x (the convention of MuMax3).
    """

    _UNITS = ((0, 1, 1.0), (1, 0, -1.0))


@dataclass(frozen=True)
class BulkDMI(_DMI):
    """Crystal without inversion symmetry (class T): E = D m.rot m; Bloch walls."""

    _UNITS = ((0, 0, -1.0), (1, 1, -1.0), (2, 2, -1.0))


def exchange_length(magnet: Magnet) -> torch.Tensor | None:
    """sqrt(2 A / (mu0 Ms^2)) in m, or None without Exchange."""
    for term in magnet.fields:
        if isinstance(term, Exchange):
            ms = double(magnet.material.saturation_magnetization)
            return (2 * double(term.stiffness) / (units.MU0 * ms**2)).sqrt()
    return None
