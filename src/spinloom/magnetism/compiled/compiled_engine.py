"""Carries tensors into the compiled loop and back."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from spinloom.magnetism.drives import Drive
from spinloom.magnetism.engine.rates import Reduced, llgs
from spinloom.magnetism.engine.schedule import Piece, waves
from spinloom.magnetism.magnet import TIME_UNIT

_MOST_WORK = 300_000_000
"""Device-steps in one call of the loop (a fraction of a second to seconds): Ctrl-C is heard between calls."""
_MOST_WAVES = 20_000_000
"""Elements in one table of drives."""


@cache
def available() -> bool:
    """Whether numba can be used here."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


class CompiledRun:
    """Runs pieces of time in the compiled loop. Same interface as `EagerRun`."""

    def __init__(
        self,
        method: str,
        reduced: Reduced,
        drives: Sequence[Drive],
        batch: torch.Size,
        source: torch.Generator | None,
    ) -> None:
        from spinloom.magnetism.compiled import fused, normals

        self.method, self.reduced, self.drives, self.batch = method, reduced, drives, batch
        known = tuple(
            (index, value) for index, row in enumerate(reduced.rows) for value in (0.0, 1.0) if (row == value).all()
        )
        thermal = source is not None
        needed = {method, "rk4"} if fused.MEMORY[method] else {method}  # Runge-Kutta starts a multistep scheme
        self.loops = {name: fused.compiled(reduced.layout, name, thermal, known) for name in needed}
        lanes = batch.numel()
        rows = torch.stack([row.detach().broadcast_to(batch).reshape(lanes) for row in reduced.rows])
        self.rows, self.dtype = rows.numpy(), rows.dtype
        self.memory = np.zeros((3 * fused.MEMORY[method], lanes), dtype=self.rows.dtype)
        self.words = np.empty((4, 0), dtype=np.uint32) if source is None else normals.seed_lanes(lanes, source)
        instant = torch.full((1, *[1] * len(batch)), TIME_UNIT, dtype=torch.float64)
        self.per_lane = any(drive.waveform(instant).numel() > 1 for drive in drives)

    def __call__(self, piece: Piece, m: torch.Tensor, records: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States at `records` even instants of the piece (records, 3, *batch) and the largest abs(|m|^2 - 1)."""
        lanes = self.batch.numel()
        state = m.detach().reshape(3, lanes).contiguous().numpy().copy()
        out = np.empty((records, 3, lanes), dtype=state.dtype)
        drift = np.zeros((1, lanes), dtype=state.dtype)
        every = piece.steps // records
        first = self._start(piece, state, every, out, drift) if self.method == "abm3" else 0
        while first < piece.steps:
            first += self._advance(self.method, piece, first, piece.steps - first, state, every, out, drift)
        return torch.from_numpy(out.reshape(records, 3, *self.batch)), torch.from_numpy(drift).max()

    def _start(self, piece: Piece, state: np.ndarray, every: int, out: np.ndarray, drift: np.ndarray) -> int:
        """The first two steps of a multistep scheme, by Runge-Kutta; their rates fill the memory."""
        first = 0
        while first < min(2, piece.steps):
            table = waves(self.drives, piece, first, 1, self.batch).to(torch.from_numpy(state))
            flat = table[0].expand(-1, *self.batch).reshape(table.shape[1], -1)
            rows = torch.from_numpy(self.rows)
            m = torch.from_numpy(state)
            rate = llgs((m[0], m[1], m[2]), None, rows, flat, self.reduced.layout)
            self.memory[3:] = self.memory[:3]
            self.memory[:3] = torch.stack(torch.broadcast_tensors(*rate)).numpy()
            first += self._advance("rk4", piece, first, 1, state, every, out, drift)
        return first

    def _advance(
        self,
        method: str,
        piece: Piece,
        first: int,
        steps: int,
        state: np.ndarray,
        every: int,
        out: np.ndarray,
        drift: np.ndarray,
    ) -> int:
        """Some steps of the piece, in place; returns how many."""
        lanes = state.shape[1]
        steps = max(1, min(steps, _MOST_WORK // lanes))
        if self.per_lane:
            steps = max(1, min(steps, _MOST_WAVES // (2 * lanes * len(self.drives))))
        table = waves(self.drives, piece, first, steps, self.batch)
        table = table.reshape(*table.shape[:2], lanes if self.per_lane else 1).to(self.dtype)
        steady = bool((table == table[:1]).all())  # to write drives that do not change costs more than a step
        number = state.dtype.type
        memory = self.memory if method == self.method else self.memory[:0]
        self.loops[method](
            state,
            self.rows,
            memory,
            self.words,
            table.numpy(),
            steady,
            number(piece.step),
            first,
            steps,
            every,
            out,
            drift,
        )
        return steps
