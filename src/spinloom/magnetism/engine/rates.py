"""The right-hand side of the LLGS equation, written once, with what cells of a mesh do to each other.

The rows of a reduced magnet are tensors that broadcast over the batch, in the solvers' units. Their order is fixed by a
`Layout`, so that one rate function, plain arithmetic on components, serves torch tensors (eager, differentiable, any
device) and, traced and compiled (`compiled/`), the lanes of a batch. Neighbours, stray field and flowing spins stand
here in their plain form on torch tensors; the compiled engine reads the same tables. Here stand also the checks before
a simulation, and the state as the solvers take it.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch

from spinloom import units
from spinloom.errors import InputError, SpinloomWarning, require_non_negative
from spinloom.magnetism.drives import Drive, Quantity, double
from spinloom.magnetism.magnet import TIME_UNIT, Act, Components, Magnet
from spinloom.magnetism.stray.demag import Demag, demag, reference
from spinloom.magnetism.terms.demagnetization import Demagnetization
from spinloom.magnetism.terms.exchange import Link, LinkTerm, exchange_length, moved
from spinloom.magnetism.terms.torques import ZhangLi
from spinloom.magnetism.vectors import Triple, dot

_TOLERANCE = 1e-3
BASE_ROWS = 9
"""damping/(1+damping^2), 1/(1+damping^2), noise, diagonal x y z, constant field x y z; then those of each term."""


Layout = tuple[tuple[Act, int, bool], ...]
"""The terms whose effect on a cell depends on that cell only, and the terms with a drive, in their order: the formula
of each, the number of its rows, and whether it follows a drive."""


def llgs(m: Components, noise: Components | None, rows: Any, waves: Any, layout: Layout) -> Components:
    """dm/dt in rad/ns, Gilbert form solved for dm/dt:

        dm/dt = -[m x W + damping m x (m x W)] / (1 + damping^2),   W = field + sum_p a_p (m x p) + b_p p

    Every torque is a part of W, and damping acts on it as Gilbert's equation demands.

    m: components. noise: thermal field and what other cells add to W, as a rate, or None. rows: reduced parameters
    in the order of the layout. waves: the waveform of every drive channel at this instant.
    """
    x, y, z = m
    w: Components = (rows[6] - rows[3] * x, rows[7] - rows[4] * y, rows[8] - rows[5] * z)
    if noise is not None:
        w = w[0] + noise[0], w[1] + noise[1], w[2] + noise[2]
    first, channel = BASE_ROWS, 0
    for act, count, driven in layout:
        w = act(w, m, By(lambda k, first=first: rows[first + k]), lambda channel=channel: waves[channel])  # type: ignore[misc]
        first, channel = first + count, channel + driven
    (wx, wy, wz), relaxing, turning = w, rows[0], rows[1]
    tx, ty, tz = y * wz - z * wy, z * wx - x * wz, x * wy - y * wx
    return (
        -(turning * tx + relaxing * (y * tz - z * ty)),
        -(turning * ty + relaxing * (z * tx - x * tz)),
        -(turning * tz + relaxing * (x * ty - y * tx)),
    )


class By:
    """Values by number, each found when it is asked for: that decides the order of the traced lines."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        self.find = find

    def __getitem__(self, index: int) -> Any:
        return self.find(index)


class Flow(NamedTuple):
    """A Zhang-Li torque: u / (2 h) along x, y, z in 1/ns per unit of its waveform, and xi."""

    rates: Triple
    nonadiabaticity: torch.Tensor


@dataclass(frozen=True)
class Space:
    """Everything non-local of a magnet on a mesh.

    links: at most one per axis and shift, J/m^3. per_energy: gamma / Ms in the solver's unit, rad m^3 / (ns J).
    demag: operator, None without stray field; share: Ms of a cell over the largest, None where all are equal;
    per_share: gamma mu0 Ms of the largest, rad/ns. flows: in the order of their drives. inside: bool or None.
    """

    links: tuple[Link, ...]
    per_energy: torch.Tensor
    demag: Demag | None
    share: torch.Tensor | None
    per_share: torch.Tensor
    flows: tuple[Flow, ...]
    inside: torch.Tensor | None

    def parameters(self) -> list[torch.Tensor]:
        """All numbers but the kernel of the stray field."""
        coupling = [part for link in self.links for part in (link.s, *link.d) if part is not None]
        flowing = [part for flow in self.flows for part in (*flow.rates, flow.nonadiabaticity)]
        return [self.per_energy, self.per_share, *coupling, *flowing, *([] if self.share is None else [self.share])]

    def field(self, m: torch.Tensor, waves: list[torch.Tensor] | torch.Tensor) -> Components:
        """What it adds to W (`llgs`), rad/ns; m (3, *batch, nz, ny, nx), waves of the flows only."""
        total = torch.zeros_like(m)
        for link in self.links:
            total = total + _link_field(m, link)
        total = total * self.per_energy
        if self.demag is not None:
            total = total + self.per_share * self.demag(m if self.share is None else self.share * m)
        for flow, wave in zip(self.flows, waves, strict=True):
            total = total + wave * _flow_field(m, flow, self.inside)
        return total[0], total[1], total[2]


def _link_field(m: torch.Tensor, link: Link) -> torch.Tensor:
    """-dE/dm of one link, J/m^3: s (m_up - m) + s' (m_down - m) + d x m_up - d' x m_down, primes: the face below."""
    axis, shift, total = link.axis, link.shift, torch.zeros_like(m)
    up, down = moved(m, axis, shift), moved(m, axis, -shift)
    if link.s is not None:
        total = link.s * (up - m) + moved(link.s, axis, -shift) * (down - m)
    for c, d in enumerate(link.d):
        if d is not None:
            below, parts = moved(d, axis, -shift), [torch.zeros_like(m[0])] * 3
            a, b = (c + 1) % 3, (c + 2) % 3  # (d e_c) x v = -d v_b e_a + d v_a e_b
            parts[a] = below * down[b] - d * up[b]
            parts[b] = d * up[a] - below * down[a]
            total = total + torch.stack(parts)
    return total


def _flow_field(m: torch.Tensor, flow: Flow, inside: torch.Tensor | None) -> torch.Tensor:
    """-(m x v) - xi v with v = (u.grad) m, one-sided (halved) differences at the edges."""
    here = torch.ones_like(m[0]) if inside is None else inside.to(m).expand(m.shape[1:])
    v = torch.zeros_like(m)
    for axis, rate in enumerate(flow.rates):
        if m.shape[-1 - axis] > 1:
            up = here * moved(here, axis, 1) * (moved(m, axis, 1) - m)
            down = here * moved(here, axis, -1) * (m - moved(m, axis, -1))
            v = v + rate * (up + down)
    return -torch.linalg.cross(m, v, dim=0) - flow.nonadiabaticity * v


def _space(magnet: Magnet, like: torch.Tensor) -> Space | None:
    """The non-local part of `magnet` for states of the type and device of `like`; None for a macrospin."""
    if magnet.mesh is None:
        return None
    largest, share = reference(double(magnet.material.saturation_magnetization))
    resolved = any(isinstance(term, Demagnetization) and term.couples for term in magnet.fields)
    flows = []
    for torque in (torque for torque in magnet.torques if isinstance(torque, ZhangLi)):
        speeds = zip(torque.velocity(magnet.material), magnet.mesh.spatial_lengths, strict=True)
        x, y, z = ((u * TIME_UNIT / (2 * h)).to(like) for u, h in speeds)
        flows.append(Flow((x, y, z), double(torque.nonadiabaticity).to(like)))
    return Space(
        links=_links(magnet, like),
        per_energy=magnet.rate_per_energy.to(like),
        demag=demag(magnet.mesh, like) if resolved else None,
        share=None if share is None else share.to(like),
        per_share=(magnet.rate_per_field * largest).to(like),
        flows=tuple(flows),
        inside=None if magnet.geometry is None else magnet.geometry.to(like.device),
    )


def _links(magnet: Magnet, like: torch.Tensor) -> tuple[Link, ...]:
    """Those of all terms, added up for each axis and shift."""
    found: dict[tuple[int, int], list[torch.Tensor | None]] = {}
    for link in (link for term in magnet.fields if isinstance(term, LinkTerm) for link in term.links(magnet)):
        parts = found.setdefault((link.axis, link.shift), [None] * 4)
        for k, part in enumerate((link.s, *link.d)):
            one = parts[k]
            parts[k] = part if one is None else one if part is None else one + part
    sums = [(key, [None if part is None else part.to(like) for part in parts]) for key, parts in found.items()]
    return tuple(Link(axis, shift, s, (x, y, z)) for (axis, shift), (s, x, y, z) in sums)


@dataclass(frozen=True)
class RightHandSide:
    """layout: of the rows, which are in the type of the simulation. space: None for macrospins."""

    layout: Layout
    rows: list[torch.Tensor]
    drives: tuple[Drive, ...]
    space: Space | None = None

    def __call__(
        self, m: Components, push: Components | None, waves: torch.Tensor | Sequence[torch.Tensor]
    ) -> Components:
        """rad/ns. push: thermal field as a rate. waves: of every channel, at this instant."""
        if self.space is not None:
            first = len(waves) - len(self.space.flows)
            x, y, z = self.space.field(torch.stack(m), [waves[channel] for channel in range(first, len(waves))])
            push = (x, y, z) if push is None else (push[0] + x, push[1] + y, push[2] + z)
        return llgs(m, push, self.rows, waves, self.layout)

    def at(self, m: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        """The same for a tensor m (3, *batch) with the drives at a time (s) that broadcasts over the batch."""
        values = [drive.waveform(seconds).to(m.dtype) for drive in self.drives]
        rate = self((m[0], m[1], m[2]), None, values)
        return torch.stack(torch.broadcast_tensors(*rate))

    def member_shape(self, m: torch.Tensor) -> torch.Size:
        """Shape of one number per member, broadcasting against m[0]: each macrospin, or each mesh, is one."""
        return m.shape[1:] if self.space is None else torch.Size((*m.shape[1:-3], 1, 1, 1))

    def waves_differ_in_space(self) -> bool:
        """Whether some waveform (not only its amplitude) differs from cell to cell of a mesh."""
        return self.space is not None and any(wave.shape[-3:].numel() > 1 for wave in self._instant())

    def wants_gradient(self, m: torch.Tensor) -> bool:
        """Whether a gradient goes through the state, a parameter or a drive."""
        tensors = [m, *self.rows, *self._instant()]
        if self.space is not None:
            tensors += self.space.parameters()
            tensors += [] if self.space.demag is None else [self.space.demag.kernel]
        return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)

    def require_batch(self, m: torch.Tensor) -> None:
        """Raise InputError where parameters do not broadcast to the state."""
        parts = [*self.rows, *self._instant(), *(self.space.parameters() if self.space is not None else ())]
        try:
            shape = torch.broadcast_shapes(*(part.shape for part in parts))
            fits = torch.broadcast_shapes(shape, m.shape[1:]) == m.shape[1:]
        except RuntimeError as error:
            raise InputError(f"parameters do not broadcast: {error}") from error
        if not fits:
            raise InputError(
                f"parameters have batch shape {tuple(shape)}, the state only {tuple(m.shape[1:])}: expand the state"
            )

    def _instant(self) -> list[torch.Tensor]:
        """Each waveform at one instant: its batch shape, and whether a gradient goes through it."""
        return [drive.waveform(torch.zeros((), dtype=torch.float64)) for drive in self.drives]


def right_hand_side(magnet: Magnet, m: torch.Tensor, temperature: Quantity = 0.0) -> RightHandSide:
    """dm/dt of the magnet for states like m. Raises InputError where parameters do not broadcast to the state."""
    _warn_of_coarse_cells(magnet)
    rhs = replace(reduce_magnet(magnet, temperature), space=_space(magnet, m))
    rhs.require_batch(m)
    return replace(rhs, rows=[row.to(m) for row in rhs.rows])


def reduce_magnet(magnet: Magnet, temperature: Quantity = 0.0) -> RightHandSide:
    """The local part at `temperature` (K): float64, differentiable in every material and geometry parameter."""
    damping = double(magnet.material.damping)
    diagonal = constant = [torch.zeros((), dtype=torch.float64)] * 3
    for field in magnet.fields:
        slope, offset = field.diagonal(magnet), field.constant(magnet)
        diagonal = diagonal if slope is None else [a + b for a, b in zip(diagonal, slope, strict=True)]
        constant = constant if offset is None else [a + b for a, b in zip(constant, offset, strict=True)]
    share = 1 / (1 + damping**2)
    rows, parts = [damping * share, share, _noise_rate(magnet, temperature), *diagonal, *constant], []
    for term in magnet.terms():
        own, driven = term.rows(magnet), term.drive is not None
        if own or driven:
            parts.append((term.formula(magnet), len(own), driven))
            rows += own
    return RightHandSide(tuple(parts), rows, magnet.drives())


def _noise_rate(magnet: Magnet, temperature: Quantity) -> torch.Tensor:
    """Standard deviation of the thermal field as a rate, times the square root of the step: rad / ns^0.5.

    Variance 2 damping kB T / (gamma Ms V dt) of each component of B (W. F. Brown, Phys. Rev. 130, 1677 (1963)).
    """
    require_non_negative("K", temperature=temperature)
    material = magnet.material
    moment = double(material.saturation_magnetization) * double(magnet.cell_volume)
    strength = 2 * double(material.damping) * units.KB * double(temperature)
    variance = strength * material.gamma * TIME_UNIT / moment
    noisy = variance > 0  # the root has no derivative at zero
    return torch.where(noisy, torch.where(noisy, variance, 1.0).sqrt(), 0.0)


def prepared_state(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """m as the solvers take it: checked, 0 outside the geometry.

    Raises InputError: NaN, |m| not 1 within _TOLERANCE where there is material, a shape that is not that of the mesh.
    """
    if magnet.mesh is not None:
        magnet.mesh.require_state(m)
    if magnet.geometry is not None:
        try:
            magnet.geometry.expand(m.shape[1:])
        except RuntimeError as error:
            shapes = f"{tuple(magnet.geometry.shape)}, the state only {tuple(m.shape[1:])}"
            raise InputError(f"the geometry has shape {shapes}: expand the state") from error
    if m.ndim < 1 or m.shape[0] != 3:
        raise InputError(f"a magnetisation must have shape (3, ...), got {tuple(m.shape)}")
    if m.dtype not in (torch.float32, torch.float64):
        raise InputError(f"a magnetisation must be float32 or float64, got {m.dtype}")
    if m.numel() == 0:
        raise InputError(f"the batch is empty: the magnetisation has shape {tuple(m.shape)}")
    length = dot(m.detach(), m.detach()).sqrt()  # norm(dim=0) takes 40 times as long
    if not bool(length.isfinite().all()):
        raise InputError("the magnetisation contains NaN or infinity")
    off = (length - 1).abs()
    worst = float((off if magnet.geometry is None else torch.where(magnet.geometry, off, 0.0)).max())
    if worst > _TOLERANCE:
        raise InputError(f"|m| must be 1, it is off by {worst:.3g}; normalise the state first: m / m.norm(dim=0)")
    return m if magnet.geometry is None else torch.where(magnet.geometry.to(m.device), m, 0.0)


def _warn_of_coarse_cells(magnet: Magnet) -> None:
    """SpinloomWarning for cells longer than half the exchange length: walls and vortices would stick to the grid."""
    length = exchange_length(magnet)
    if magnet.mesh is None or length is None:
        return
    limit = float(length.detach().max()) / 2
    for name, count, size in zip(("dx", "dy", "dz"), magnet.mesh.cells, magnet.mesh.lengths, strict=True):
        cell = float(size.detach().max())
        if count > 1 and limit > 0 and cell > limit * (1 + 1e-9):
            warnings.warn(
                f"{name} = {cell * 1e9:.3g} nm is more than half the exchange length of {2 * limit * 1e9:.3g} nm; "
                "use smaller cells unless the magnetisation varies slowly",
                SpinloomWarning,
                stacklevel=4,
            )
