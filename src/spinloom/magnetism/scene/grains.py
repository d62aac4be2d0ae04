"""Polycrystalline films: columnar grains, each with its own material."""

import math

import numpy as np
import torch
from scipy.spatial import cKDTree

from spinloom.errors import InputError, require_finite, require_non_negative, require_positive
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.vectors import Triple
from spinloom.seeding import Seed, generator


def voronoi_grains(mesh: Mesh, size: float, seed: Seed) -> torch.Tensor:
    """Labels 0 ... grains - 1 of columnar Voronoi grains, int64 (nz, ny, nx); one film, without a batch.

    size: mean diameter in m, of a disk with the mean area of a grain. As many nuclei as the film has room for are
    strewn uniformly; a cell belongs to the nearest one. Not periodic. Raises InputError for a size that is not finite
    or below one cell, and for a mesh whose cell differs between members.
    """
    require_positive("m", size=size)
    dx, dy, _ = mesh.lengths
    if dx.ndim or dy.ndim:
        raise InputError("grains need one cell size; make a mesh for each member and stack the labels")
    if size < max(dx, dy):
        raise InputError(
            f"grains of {size * 1e9:g} nm are smaller than the cell of {float(dx) * 1e9:g} x {float(dy) * 1e9:g} nm; "
            "refine the mesh"
        )
    nx, ny, _ = mesh.cells
    extent = torch.stack([nx * dx, ny * dy])
    count = max(1, round(float(extent.prod()) / (math.pi / 4 * size**2)))
    nuclei = (torch.rand(count, 2, generator=generator(seed), dtype=torch.float64) - 0.5) * extent
    x, y, _ = mesh.coordinates()
    centres = torch.stack(torch.broadcast_tensors(x[0], y[0]), -1)
    _, nearest = cKDTree(nuclei.numpy()).query(centres.numpy())
    _, labels = np.unique(nearest, return_inverse=True)  # a nucleus may own no cell
    return torch.from_numpy(labels.astype(np.int64)).reshape(ny, nx).expand(mesh.shape).contiguous()


def per_grain(labels: torch.Tensor, mean: float, relative_deviation: float, seed: Seed) -> torch.Tensor:
    """A property per cell, one log-normal value per grain; float64, the shape of `labels`.

    mean: expected value, in the unit of the property, may be negative. relative_deviation: standard deviation over
    |mean|. Members that share a label share its value. Raises InputError for values that are not finite, a negative
    deviation, and labels that are not whole numbers >= 0.
    """
    require_finite("", mean=mean)
    require_non_negative("(relative)", relative_deviation=relative_deviation)
    width = math.sqrt(math.log1p(relative_deviation**2))
    draw = torch.randn(_grains(labels), generator=generator(seed), dtype=torch.float64)
    return (mean * torch.exp(width * draw - width**2 / 2))[labels]


def tilted_axes(labels: torch.Tensor, deviation: float, seed: Seed) -> Triple:
    """Easy axes tilted from z at random, one per grain: unit components (x, y, z), each of the shape of `labels`.

    deviation: standard deviation in rad of the tilt towards x and of that towards y, which are normal and
    independent: the full width at half maximum of a rocking curve over 2.355. Raises InputError like `per_grain`.
    """
    require_non_negative("rad", deviation=deviation)
    towards = deviation * torch.randn(2, _grains(labels), generator=generator(seed), dtype=torch.float64)
    polar, azimuth = torch.hypot(towards[0], towards[1]), torch.atan2(towards[1], towards[0])
    axis = polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()
    return axis[0][labels], axis[1][labels], axis[2][labels]


def _grains(labels: torch.Tensor) -> int:
    if labels.dtype != torch.int64 or labels.numel() == 0 or int(labels.min()) < 0:
        raise InputError(f"labels must be whole numbers >= 0 (int64), got {labels.dtype} {tuple(labels.shape)}")
    return int(labels.max()) + 1
