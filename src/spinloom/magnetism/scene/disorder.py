"""Disorder of real films: masks with rough edges, and columnar grains, each with its own material."""

import math

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree

from spinloom.errors import InputError, require_finite, require_non_negative, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import cell_nm, nm, require_mask, require_material
from spinloom.magnetism.vectors import Triple
from spinloom.seeding import Seed, generator


def rough_edge(mask: torch.Tensor, mesh: Mesh, amplitude: Quantity, correlation: Quantity, seed: Seed) -> torch.Tensor:
    """The mask with its edges inside the grid displaced along their normal by a Gaussian random field, columnar in z.

    amplitude: standard deviation of the displacement, m; well below half a cell it moves nothing. correlation: length
    xi in m of the autocorrelation exp(-(r / xi)^2), at least one cell. Each member of the batch draws its own field.
    Raises InputError for a mask without an edge, a shape worn away, and a correlation that the mesh cannot resolve.
    """
    mask, (dx, dy, _) = require_mask(mask, mesh), mesh.lengths
    require_non_negative("m", amplitude=amplitude)
    require_positive("m", correlation=correlation)
    if bool((double(correlation) < torch.maximum(dx, dy)).any()):
        raise InputError(f"correlation must be at least one cell, got {nm(correlation)}; the cell is {cell_nm(mesh)}")
    if bool((mask.flatten(-3).all(-1) & (double(amplitude) > 0)).any()):
        raise InputError("the mask fills the whole grid: it has no edge to roughen; leave empty cells around it")
    values = [double(value) for value in (amplitude, correlation, dx, dy)]
    batch = torch.broadcast_shapes(mask.shape[:-3], *(value.shape for value in values))
    members = mask.expand(*batch, *mesh.shape).reshape(-1, *mesh.shape).numpy()
    source, rows = generator(seed), torch.stack([value.expand(batch).reshape(-1) for value in values], -1).tolist()
    (_, ny, nx), rough = mesh.shape, []
    for member, (deviation, length, x, y) in zip(members, rows, strict=True):
        down, along = _smoothing(ny, y, length), _smoothing(nx, x, length)
        white = torch.randn(down.shape[1], along.shape[1], generator=source, dtype=torch.float64)
        displacement = (deviation * (down @ white @ along.T)).numpy()
        rough.append(np.stack([_displaced(layer, displacement, x, y) for layer in member]))
    moved = torch.from_numpy(np.stack(rough)).reshape(*batch, *mesh.shape)
    require_material(moved, mesh, amplitude=amplitude)
    return moved


def _smoothing(n: int, step: float, correlation: float) -> torch.Tensor:
    """(n, nodes): rows of norm 1 that turn white noise into a field with autocorrelation exp(-(r / xi)^2).

    Gaussians of deviation s = xi / 2 on nodes every s / 2, close enough for the field to be stationary to rounding.
    """
    s = correlation / 2
    nodes = torch.arange(-10, 11 + int(2 * n * step / s), dtype=torch.float64) * (s / 2)
    kernel = torch.exp(-(((torch.arange(n, dtype=torch.float64)[:, None] * step - nodes) / s) ** 2) / 2)
    return kernel / kernel.norm(dim=1, keepdim=True)


def _displaced(inside: np.ndarray, displacement: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """One layer (ny, nx): cells nearer to the edge than the field moves it change sides.

    The field is read at the nearest edge, so each point of the edge moves by one value.
    """
    if inside.all() or not inside.any():
        return inside
    to_outside = ndimage.distance_transform_edt(inside, (dy, dx), return_distances=False, return_indices=True)
    to_inside = ndimage.distance_transform_edt(~inside, (dy, dx), return_distances=False, return_indices=True)
    other = np.where(inside, to_outside, to_inside)  # the nearest cell on the other side
    step_y, step_x = np.abs(other - np.indices(inside.shape))
    distance = np.hypot(step_y * dy, step_x * dx)
    half_cell = (step_y * dy * dy + step_x * dx * dx) / (2 * distance)  # the edge runs between the two cells
    depth = np.where(inside, 1, -1) * (distance - half_cell)
    return depth + displacement[other[0], other[1]] > 0


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
        raise InputError(f"grains of {nm(size)} are smaller than the cell of {cell_nm(mesh)}; refine the mesh")
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
