"""Macrospins in the compiled hot loop: fixed-step schemes for batches of cells that do not feel each other.

A batch is cut into blocks of lanes. A block keeps state, parameters and generators in one small buffer and runs all its
steps before the next block starts, so nothing leaves the first-level cache; the innermost loop runs over lanes and is
vectorised. Blocks are shared among the cores. The body is traced from `schemes.py` and `rates.py` (see `trace.py`) and
compiled by numba, which brings its own compiler.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch

from spinloom import threads
from spinloom.kernels import build
from spinloom.magnetism.compiled.pieces import LANES, PIECES, seed_lanes
from spinloom.magnetism.compiled.trace import Symbol, Trace
from spinloom.magnetism.engine.rates import By, Layout, RightHandSide, llgs
from spinloom.magnetism.engine.schemes import MEMORY, STEPS, Piece, waves
from spinloom.magnetism.magnet import TIME_UNIT

_MOST_WORK = 300_000_000
"""Device-steps in one call of the loop (a fraction of a second to seconds): Ctrl-C is heard between calls."""
_MOST_WAVES = 20_000_000
"""Elements in one table of drives."""

Known = tuple[tuple[int, float], ...]

# Rows of a block's buffer: state (3), drift, noise (4), memory (3 each), parameters, drives of the three stages.
_DRIFT, _NOISE, _MEMORY = 3, 4, 8


class CompiledRun:
    """Runs pieces of time in the compiled loop. Same interface as `EagerRun`."""

    def __init__(self, method: str, rhs: RightHandSide, like: torch.Tensor, source: torch.Generator | None) -> None:
        self.method, self.rhs, self.batch = method, rhs, like.shape[1:]
        known = tuple(
            (index, value) for index, row in enumerate(rhs.rows) for value in (0.0, 1.0) if (row == value).all()
        )
        needed = {method, "rk4"} if MEMORY[method] else {method}  # Runge-Kutta starts a multistep scheme
        self.loops = {name: compiled(rhs.layout, name, source is not None, known) for name in needed}
        lanes = self.batch.numel()
        rows = torch.stack([row.detach().broadcast_to(self.batch).reshape(lanes) for row in rhs.rows])
        self.rows, self.dtype = rows.numpy(), rows.dtype
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
        written = (piece.steps // records, out, drift)
        while self.method == "abm3" and first < min(2, piece.steps):
            m = torch.from_numpy(state).reshape(3, *self.batch)  # the rate at a step that Runge-Kutta does is kept
            table = waves(self.rhs.drives, piece, first, 1, self.batch).to(m)
            rate = torch.stack(torch.broadcast_tensors(*self.rhs((m[0], m[1], m[2]), None, table[0])))
            self.memory = np.concatenate([rate.reshape(3, lanes).numpy(), self.memory[:3]])
            first += self._advance("rk4", piece, first, 1, state, *written)
        while first < piece.steps:
            first += self._advance(self.method, piece, first, piece.steps - first, state, *written)
        return torch.from_numpy(out.reshape(records, 3, *self.batch)), torch.from_numpy(drift).max()

    def _advance(self, method: str, piece: Piece, first: int, steps: int, m: np.ndarray, *written: Any) -> int:
        """Some steps of the piece, in place; returns how many. written: every, out and drift of the loop."""
        lanes = m.shape[1]
        steps = max(1, min(steps, _MOST_WORK // lanes))
        if self.per_lane:
            steps = max(1, min(steps, _MOST_WAVES // (2 * lanes * len(self.rhs.drives))))
        table = waves(self.rhs.drives, piece, first, steps, self.batch)
        table = table.reshape(*table.shape[:2], lanes if self.per_lane else 1).to(self.dtype)
        steady = bool((table == table[:1]).all())  # to write drives that do not change costs more than a step
        memory = self.memory if method == self.method else self.memory[:0]
        step, words = m.dtype.type(piece.step), self.words
        self.loops[method](m, self.rows, memory, words, table.numpy(), steady, step, first, steps, *written)
        return steps


@cache
def compiled(layout: Layout, method: str, thermal: bool, known: Known = ()) -> Callable[..., None]:
    """The loop for this structure, compiled at its first call (seconds) and kept on disk for the next process.

    known: parameter rows that are 0 or 1 for the whole batch; their arithmetic vanishes from the loop.

    Call as loop(m, rows, memory, state, waves, steady, h, before, steps, every, out, drift):
    m (3, n), rows (rows, n), memory (3 k, n), out (records, 3, n), drift (1, n) of one float type, state (4, n) uint32,
    waves (2 steps + 1, channels, 1 or n) with the drives at every half step (steady: all alike), h a scalar of that
    type (ns).
    `before` steps are done already; after each `every`-th the state goes to its place in out.
    m, memory, state, out and drift (largest abs(|m|^2 - 1) before renormalisation) are written in place.
    """
    threads.start()
    return build(_source(layout, method, thermal, known)).loop


def _source(layout: Layout, method: str, thermal: bool, known: Known) -> str:
    """Text of the loop for this structure."""
    memory = MEMORY[method]
    parameters = _MEMORY + 3 * memory
    drives = parameters + layout.rows
    trace = Trace()
    cell = By(lambda row: trace.load(f"b[{row * LANES} + i]"))
    fixed = dict(known)
    rows = By(lambda row: fixed[row] if row in fixed else cell[parameters + row])
    h = Symbol("h", trace)
    state = (cell[0], cell[1], cell[2])
    push = None
    if thermal:
        scale = rows[2] * Symbol("noise_scale", trace)
        push = (scale * cell[_NOISE], scale * cell[_NOISE + 1], scale * cell[_NOISE + 2])

    def rate(m, stage):  # type: ignore[no-untyped-def]
        start = drives + stage * layout.channels
        return llgs(m, push, rows, By(lambda channel: cell[start + channel]), layout)

    carried = tuple(tuple(cell[_MEMORY + 3 * k + axis] for axis in range(3)) for k in range(memory))
    new, carried = STEPS[method](rate, state, h, carried)
    keep = [(_MEMORY + 3 * k + axis, value) for k, rates in enumerate(carried) for axis, value in enumerate(rates)]
    square = new[0] * new[0] + new[1] * new[1] + new[2] * new[2]
    body = [
        *trace.lines,
        f"off = abs({square.name} - one)",
        f"worst = b[{_DRIFT * LANES} + i]",
        f"b[{_DRIFT * LANES} + i] = worst if worst > off else off",  # a NaN goes through
        f"inverse = one / np.sqrt({square.name})",
        *(f"b[{axis * LANES} + i] = {new[axis].name} * inverse" for axis in range(3)),
        *(f"b[{row * LANES} + i] = {trace.text(value)}" for row, value in keep),
    ]
    return _TEMPLATE.format(
        lanes=LANES,
        pieces=PIECES,
        size=(drives + 3 * layout.channels) * LANES,
        constants="\n".join(f"    {name} = number({value!r})" for value, name in trace.constants.items()),
        thermal=thermal,
        parameters=parameters,
        drives=drives,
        body="\n".join(" " * 16 + line for line in body),
    )


_TEMPLATE = '''"""Written by spinloom.magnetism.compiled.batch (pieces {pieces}); made anew when missing."""

import numpy as np
from numba import njit, prange

from spinloom.magnetism.compiled.pieces import FAST, fill_noise, load, load_waves, store


@njit(fastmath=FAST, parallel=True, cache=True, error_model="numpy")
def loop(m, rows, memory, state, waves, steady, h, before, steps, every, out, drift):
    number = m.dtype.type
    one = number(1)
    noise_scale = one / np.sqrt(h)
{constants}
    for block in prange((m.shape[1] + {lanes} - 1) // {lanes}):
        first = block * {lanes}
        lanes = min({lanes}, m.shape[1] - first)
        b = np.zeros({size}, dtype=m.dtype)
        words = np.empty(4 * {lanes}, dtype=np.uint32)
        load(m, first, lanes, b, 0)
        load(drift, first, lanes, b, 3)
        load(memory, first, lanes, b, 8)
        load(rows, first, lanes, b, {parameters})
        if {thermal}:
            load(state, first, lanes, words, 0)
        for step in range(steps):
            for stage in range(3 if step == 0 or not steady else 0):
                load_waves(waves, 2 * step + stage, stage, first, lanes, b, {drives})
            if {thermal}:
                fill_noise(words, lanes, b, 4)
            for i in range(lanes):
{body}
            done = before + step + 1
            if done % every == 0:
                store(b, 0, out[done // every - 1], first, lanes)
        store(b, 0, m, first, lanes)
        store(b, 3, drift, first, lanes)
        store(b, 8, memory, first, lanes)
        if {thermal}:
            store(words, 0, state, first, lanes)
'''
