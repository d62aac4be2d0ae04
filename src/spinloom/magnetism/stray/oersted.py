"""The Oersted field of the current through a pillar."""

import torch

from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import require_mask, require_material


def pillar_field(mesh: Mesh, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Field per current density, A/m per A/m^2 (that is: m), at every cell centre, (3, *batch, nz, ny, nx), float64.

    The current flows uniformly along +z through the True cells of the mask's first layer (default: all cells) of an
    infinitely long pillar; multiply by the density in A/m^2. The z component is 0. With ẑ x r / (2 pi r^2) for the
    field of a line (Biot and Savart; Jackson, Classical Electrodynamics, section 5.2) integrated over the cross-section
    of each cell in closed form, it is exact for the staircase of cells. The batch is that of the mask and the mesh.
    Raises InputError for a mask of a wrong shape or type and for an empty one.
    """
    carries = require_mask(torch.ones(mesh.shape, dtype=torch.bool) if mask is None else mask, mesh)[..., 0, :, :]
    require_material(carries[..., None, :, :], mesh)
    dx, dy, _ = (length[..., None, None] for length in mesh.lengths)
    nx, ny, _ = mesh.cells
    i = torch.arange(1 - nx, nx, dtype=torch.float64)
    j = torch.arange(1 - ny, ny, dtype=torch.float64)[:, None]
    along_x = -_bar(i * dx, j * dy, dx, dy)
    along_y = _bar(j * dy, i * dx, dy, dx)
    source = carries.to(torch.float64)
    field = torch.stack([_convolved(source, along_x), _convolved(source, along_y)])
    field = torch.cat([field, torch.zeros_like(field[:1])])
    return field[..., None, :, :].expand(*field.shape[:-2], *mesh.shape).contiguous()


def _bar(u: torch.Tensor, v: torch.Tensor, width: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """Integral of v / (2 pi (u^2 + v^2)) over a rectangle width x height around (u, v), m."""
    total = torch.zeros((), dtype=torch.float64)
    for side, sign in ((0.5, 1.0), (-0.5, -1.0)):
        total = total + sign * (_corner(u + width / 2, v + side * height) - _corner(u - width / 2, v + side * height))
    return total / (2 * torch.pi)


def _corner(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """F with d^2 F / du dv = v / (u^2 + v^2); no centre sees a corner at (0, 0)."""
    return u / 2 * (u * u + v * v).log() + v * torch.atan(u / v)


def _convolved(source: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Sum over source cells (*batch, ny, nx) of a kernel (*batch, 2 ny - 1, 2 nx - 1), zero offset in its middle."""
    size = (kernel.shape[-2], kernel.shape[-1])  # holds every offset once: nothing wraps into the part kept
    ny, nx = source.shape[-2:]
    spectrum = torch.fft.rfft2(source, s=size) * torch.fft.rfft2(kernel)
    return torch.fft.irfft2(spectrum, s=size).roll((1 - ny, 1 - nx), (-2, -1))[..., :ny, :nx]
