"""Exchange between neighbouring cells and between layers.

At a border of two materials the coupling takes the harmonic mean of their constants.
"""

from dataclasses import dataclass

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite, require_non_negative
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.terms.links import Link, LinkTerm, ahead, harmonic, in_cells


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
        stiffness, found = in_cells(self.stiffness, magnet), []
        for axis, (count, h) in enumerate(zip(magnet.mesh.cells, magnet.mesh.spatial_lengths, strict=True)):
            if count > 1:
                s = 2 * harmonic(stiffness, axis) / h**2
                if self.grains is not None:
                    same = self.grains == ahead(self.grains, axis, 1)
                    s = torch.where(same, s, self.between * s)
                found.append(Link(axis, 1, s, (None, None, None)))
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
        one = in_cells(1.0, magnet)
        shift, dz = self.upper - self.lower, magnet.mesh.spatial_lengths[2]
        both = one * ahead(one, 2, shift)
        layer = torch.zeros(magnet.mesh.cells[2], 1, 1, dtype=torch.float64)
        layer[self.lower] = 1.0
        return [Link(2, shift, layer * both * double(self.coupling) / dz, (None, None, None))]


def exchange_length(magnet: Magnet) -> torch.Tensor | None:
    """sqrt(2 A / (mu0 Ms^2)) in m, or None without Exchange."""
    for term in magnet.fields:
        if isinstance(term, Exchange):
            ms = double(magnet.material.saturation_magnetization)
            return (2 * double(term.stiffness) / (units.MU0 * ms**2)).sqrt()
    return None
