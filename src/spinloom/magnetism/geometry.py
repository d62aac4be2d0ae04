"""Masks of pillars: ellipses, disks, rectangles, rings.

What holds for every mask is said in `masks`. Lengths are full lengths; `center` is (x, y) in m from the middle of the
grid, numbers or tensors (*batch,) too. Masks carry no gradient; `fraction_inside_ellipse` carries one.
"""

import torch

from spinloom.errors import InputError, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.masks import EDGE, on_grid
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.placement import ORIGIN, Point, seen_from


def ellipse(mesh: Mesh, x: Quantity, y: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Full axes x and y in m."""
    return on_grid(mesh, _level(mesh, center, x=x, y=y) <= 1 + EDGE, x=x, y=y)


def disk(mesh: Mesh, diameter: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """A circle of the given diameter in m."""
    return on_grid(mesh, _level(mesh, center, diameter=diameter) <= 1 + EDGE, diameter=diameter)


def rectangle(mesh: Mesh, x: Quantity, y: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Sides x and y in m."""
    require_positive("m", x=x, y=y)
    across, up, width, height = seen_from(mesh, center, x=x, y=y)
    bound = 0.5 * (1 + EDGE)
    return on_grid(mesh, (across.abs() <= bound * width) & (up.abs() <= bound * height), x=x, y=y)


def ring(mesh: Mesh, outer: Quantity, inner: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Outer and inner diameter in m. Raises InputError unless inner < outer."""
    around, hole = _level(mesh, center, outer=outer), _level(mesh, center, inner=inner)
    if not bool((double(inner) < double(outer)).all()):
        raise InputError(f"the inner diameter of a ring must be below the outer one, got {inner} and {outer} m")
    return on_grid(mesh, (around <= 1 + EDGE) & (hole >= 1 - EDGE), outer=outer, inner=inner)


def fraction_inside_ellipse(
    mesh: Mesh, x: Quantity, y: Quantity, subsamples: int = 8, center: Point = ORIGIN
) -> torch.Tensor:
    """Share of each cell's area inside the ellipse of full axes x, y (m), (*batch, nz, ny, nx), float64.

    Exact along x, the mean of `subsamples` lines in y. A mask's staircase has the wrong area; this corrects it, and
    it is differentiable in x and y. Raises InputError for axes not > 0 and subsamples < 1.
    """
    if not isinstance(subsamples, int) or subsamples < 1:
        raise InputError(f"subsamples must be a whole number >= 1, got {subsamples!r}")
    require_positive("m", x=x, y=y)
    (across, up, width, height), (dx, dy, _) = seen_from(mesh, center, x=x, y=y), mesh.spatial_lengths
    total = torch.zeros((), dtype=torch.float64)
    for line in range(subsamples):
        height_squared = 1 - ((up + dy * ((line + 0.5) / subsamples - 0.5)) / (height / 2)) ** 2
        crossed = height_squared > 0
        chord = width / 2 * torch.where(crossed, height_squared, 1.0).sqrt() * crossed  # no sqrt(0): finite gradient
        overlap = torch.minimum(across + dx / 2, chord) - torch.maximum(across - dx / 2, -chord)
        total = total + (overlap / dx).clamp(min=0)
    share = total / subsamples
    return share.expand(torch.broadcast_shapes(share.shape, mesh.shape))


def _level(mesh: Mesh, center: Point, **axes: Quantity) -> torch.Tensor:
    """(x / a)^2 + (y / b)^2 with the half axes of an ellipse, or of a circle if one axis is given: 1 on the edge."""
    require_positive("m", **axes)
    x, y, *values = seen_from(mesh, center, **axes)
    return (x / (values[0] / 2)) ** 2 + (y / (values[-1] / 2)) ** 2
