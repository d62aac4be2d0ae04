"""Where the texture of a state on a mesh is, how large it is and how it winds.

A state has shape (3, *batch, nz, ny, nx); material is where m is not 0. Bad input raises InputError.
"""

import torch

from spinloom.errors import InputError
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.placement import require_signs, spatial


def skyrmion_number(m: torch.Tensor) -> torch.Tensor:
    """Topological charge of each layer, (*batch, nz): the solid angle that the layer covers, over 4 pi.

    A sum over triangles of neighbouring cells, exact on a lattice: Berg and Luescher, Nucl. Phys. B 190, 412 (1981).
    Triangles that reach out of the material do not count.
    """
    _require_state(m)
    a, b, c, d = m[..., :-1, :-1], m[..., :-1, 1:], m[..., 1:, 1:], m[..., 1:, :-1]
    return (_solid_angle(a, b, c) + _solid_angle(a, c, d)).sum((-2, -1)) / (4 * torch.pi)


def skyrmion_radius(m: torch.Tensor, mesh: Mesh, core: Quantity = -1) -> torch.Tensor:
    """sqrt(area / pi) in m of each layer, (*batch, nz); the area is where m_z has the sign `core`.

    The cells that m_z = 0 crosses count by a share, from the slope of m_z. `core`: -1 or 1, () or (*batch,).
    """
    _require_state(m, mesh)
    require_signs(core=core)
    (sign,) = spatial(mesh, core=core)
    f = sign * m[2]
    slope = _slope(f, -1).abs() + _slope(f, -2).abs()  # over one cell
    share = (0.5 + f / slope.clamp(min=1e-12)).clamp(0, 1) * _material(m)
    dx, dy, _ = mesh.spatial_lengths
    return ((share * dx * dy).sum((-2, -1)) / torch.pi).sqrt()


def wall_position(m: torch.Tensor, mesh: Mesh) -> torch.Tensor:
    """x in m of the one wall across x between domains along +-z, (*batch,); NaN where m_z does not change sign.

    From the mean of m_z along the track, each column by its material: the shares of up and down tell where the wall
    is. The level of the domains is the median |m_z|, so the wall should be narrow against the track.
    """
    _require_state(m, mesh)
    cells = _material(m).sum((-3, -2))  # (*batch, nx)
    column = m[2].sum((-3, -2)) / cells.clamp(min=1)
    there = cells > 0
    x = mesh.coordinates()[0][..., 0, 0, :]
    middle = (x * there).sum(-1) / there.sum(-1)
    up_left = -((x - middle[..., None]) * column).sum(-1).sign()
    level = torch.where(there, column.abs(), torch.nan).nanmedian(-1).values
    position = middle + up_left * column.sum(-1) / level * mesh.lengths[0] / 2
    return torch.where((column.amax(-1) > 0) & (column.amin(-1) < 0), position, torch.nan)


def core_position(m: torch.Tensor, mesh: Mesh) -> tuple[torch.Tensor, torch.Tensor]:
    """(x, y) in m of a vortex core, each (*batch,): the greatest |m_z|, averaged over the layers.

    Between cells by the parabola through the greatest value and its neighbours along x and along y.
    """
    _require_state(m, mesh)
    height = m[2].mean(-3).abs()
    index = height.flatten(-2).argmax(-1)[..., None, None]
    row, column = index // mesh.cells[0], index % mesh.cells[0]
    across = height.take_along_dim(row, -2)[..., 0, :]
    along = height.take_along_dim(column, -1)[..., 0]
    (nx, ny, _), (dx, dy, _) = mesh.cells, mesh.lengths
    x = (_peak(across, column[..., 0]) - (nx - 1) / 2) * dx
    return x, (_peak(along, row[..., 0]) - (ny - 1) / 2) * dy


def _require_state(m: torch.Tensor, mesh: Mesh | None = None) -> None:
    if m.ndim < 4 or m.shape[0] != 3 or (mesh is not None and m.shape[-3:] != mesh.shape):
        grid = f" with (nz, ny, nx) = {mesh.shape}" if mesh else ""
        raise InputError(f"a state on a mesh must have shape (3, *batch, nz, ny, nx){grid}, got {tuple(m.shape)}")


def _material(m: torch.Tensor) -> torch.Tensor:
    return (m != 0).any(0)


def _solid_angle(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    ab, bc, ca = (a * b).sum(0), (b * c).sum(0), (c * a).sum(0)
    triple = (a * torch.linalg.cross(b, c, dim=0)).sum(0)
    angle = 2 * torch.atan2(triple, 1 + ab + bc + ca)
    return torch.where(_material(a) & _material(b) & _material(c), angle, 0.0)


def _slope(f: torch.Tensor, dim: int) -> torch.Tensor:
    return torch.gradient(f, dim=dim)[0] if f.shape[dim] > 1 else torch.zeros_like(f)


def _peak(line: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Fractional index (*batch,) of the maximum of line (*batch, n) near index (*batch, 1); whole at the ends."""
    n = line.shape[-1]
    if n < 3:
        return index[..., 0].to(line)
    inner = index.clamp(1, n - 2)
    left, top, right = (line.take_along_dim(inner + step, -1) for step in (-1, 0, 1))
    bend = left - 2 * top + right
    shift = torch.where((bend < 0) & (inner == index), (left - right) / (2 * bend), 0.0).clamp(-0.5, 0.5)
    return (index + shift)[..., 0]
