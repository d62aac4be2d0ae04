"""Magnets on small meshes that several tests share."""

import torch

from spinloom import units
from spinloom.magnetism import Magnet, Material, Mesh

MS, A = 8e5, 1.3e-11
"""A/m and J/m, a permalloy: exchange length 5.7 nm."""


def mesh_magnet(mesh, *fields, torques=(), damping=0.0, ms=MS, geometry=None) -> Magnet:
    return Magnet(Material(ms, damping), mesh=mesh, fields=fields, torques=tuple(torques), geometry=geometry)


def random_state(mesh: Mesh, batch=(), seed=0, dtype=torch.float64, geometry=None) -> torch.Tensor:
    """Every cell in a direction of its own, 0 outside the geometry."""
    m = torch.randn(3, *batch, *mesh.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    m = m / m.norm(dim=0)
    return (m if geometry is None else torch.where(geometry, m, 0.0)).to(dtype)


def uniform_state(mesh: Mesh, direction, batch=(), dtype=torch.float64) -> torch.Tensor:
    m = torch.tensor(direction, dtype=torch.float64)
    m = (m / m.norm()).reshape(3, *[1] * (len(batch) + 3))
    return m.expand(3, *batch, *mesh.shape).to(dtype).clone()


def holes(mesh: Mesh, seed=1) -> torch.Tensor:
    """A mask with about a quarter of the cells missing, here and there."""
    return torch.rand(mesh.shape, generator=torch.Generator().manual_seed(seed)) > 0.25


def per_cell(mesh: Mesh, low: float, high: float, seed=2, batch=()) -> torch.Tensor:
    """A constant that differs from cell to cell, uniform between the bounds."""
    share = torch.rand(*batch, *mesh.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return low + (high - low) * share


def member(*values: float) -> torch.Tensor:
    """A constant that differs from member to member of a batch (n,)."""
    return torch.tensor(values, dtype=torch.float64).reshape(-1, 1, 1, 1)


def field_for(rate: float) -> float:
    """A/m of the field around which a free moment turns with `rate` (rad/s)."""
    return rate / units.GAMMA0
