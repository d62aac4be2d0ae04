"""Magnetisation textures on a mesh: states to start from.

A state has shape (3, *batch, nz, ny, nx), |m| = 1, float64, the same in every layer. Lengths in m, angles in rad and
signs are numbers or tensors (*batch,), which give the state its batch axes, as a mesh with lengths (*batch,) does;
the states are differentiable in them. Bad input raises InputError. `masks.masked` cuts a state to its
material. Measures find where the texture of a state is, how large it is and how it winds; material is where m is not 0.
"""

import math
from typing import Literal

import torch

from spinloom.errors import InputError, require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import ORIGIN, Point, require_signs, seen_from, spatial
from spinloom.magnetism.vectors import Direction, Z, unit
from spinloom.seeding import Seed, generator

Kind = Literal["bloch", "neel"]
_ANGLES = {"bloch": math.pi / 2, "neel": 0.0}
_MINUS_Z: Direction = (0.0, 0.0, -1.0)


def uniform(mesh: Mesh, direction: Direction) -> torch.Tensor:
    """Along `direction` everywhere; it is normalised."""
    mx, my, mz = unit(direction, "direction")
    return _state(mesh, *spatial(mesh, x=mx, y=my, z=mz))


def random_state(mesh: Mesh, seed: Seed, batch: tuple[int, ...] = ()) -> torch.Tensor:
    """Every cell in a direction of its own, uniform on the sphere, in `batch` independent members."""
    m = torch.randn(3, *batch, *mesh.shape, generator=generator(seed), dtype=torch.float64)
    return m / m.norm(dim=0)


def vortex(
    mesh: Mesh,
    circulation: Quantity = 1,
    polarity: Quantity = 1,
    core_radius: Quantity | None = None,
    center: Point = ORIGIN,
) -> torch.Tensor:
    """A vortex with the core of Usov and Peschany, J. Magn. Magn. Mater. 118, L290 (1993): m_z = (b^2-r^2)/(b^2+r^2).

    circulation: 1 is anticlockwise seen from +z, -1 clockwise. polarity: sign of m_z in the core. core_radius: b,
    where m_z has fallen to 0 (default: three cells).
    """
    dx, dy, _ = mesh.lengths
    b = 3 * (dx * dy).sqrt() if core_radius is None else core_radius
    require_positive("m", core_radius=b)
    require_signs(circulation=circulation, polarity=polarity)
    x, y, turn, up, b = seen_from(mesh, center, circulation=circulation, polarity=polarity, core_radius=b)
    r2, b2 = x * x + y * y, b * b
    core = r2 < b2
    swirl = turn * torch.where(core, 2 * b / (r2 + b2), torch.where(core, b2, r2).rsqrt())
    return _state(mesh, -y * swirl, x * swirl, torch.where(core, up * (b2 - r2) / (b2 + r2), 0.0))


def two_domain(mesh: Mesh, left: Direction = Z, right: Direction = _MINUS_Z, position: Quantity = 0.0) -> torch.Tensor:
    """`left` in cells with x below `position` (m), `right` in the others, without a wall between them."""
    require_finite("m", position=position)
    at, *parts = spatial(
        mesh,
        position=position,
        **dict(zip("abc", unit(left, "left"), strict=True)),
        **dict(zip("xyz", unit(right, "right"), strict=True)),
    )
    is_left = mesh.coordinates()[0] < at
    return _state(mesh, *(torch.where(is_left, a, b) for a, b in zip(parts[:3], parts[3:], strict=True)))


def domain_wall(
    mesh: Mesh,
    width: Quantity,
    position: Quantity = 0.0,
    kind: Kind = "bloch",
    up_left: bool = True,
    azimuth: Quantity | None = None,
) -> torch.Tensor:
    """A wall across x between domains along +-z: m_z = tanh((position - x) / width), its sign turned for up_left=False.

    width: the wall parameter sqrt(A / K) in m (pi times that is the usual full width). kind: "neel" turns through +x,
    "bloch" through +y; `azimuth` (rad from +x) of the middle, if given, stands instead of it: pi is the other Neel
    wall. Landau and Lifshitz, Phys. Z. Sowjetunion 8, 153 (1935).
    """
    s, phi = _across(mesh, width, position, azimuth=_angle(kind, azimuth, "wall kind"))
    inside = 1 / s.cosh()
    return _state(mesh, inside * phi.cos(), inside * phi.sin(), -s.tanh() if up_left else s.tanh())


def head_to_head_wall(
    mesh: Mesh, width: Quantity, position: Quantity = 0.0, transverse: Quantity = 1, tail_to_tail: bool = False
) -> torch.Tensor:
    """A transverse wall in the plane: m_x = tanh((position - x) / width), both domains pointing at the wall.

    transverse: sign of m_y in the middle. tail_to_tail: both point away from it. width as for `domain_wall`.
    """
    require_signs(transverse=transverse)
    s, side = _across(mesh, width, position, transverse=transverse)
    return _state(mesh, s.tanh() if tail_to_tail else -s.tanh(), side / s.cosh(), torch.zeros_like(s))


def skyrmion(
    mesh: Mesh,
    radius: Quantity,
    width: Quantity,
    core: Quantity = -1,
    kind: Kind = "neel",
    helicity: Quantity | None = None,
    center: Point = ORIGIN,
) -> torch.Tensor:
    """A skyrmion as a closed 360-degree wall: polar angle theta(r) = 2 atan(sinh(R / w) / sinh(r / w)).

    radius: R in m, where m_z = 0. width: w in m, of the wall. core: sign of m_z in the middle, which is also the
    skyrmion number. kind: "neel" points outwards, "bloch" turns anticlockwise; `helicity` (rad), if given, stands
    instead of it: pi is the inward Neel one. Braun, Phys. Rev. B 50, 16485 (1994); X. S. Wang et al., Commun. Phys. 1,
    31 (2018).
    """
    require_positive("m", radius=radius, width=width)
    require_signs(core=core)
    turn = _angle(kind, helicity, "skyrmion kind")
    x, y, rho, w, sign, gamma = seen_from(mesh, center, radius=radius, width=width, core=core, helicity=turn)
    r2 = x * x + y * y
    middle = r2 == 0  # the direction has no meaning there, and sqrt(0) no gradient
    r = torch.where(middle, 1.0, r2).sqrt() * ~middle
    a, b = rho / w, r / w
    top = torch.maximum(a, b)  # sinh overflows beyond 710: both are scaled by exp(-top)
    theta = 2 * torch.atan2((a - top).exp() - (-a - top).exp(), (b - top).exp() - (-b - top).exp())
    phi = torch.atan2(y, torch.where(middle, 1.0, x)) + gamma
    return _state(mesh, theta.sin() * phi.cos(), theta.sin() * phi.sin(), -sign * theta.cos())


def _state(mesh: Mesh, *components: torch.Tensor) -> torch.Tensor:
    shape = torch.broadcast_shapes(*(component.shape for component in components), mesh.shape)
    return torch.stack([component.expand(shape) for component in components])


def _across(mesh: Mesh, width: Quantity, position: Quantity, **other: Quantity) -> tuple[torch.Tensor, torch.Tensor]:
    """(x - position) / width, and `other` with three space axes."""
    require_positive("m", width=width)
    require_finite("m", position=position)
    w, at, value = spatial(mesh, width=width, position=position, **other)
    return (mesh.coordinates()[0] - at) / w, value


def _angle(kind: str, given: Quantity | None, name: str) -> Quantity:
    if kind not in _ANGLES:
        raise unknown_name(name, kind, _ANGLES)
    if given is None:
        return _ANGLES[kind]
    require_finite("rad", angle=given)
    return given


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
    slopes = (torch.gradient(f, dim=dim)[0].abs() for dim in (-1, -2) if f.shape[dim] > 1)  # over one cell
    slope = sum(slopes, torch.zeros_like(f))
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
    (nx, ny, _), (dx, dy, _) = mesh.cells, mesh.lengths
    x = _peak(height.take_along_dim(row, -2)[..., 0, :], column[..., 0])
    y = _peak(height.take_along_dim(column, -1)[..., 0], row[..., 0])
    return (x - (nx - 1) / 2) * dx, (y - (ny - 1) / 2) * dy


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
