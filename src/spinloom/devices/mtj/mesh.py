"""The free layer of a junction on a mesh."""

import math

import torch

from spinloom import units
from spinloom.errors import InputError
from spinloom.magnetism import Exchange, Magnet, Mesh, Quantity, double

LEAST_CELLS = 3
LARGEST_PHASE = 0.3
"""rad, by which the fastest mode of exchange may turn in one step of Heun's scheme."""


def spatial(value: Quantity) -> Quantity:
    """A parameter of the devices (shape (*batch)) as one of their meshes, (*batch, 1, 1, 1); a number stays one."""
    return value[..., None, None, None] if isinstance(value, torch.Tensor) and value.ndim else value


def free_layer(diameter: Quantity, thickness: Quantity, resolution: float) -> tuple[Mesh, torch.Tensor]:
    """Mesh and disk mask (1, n, n) of a circular layer of one cell in thickness.

    All devices share the mask and differ in the size of their cells, so that a diameter can be any number and has a
    gradient: each disk of cells has exactly the area of its circle. resolution: m, rounded so that n is whole.
    Raises InputError for fewer than 3 cells across.
    """
    nominal = float(double(diameter).detach().mean())
    n = round(nominal / float(resolution))
    if n < LEAST_CELLS:
        raise InputError(
            f"resolution of {resolution * 1e9:.3g} nm leaves {n} cells across a diameter of {nominal * 1e9:.3g} nm; "
            f"at least {LEAST_CELLS} are needed: use a resolution of {nominal / LEAST_CELLS * 1e9:.3g} nm or less"
        )
    place = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
    disk = (place[:, None].square() + place[None, :].square() <= (n / 2) ** 2)[None]
    side = double(diameter) * math.sqrt(math.pi / 4 / int(disk.sum()))
    return Mesh((n, n, 1), (side, side, double(thickness))), disk


def thermal_step(magnet: Magnet, longest: float) -> float:
    """Step in s for Heun's scheme on the magnet's mesh: exchange between neighbours sets it, at most `longest`."""
    assert magnet.mesh is not None
    stiffness = next(term.stiffness for term in magnet.fields if isinstance(term, Exchange))
    ms = double(magnet.material.saturation_magnetization)
    dx, dy, _ = magnet.mesh.spatial_lengths
    fastest = units.GAMMA * 8 * double(stiffness) / ms * (1 / dx**2 + 1 / dy**2)
    return min(longest, LARGEST_PHASE / float(fastest.detach().max()))


def mean_magnetization(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """Of each member, (3, *batch): the conductance, linear in the cosine, sees no more."""
    if magnet.mesh is None:
        return m
    assert magnet.geometry is not None
    return m.sum((-3, -2, -1)) / int(magnet.geometry.sum())
