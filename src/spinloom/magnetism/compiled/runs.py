"""Batches of macrospins, and of meshes, carried through time by compiled loops (numba, which brings its compiler)."""

import inspect
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch

from spinloom import threads
from spinloom.kernels import build
from spinloom.magnetism.compiled import mesh_kernels
from spinloom.magnetism.compiled.pieces import LANES, PIECES, seed_lanes
from spinloom.magnetism.compiled.source import Block, macrospin_loop, mesh_rate
from spinloom.magnetism.drives import Constant
from spinloom.magnetism.engine.rates import Layout, RightHandSide
from spinloom.magnetism.engine.schemes import (
    CORRECTOR,
    MEMORY,
    PREDICTOR,
    SHARE,
    TABLEAUX,
    Controller,
    Piece,
    rate_at_step,
    waves,
)
from spinloom.magnetism.magnet import TIME_UNIT
from spinloom.magnetism.stray.demag import MOST_CELLS, DenseStray, MeshStray

_MOST_WORK = 300_000_000
"""Device-steps in one call of the loop (a fraction of a second to seconds): Ctrl-C is heard between calls."""
_LEAST_WORK = 200_000
"""Device-steps that are worth the start of threads (a fifth of a millisecond)."""
_MOST_WAVES = 20_000_000
"""Elements in one table of drives."""
_CHUNKS = 8
"""Pieces of work per call: a few per core, so that none waits long for the other."""
_SMALL = 20_000
"""Cells of all members up to which one core is used: to wake the others would take longer than the work."""
_TABLE = 64
"""Steps whose drives are evaluated together."""


class CompiledRun:
    """Macrospins by a scheme of fixed step, for cells that do not feel each other. Same interface as `EagerRun`.

    A batch is cut into blocks of lanes. A block keeps state, parameters and generators in one small buffer and runs all
    its steps before the next block starts, so nothing leaves the first-level cache. Blocks are shared among the cores.
    """

    def __init__(self, method: str, rhs: RightHandSide, like: torch.Tensor, source: torch.Generator | None) -> None:
        self.method, self.rhs, self.batch = method, rhs, like.shape[1:]
        known = tuple((k, value) for k, row in enumerate(rhs.rows) for value in (0.0, 1.0) if (row == value).all())
        needed = {method, "rk4"} if MEMORY[method] else {method}  # Runge-Kutta starts a multistep scheme
        self.loops = {name: compiled(rhs.layout, name, source is not None, known) for name in needed}
        lanes = self.batch.numel()
        rows = [row.detach().broadcast_to(self.batch).reshape(lanes).numpy() for row in rhs.rows]
        self.rows, self.dtype = np.stack(rows), like.dtype  # PyTorch's threads would spin on for milliseconds
        self.memory = np.zeros((3 * MEMORY[method], lanes), dtype=self.rows.dtype)
        self.words = np.empty((4, 0), dtype=np.uint32) if source is None else seed_lanes(lanes, source)
        instant = torch.full((1, *[1] * len(self.batch)), TIME_UNIT, dtype=torch.float64)
        self.per_lane = any(drive.waveform(instant).numel() > 1 for drive in rhs.drives)

    def __call__(self, piece: Piece, m: torch.Tensor, records: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States at `records` even instants of the piece (records, 3, *batch) and the largest abs(|m|^2 - 1)."""
        lanes, first = self.batch.numel(), 0
        state = m.detach().reshape(3, lanes).contiguous().numpy().copy()
        out = np.empty((records, 3, lanes), dtype=state.dtype)
        drift = np.zeros((1, lanes), dtype=state.dtype)
        while first < piece.steps:
            steps, method = max(1, min(piece.steps - first, _MOST_WORK // lanes)), self.method
            if method == "abm3" and first < 2:
                steps, method, start = 1, "rk4", torch.from_numpy(state).reshape(3, *self.batch)
                rate = torch.stack(rate_at_step(self.rhs, piece, first, start)).reshape(3, lanes)
                self.memory = np.concatenate([rate.numpy(), self.memory[:3]])
            if self.per_lane:
                steps = max(1, min(steps, _MOST_WAVES // (2 * lanes * len(self.rhs.drives))))
            table = waves(self.rhs.drives, piece, first, steps, self.batch)
            table = table.reshape(*table.shape[:2], lanes if self.per_lane else 1).to(self.dtype)
            steady = bool((table == table[:1]).all())  # to write drives that do not change costs more than a step
            memory, step = self.memory[: 3 * MEMORY[method]], state.dtype.type(piece.step)
            inputs = (state, self.rows, memory, self.words, table.numpy(), steady, step, first, steps)
            numbers = np.array(self.loops[method].NUMBERS, dtype=state.dtype)
            outputs = (piece.steps // records, out, drift, numbers)
            blocks, alone = -(-lanes // LANES), lanes * steps <= _LEAST_WORK
            threads.share(self.loops[method].loop, inputs + outputs, blocks, alone)
            first += steps
        return torch.from_numpy(out.reshape(records, 3, *self.batch)), torch.from_numpy(drift).max()


@cache
def compiled(layout: Layout, method: str, thermal: bool, known: tuple[Any, ...]) -> ModuleType:
    """`loop` for this structure and its NUMBERS, compiled at its first call (seconds), kept on disk for the next one.

    known: parameter rows that are 0 or 1 for the whole batch; their arithmetic vanishes from the loop.

    Call as loop(m, rows, memory, state, waves, steady, h, before, steps, every, out, drift, numbers, start, end):
    m (3, n), rows (rows, n), memory (3 k, n), out (records, 3, n), drift (1, n) of one float type, state (4, n) uint32,
    waves (2 steps + 1, channels, 1 or n) with the drives at every half step (steady: all alike), h a scalar of that
    type (ns).
    `before` steps are done already; after each `every`-th the state goes to its place in out.
    m, memory, state, out and drift (largest abs(|m|^2 - 1) before renormalisation) are written in place, in the blocks
    start..end of `LANES` lanes. numbers: NUMBERS in the type of m, given because a compiler that knows them rounds
    otherwise (h / 6 becomes h times a rounded sixth).
    """
    return build(macrospin_loop(layout, method, thermal, known))


@cache
def _kernels(parallel: bool) -> ModuleType:
    if parallel:
        threads.start()
    text = inspect.getsource(mesh_kernels).replace("parallel=True", f"parallel={parallel}")
    return build(f"{text}\n# with {PIECES}\n")


class MeshRates:
    """The right-hand side for one batch of meshes. State and rates are flat numpy arrays, see `mesh_kernels.py`.

    like: a state (3, *batch, nz, ny, nx), for its shape and type.
    """

    def __init__(self, rhs: RightHandSide, like: torch.Tensor, thermal: bool) -> None:
        space = rhs.space
        assert space is not None
        self.batch, self.mesh = like.shape[1:-3], like.shape[-3:]
        self.members, self.per = self.batch.numel(), self.mesh.numel()
        nz, ny, nx = self.mesh
        shifts = [link.shift * (1, nx, nx * ny)[link.axis] for link in space.links]
        self.pad = max([nx * ny if nz > 1 else nx, *shifts])
        self.cells, self.dtype = self.members * self.per, like.dtype
        self.parallel = self.cells > _SMALL
        self.kernels = _kernels(self.parallel)
        self.share = None if space.share is None else space.share.numpy()
        block = Block(self.batch, self.mesh, like.dtype)
        self._rate = build(mesh_rate(block, rhs, thermal, self.parallel)).rate
        member, site, cell = block.table("member", 0), block.table("site", self.pad), block.table("cell", self.pad)
        self._tables = member, site.reshape(-1), site.shape[1], cell.reshape(-1), cell.shape[1]
        self.number = member.dtype.type
        self.noise = np.zeros(3 * self.cells if thermal else 1, dtype=self.number)
        self._none = np.zeros(1, dtype=self.number)
        self.stray: MeshStray | DenseStray | None = None
        if space.demag is not None and self.per <= MOST_CELLS:
            self.stray = DenseStray(space.demag, self.batch, like)
        elif space.demag is not None:
            self.stray = MeshStray(space.demag, self.batch, like, self.parallel, self.kernels)

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
        noise, shape = (self.noise, self.number(noise_scale)), (self.members, *self.mesh)
        parts = _CHUNKS if self.parallel else 1
        self._rate(m, stray, *self._tables, waves, *noise, out, shape, self.pad, parts)


class MeshRun:
    """Runs pieces of time, same interface as `EagerRun`."""

    def __init__(self, method: str, rhs: RightHandSide, like: torch.Tensor, source: torch.Generator | None) -> None:
        self.method, self.rhs = method, rhs
        self.rates = r = MeshRates(rhs, like, source is not None)
        self.tableau, self.kernels = TABLEAUX["rk4" if method == "abm3" else method], r.kernels
        self.memory: list[np.ndarray] = []
        self.k = np.zeros((len(self.tableau.nodes) + bool(self.tableau.error), 3 * r.cells), dtype=r.number)
        self.y = np.zeros(3 * r.cells + 2 * r.pad, dtype=r.number)
        self.good = np.ones(r.members, dtype=np.bool_)
        parts = -(-r.per // r.kernels.BLOCK)
        self.drift = np.zeros(r.members * parts, dtype=r.number)
        self.worst = np.zeros(3 * r.members * parts, dtype=r.number)
        self.steady = all(isinstance(drive, Constant) for drive in rhs.drives)
        self.ones = np.ones((max(1, len(rhs.drives)), r.members), dtype=r.number)
        self.words = seed_lanes(r.cells, source) if source is not None else None

    def __call__(self, piece: Piece, m: torch.Tensor, records: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States at `records` even instants of the piece (records, 3, *batch, ...) and the largest abs(|m|^2 - 1)."""
        flat, kept, drift = self.rates.flat(m), [], 0.0
        every, h = piece.steps // records, np.full(self.rates.members, piece.step)
        for step in range(piece.steps):
            if step % _TABLE == 0:
                ahead = min(_TABLE, piece.steps - step)
                tables = self._waves(waves(self.rhs.drives, piece, step, ahead, self.rhs.member_shape(m)))
            table = tables[2 * (step % _TABLE) :]
            if self.method == "abm3" and step >= 2:
                self._multistep(flat, table, h)
            else:
                self._single(flat, table, h, step)
            self.kernels.accept(self.y, flat, self.good, self.rates.pad, self.rates.per, self.drift)
            drift = np.maximum(drift, self.drift.max())  # NaN stays
            if not drift <= 1:
                break  # blown up: the caller says so
            if (step + 1) % every == 0:
                kept.append(self.rates.state(flat).clone())
        if not kept:
            kept = [torch.full_like(m, torch.nan)]
        return torch.stack(kept), torch.tensor(drift)

    def rate(self, m: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        """See `EagerRun.rate`."""
        out = torch.empty(3 * self.rates.cells, dtype=m.dtype)
        self.rates(self.rates.flat(m), self._instant(seconds), out.numpy())
        return out.reshape(m.shape)

    def integrate(
        self, m: torch.Tensor, start: float, end: float, first_step: torch.Tensor, tolerance: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `EagerRun.integrate`."""
        r, tableau = self.rates, self.tableau
        path = tableau.path
        flat, first = r.flat(m), first_step.reshape(-1).numpy().astype(np.float64)
        control = Controller(start, end, first, tolerance, tableau.order, np)

        def at(t: np.ndarray) -> np.ndarray:
            return self._instant(torch.from_numpy(control.seconds(t)).reshape(*r.batch, 1, 1, 1))

        r(flat, at(control.t), self.k[0])
        while (step := control.propose()) is not None:
            for stage, (node, weights) in enumerate(path, 1):
                self._combine(flat, weights, step)
                r(self.y, at(control.t + node * step), self.k[stage])
            weights = (np.asarray(tableau.error)[:, None] * step).astype(r.number)
            self.kernels.errors(self.k, weights, len(weights), r.per, self.worst)
            self.good = control.judge(self.worst.reshape(3, r.members, -1).max((0, 2)).astype(np.float64))
            self.kernels.accept(self.y, flat, self.good, r.pad, r.per, self.drift)
            if self.good.all():  # the rate at the end of an accepted step is the first of the next one
                self.k[[0, -1]] = self.k[[-1, 0]]
            else:
                before, last = (k.reshape(3, r.members, -1) for k in (self.k[0], self.k[-1]))
                before[:, self.good] = last[:, self.good]
        h, accepted = (torch.from_numpy(x.copy()).reshape(first_step.shape) for x in (control.h, control.accepted))
        return r.state(flat).clone(), h, accepted

    def _single(self, flat: np.ndarray, table: np.ndarray, h: np.ndarray, step: int) -> None:
        """One step of a one-step scheme (or the start of the multistep one)."""
        r, tableau, scale = self.rates, self.tableau, 1 / float(h[0]) ** 0.5
        if self.words is not None:
            r.kernels.draw_noise(self.words, r.noise)
        for stage, node in enumerate(tableau.nodes):
            if stage:
                self._combine(flat, tableau.weights[stage], h)
            r(self.y if stage else flat, table[int(2 * node)], self.k[stage], scale)
            if self.method == "abm3" and stage == 0:
                self.memory = [self.k[0].copy(), *(self.memory[:1] if step else [])]
        self._combine(flat, tableau.path[-1][1], h)

    def _multistep(self, flat: np.ndarray, table: np.ndarray, h: np.ndarray) -> None:
        """One step of abm3, see `schemes.py`."""
        r = self.rates
        self.k[1], self.k[2] = self.memory
        r(flat, table[0], self.k[0])
        self._combine(flat, np.array(PREDICTOR) / SHARE, h)
        r(self.y, table[2], self.k[3])
        ahead, now, before = CORRECTOR
        self._combine(flat, np.array([now, before, 0.0, ahead]) / SHARE, h)
        self.memory = [self.k[0].copy(), self.memory[0]]

    def _combine(self, flat: np.ndarray, weights: Any, step: np.ndarray) -> None:
        """y = state + sum_j weights[j] step k[j]; step: ns, of each member."""
        r, each = self.rates, np.asarray(weights)[:, None] * step
        self.kernels.combine(flat, self.k, each.astype(r.number), len(each), self.y, r.pad, r.per)

    def _instant(self, seconds: torch.Tensor) -> np.ndarray:
        """The drives at times (s) that broadcast over (*batch, 1, 1, 1)."""
        if self.steady:
            return self.ones
        shape = (*self.rates.batch, 1, 1, 1)
        return self._waves(torch.stack([drive.waveform(seconds).expand(shape) for drive in self.rhs.drives]))

    def _waves(self, table: torch.Tensor) -> np.ndarray:
        """(..., channels, *batch, 1, 1, 1) or with 1s to (..., channels, members)."""
        batch = self.rates.batch
        table = table.expand(*table.shape[: -3 - len(batch)], *batch, 1, 1, 1)
        return table.reshape(*table.shape[: -3 - len(batch)], self.rates.members).to(self.rates.dtype).numpy()
