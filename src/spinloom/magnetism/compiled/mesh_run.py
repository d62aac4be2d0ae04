"""Carries batches of meshes through time with the compiled right-hand side."""

import numpy as np
import torch

from spinloom.magnetism.compiled.mesh_rates import MeshRates
from spinloom.magnetism.compiled.pieces import seed_lanes
from spinloom.magnetism.drives import Constant
from spinloom.magnetism.engine.rates import RightHandSide
from spinloom.magnetism.engine.schemes import CORRECTOR, PREDICTOR, SHARE, TABLEAUX, Controller, Piece, waves

_TABLE = 64
"""Steps whose drives are evaluated together."""


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
        every = piece.steps // records
        for step in range(piece.steps):
            if step % _TABLE == 0:
                ahead = min(_TABLE, piece.steps - step)
                tables = self._waves(waves(self.rhs.drives, piece, step, ahead, self.rhs.member_shape(m)))
            table = tables[2 * (step % _TABLE) :]
            if self.method == "abm3" and step >= 2:
                self._multistep(flat, table, piece.step)
            else:
                self._single(flat, table, piece.step, step)
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
        path = list(zip((*tableau.nodes[1:], 1.0), map(np.asarray, tableau.stages[1:]), strict=True))
        flat, first = r.flat(m), first_step.reshape(-1).numpy().astype(np.float64)
        control = Controller(start, end, first, tolerance, tableau.order, np)

        def at(t: np.ndarray) -> np.ndarray:
            return self._instant(torch.from_numpy(control.seconds(t)).reshape(*r.batch, 1, 1, 1))

        r(flat, at(control.t), self.k[0])
        while (step := control.propose()) is not None:
            for stage, (node, weights) in enumerate(path, 1):
                self._combine(flat, weights[:, None] * step)
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

    def _single(self, flat: np.ndarray, table: np.ndarray, h: float, step: int) -> None:
        """One step of a one-step scheme (or the start of the multistep one)."""
        r, tableau, scale = self.rates, self.tableau, 1 / h**0.5
        if self.words is not None:
            r.draw(self.words)
        for stage, node in enumerate(tableau.nodes):
            if stage:
                self._combine(flat, np.asarray(tableau.weights[stage])[:, None] * np.full(r.members, h))
            r(self.y if stage else flat, table[int(2 * node)], self.k[stage], scale)
            if self.method == "abm3" and stage == 0:
                self.memory = [self.k[0].copy(), *(self.memory[:1] if step else [])]
        self._combine(flat, np.asarray(tableau.stages[-1])[:, None] * np.full(r.members, h))
        self.kernels.accept(self.y, flat, self.good, r.pad, r.per, self.drift)

    def _multistep(self, flat: np.ndarray, table: np.ndarray, h: float) -> None:
        """One step of abm3, see `schemes.py`."""
        r, hs = self.rates, np.full(self.rates.members, h)
        self.k[1], self.k[2] = self.memory
        r(flat, table[0], self.k[0])
        self._combine(flat, np.array(PREDICTOR)[:, None] / SHARE * hs)
        r(self.y, table[2], self.k[3])
        ahead, now, before = CORRECTOR
        self._combine(flat, np.array([now, before, 0.0, ahead])[:, None] / SHARE * hs)
        self.memory = [self.k[0].copy(), self.memory[0]]
        self.kernels.accept(self.y, flat, self.good, r.pad, r.per, self.drift)

    def _combine(self, flat: np.ndarray, weights: np.ndarray) -> None:
        r = self.rates
        self.kernels.combine(flat, self.k, weights.astype(r.number), len(weights), self.y, r.pad, r.per)

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
