"""Masks with rough edges."""

import numpy as np
import torch
from scipy import ndimage

from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import cell_nm, nm, require_mask, require_material
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
    rough = [_roughened(member, source, *row) for member, row in zip(members, rows, strict=True)]
    moved = torch.from_numpy(np.stack(rough)).reshape(*batch, *mesh.shape)
    require_material(moved, mesh, amplitude=amplitude)
    return moved


def _roughened(
    mask: np.ndarray, source: torch.Generator, amplitude: float, correlation: float, dx: float, dy: float
) -> np.ndarray:
    """One member (nz, ny, nx). The field is read at the nearest edge, so each point of it moves by one value."""
    _, ny, nx = mask.shape
    down, along = _smoothing(ny, dy, correlation), _smoothing(nx, dx, correlation)
    white = torch.randn(down.shape[1], along.shape[1], generator=source, dtype=torch.float64)
    displacement = (amplitude * (down @ white @ along.T)).numpy()
    return np.stack([_displaced(layer, displacement, dx, dy) for layer in mask])


def _smoothing(n: int, step: float, correlation: float) -> torch.Tensor:
    """(n, nodes): rows of norm 1 that turn white noise into a field with autocorrelation exp(-(r / xi)^2).

    Gaussians of deviation s = xi / 2 on nodes every s / 2, close enough for the field to be stationary to rounding.
    """
    s = correlation / 2
    nodes = torch.arange(-10, 11 + int(2 * n * step / s), dtype=torch.float64) * (s / 2)
    kernel = torch.exp(-(((torch.arange(n, dtype=torch.float64)[:, None] * step - nodes) / s) ** 2) / 2)
    return kernel / kernel.norm(dim=1, keepdim=True)


def _displaced(inside: np.ndarray, displacement: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """One layer (ny, nx): cells nearer to the edge than the field moves it change sides."""
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
