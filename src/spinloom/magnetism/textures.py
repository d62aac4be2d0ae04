"""Magnetisation textures on a mesh: states to start from.

A state has shape (3, *batch, nz, ny, nx), |m| = 1, float64, the same in every layer. Lengths in m, angles in rad and
signs are numbers or tensors (*batch,), which give the state its batch axes, as a mesh with lengths (*batch,) does;
the states are differentiable in them. Bad input raises InputError. `masks.masked` cuts a state to its
material; `texture_measures` finds where its texture is.
"""

import math
from typing import Literal

import torch

from spinloom.errors import require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.placement import ORIGIN, Point, require_signs, seen_from, spatial
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
