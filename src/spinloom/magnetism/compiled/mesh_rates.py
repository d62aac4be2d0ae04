"""dm/dt on a mesh, compiled: one pass over the cells for all local terms and neighbours, the stray field by FFT."""

import inspect
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch

from spinloom import threads
from spinloom.kernels import build, digest
from spinloom.magnetism.compiled import mesh_kernels, normals
from spinloom.magnetism.compiled.mesh_source import FlowPlaces, LinkPlaces, Structure, Tables, source
from spinloom.magnetism.engine.right_hand_side import RightHandSide
from spinloom.magnetism.engine.space import Space
from spinloom.magnetism.stray.demag import MOST_CELLS, DenseStray, MeshStray
from spinloom.magnetism.terms.links import ahead

_CHUNKS = 8
"""Pieces of work per call: a few per core, so that none waits long for the other."""
_SMALL = 20_000
"""Cells of all members up to which one core is used: to wake the others would take longer than the work."""


@cache
def _compiled(structure: Structure, parallel: bool) -> Callable[..., None]:
    return build(source(structure, parallel)).rate


@cache
def _kernels(parallel: bool) -> ModuleType:
    if parallel:
        threads.start()
    pieces = f"\n# with {digest(inspect.getsource(normals))}\n"
    return build(inspect.getsource(mesh_kernels).replace("parallel=True", f"parallel={parallel}") + pieces)


class MeshRates:
    """The right-hand side for one batch of meshes. State and rates are flat numpy arrays, see `mesh_kernels.py`.

    like: a state (3, *batch, nz, ny, nx), for its shape and type.
    """

    def __init__(self, rhs: RightHandSide, like: torch.Tensor, thermal: bool) -> None:

        assert rhs.space is not None
        self.batch, self.mesh = like.shape[1:-3], like.shape[-3:]
        self.members, self.per = self.batch.numel(), self.mesh.numel()
        nz, ny, nx = self.mesh
        shifts = [link.shift * (1, nx, nx * ny)[link.axis] for link in rhs.space.links]
        self.pad = max([nx * ny if nz > 1 else nx, *shifts])
        self.cells, self.dtype = self.members * self.per, like.dtype
        self.parallel = self.cells > _SMALL
        self.kernels = _kernels(self.parallel)
        self.share = None if rhs.space.share is None else rhs.space.share.numpy()
        tables = Tables(self.batch, self.mesh, self.pad, like.dtype)
        structure = Structure(
            rhs.layout,
            tuple(tables.add(row) for row in rhs.rows),
            **_space_places(rhs.space, self.mesh, like, tables),
            thermal=thermal,
        )
        self._rate = _compiled(structure, self.parallel)
        self._member, self._site, self._cell = tables.arrays()
        number = self._member.dtype.type
        self.number = number
        self._noise = np.zeros(3 * self.cells if thermal else 1, dtype=number)
        self._none = np.zeros(1, dtype=number)
        self.stray: MeshStray | DenseStray | None = None
        if rhs.space.demag is not None:
            demag = rhs.space.demag
            if self.per <= MOST_CELLS:
                self.stray = DenseStray(demag.mesh, self.batch, like)
            else:
                self.stray = MeshStray(demag, self.batch, like, self.parallel, self.kernels)

    def flat(self, m: torch.Tensor) -> np.ndarray:
        """A padded flat copy of a state."""
        out = np.zeros(3 * self.cells + 2 * self.pad, dtype=self.number)
        out[self.pad : self.pad + 3 * self.cells] = m.detach().reshape(-1).numpy()
        return out

    def state(self, flat: np.ndarray) -> torch.Tensor:
        """The state in a padded flat array, (3, *batch, nz, ny, nx), sharing its memory."""
        inner = flat[self.pad : self.pad + 3 * self.cells]
        return torch.from_numpy(inner).reshape(3, *self.batch, *self.mesh)

    def __call__(self, m: np.ndarray, waves: np.ndarray, out: np.ndarray, noise_scale: float = 0.0) -> None:
        """Write dm/dt (rad/ns, flat) of the state m into out; waves (channels, members)."""
        stray = self._none
        if self.stray is not None:
            inner = m[self.pad : self.pad + 3 * self.cells].reshape(3, *self.batch, *self.mesh)
            inner = inner if self.share is None else inner * self.share
            stray = self.stray(inner.reshape(3, self.members, *self.mesh)).reshape(-1)
        self._rate(
            m,
            stray,
            self._member,
            self._site.reshape(-1),
            self._site.shape[1],
            self._cell.reshape(-1),
            self._cell.shape[1],
            waves,
            self._noise,
            self.number(noise_scale),
            out,
            (self.members, *self.mesh),
            self.pad,
            _CHUNKS if self.parallel else 1,
        )

    def draw(self, words: np.ndarray) -> None:
        """New normals for the thermal field of the coming step."""
        self.kernels.draw_noise(words, self._noise)


def _space_places(space: Space, mesh: torch.Size, like: torch.Tensor, tables) -> dict[str, Any]:  # type: ignore[no-untyped-def]
    """What a `Structure` says of the space."""

    def add(value: torch.Tensor | None):  # type: ignore[no-untyped-def]
        return None if value is None else tables.add(value.to(like))

    links = tuple(
        LinkPlaces(link.axis, link.shift, add(link.s), (add(link.d[0]), add(link.d[1]), add(link.d[2])))
        for link in space.links
    )
    axes = tuple(axis for axis in range(3) if mesh[2 - axis] > 1)
    flows = tuple(
        FlowPlaces((add(f.rates[0]), add(f.rates[1]), add(f.rates[2])), add(f.nonadiabaticity), axes)
        for f in space.flows
    )
    faces = tuple(add(_faces(space, mesh, axis)) if flows and axis in axes else None for axis in range(3))
    per_share = add(space.per_share) if space.demag is not None else None
    per_energy = add(space.per_energy)
    return {"links": links, "per_energy": per_energy, "per_share": per_share, "flows": flows, "faces": faces}


def _faces(space: Space, mesh: torch.Size, axis: int) -> torch.Tensor:
    """1 where a cell and its next neighbour along the axis both hold material."""
    here = torch.ones(mesh) if space.inside is None else space.inside.to(torch.float32)
    return here * ahead(here, axis, 1)
