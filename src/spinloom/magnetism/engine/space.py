"""What the cells of a mesh do to each other, in the solver's units: neighbours, stray field, flowing spins.

This is the plain form on torch tensors: differentiable, on any device. The compiled engine (`mesh_kernels.py`) reads
the same tables.
"""

from dataclasses import dataclass

import torch

from spinloom.magnetism.drives import double
from spinloom.magnetism.magnet import TIME_UNIT, Components, Magnet
from spinloom.magnetism.stray.demag import Demag, demag, reference
from spinloom.magnetism.terms.demagnetization import Demagnetization
from spinloom.magnetism.terms.links import Link, LinkTerm, ahead, behind
from spinloom.magnetism.terms.zhang_li import ZhangLi

Parts = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]


@dataclass(frozen=True)
class Flow:
    """A Zhang-Li torque: u / (2 h) along x, y, z in 1/ns per unit of its waveform, and xi."""

    rates: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
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

    def field(self, m: torch.Tensor, waves: list[torch.Tensor] | torch.Tensor) -> Components:
        """What it adds to W (`rates.llgs`), rad/ns; m (3, *batch, nz, ny, nx), waves of the flows only."""
        total = torch.zeros_like(m)
        for link in self.links:
            total = total + link_field(m, ahead(m, link.axis, link.shift), behind(m, link.axis, link.shift), link)
        total = total * self.per_energy
        if self.demag is not None:
            total = total + self.per_share * self.demag(m if self.share is None else self.share * m)
        for flow, wave in zip(self.flows, waves, strict=True):
            total = total + wave * flow_field(m, flow, self.inside)
        return total[0], total[1], total[2]


def link_field(m: torch.Tensor, up: torch.Tensor, down: torch.Tensor, link: Link) -> torch.Tensor:
    """-dE/dm of one link, J/m^3: s (m_up - m) + s' (m_down - m) + d x m_up - d' x m_down, primes: the face below."""
    total = torch.zeros_like(m)
    if link.s is not None:
        total = link.s * (up - m) + behind(link.s, link.axis, link.shift) * (down - m)
    for c, d in enumerate(link.d):
        if d is None:
            continue
        below = behind(d, link.axis, link.shift)
        a, b = (c + 1) % 3, (c + 2) % 3  # (d e_c) x v = -d v_b e_a + d v_a e_b
        parts = [torch.zeros_like(m[0])] * 3
        parts[a] = below * down[b] - d * up[b]
        parts[b] = d * up[a] - below * down[a]
        total = total + torch.stack(parts)
    return total


def flow_field(m: torch.Tensor, flow: Flow, inside: torch.Tensor | None) -> torch.Tensor:
    """-(m x v) - xi v with v = (u.grad) m, one-sided (halved) differences at the edges."""
    here = torch.ones_like(m[0]) if inside is None else inside.to(m).expand(m.shape[1:])
    v = torch.zeros_like(m)
    for axis, rate in enumerate(flow.rates):
        if m.shape[-1 - axis] > 1:
            up = here * ahead(here, axis, 1) * (ahead(m, axis, 1) - m)
            down = here * behind(here, axis, 1) * (m - behind(m, axis, 1))
            v = v + rate * (up + down)
    return -torch.linalg.cross(m, v, dim=0) - flow.nonadiabaticity * v


def space_of(magnet: Magnet, like: torch.Tensor) -> Space | None:
    """The non-local part of `magnet` for states of the type and device of `like`; None for a macrospin."""
    if magnet.mesh is None:
        return None
    largest, share = reference(double(magnet.material.saturation_magnetization))
    resolved = any(isinstance(term, Demagnetization) and term.shape is None for term in magnet.fields)
    halves = [2 * h for h in magnet.mesh.spatial_lengths]
    flows = []
    for torque in (torque for torque in magnet.torques if isinstance(torque, ZhangLi)):
        x, y, z = (u * TIME_UNIT / h for u, h in zip(torque.velocity(magnet.material), halves, strict=True))
        flows.append(Flow((x.to(like), y.to(like), z.to(like)), double(torque.nonadiabaticity).to(like)))
    return Space(
        links=tuple(_converted(link, like) for link in merged_links(magnet)),
        per_energy=magnet.rate_per_energy.to(like),
        demag=demag(magnet.mesh, like) if resolved else None,
        share=None if share is None else share.to(like),
        per_share=(magnet.rate_per_field * largest).to(like),
        flows=tuple(flows),
        inside=None if magnet.geometry is None else magnet.geometry.to(like.device),
    )


def _converted(link: Link, like: torch.Tensor) -> Link:
    x, y, z = (None if d is None else d.to(like) for d in link.d)
    return Link(link.axis, link.shift, None if link.s is None else link.s.to(like), (x, y, z))


def merged_links(magnet: Magnet) -> tuple[Link, ...]:
    """The links of all terms, one for each axis and shift."""
    found: dict[tuple[int, int], Link] = {}
    for term in magnet.fields:
        if isinstance(term, LinkTerm):
            for link in term.links(magnet):
                key = (link.axis, link.shift)
                found[key] = _merged(found[key], link) if key in found else link
    return tuple(found.values())


def _merged(one: Link, two: Link) -> Link:
    x, y, z = (_sum(a, b) for a, b in zip(one.d, two.d, strict=True))
    return Link(one.axis, one.shift, _sum(one.s, two.s), (x, y, z))


def _sum(a: torch.Tensor | None, b: torch.Tensor | None) -> torch.Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
