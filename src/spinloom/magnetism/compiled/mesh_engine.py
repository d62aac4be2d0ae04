"""Carries batches of meshes through time with the compiled right-hand side."""

from collections.abc import Callable

import numpy as np
import torch

from spinloom.errors import PhysicsError
from spinloom.magnetism.compiled.mesh_rates import MeshRates
from spinloom.magnetism.drives import Constant
from spinloom.magnetism.engine.adaptive import MOST_STEPS, TABLEAUX, Tableau
from spinloom.magnetism.engine.right_hand_side import RightHandSide
from spinloom.magnetism.engine.schedule import Piece, waves
from spinloom.magnetism.magnet import TIME_UNIT

_TABLE = 64
"""Steps whose drives are evaluated together."""
FIXED = {
    "heun": Tableau(nodes=(0.0, 1.0), weights=((), (1.0,), (1 / 2, 1 / 2)), error=(), order=2),
    "rk4": Tableau(
        nodes=(0.0, 1 / 2, 1 / 2, 1.0),
        weights=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
        error=(),
        order=4,
    ),
}
"""Schemes of `steps.py` as tableaux; the last weights give the result."""


class MeshRun:
    """Runs pieces of time, same interface as `EagerRun`; `integrate` is `adaptive.integrate` compiled."""

    def __init__(self, method: str, rhs: RightHandSide, like: torch.Tensor, source: torch.Generator | None) -> None:
        from spinloom.magnetism.compiled import normals

        self.method, self.rhs, self.thermal = method, rhs, source is not None
        self.rates = MeshRates(rhs, like, self.thermal)
        self.kernels = self.rates.kernels
        stages = 4 if method == "abm3" else len((FIXED | TABLEAUX)[method].nodes)
        r = self.rates
        self.memory: list[np.ndarray] = []
        self.k = np.zeros((stages, 3 * r.cells), dtype=r.number)
        self.y = np.zeros(3 * r.cells + 2 * r.pad, dtype=r.number)
        self.good = np.ones(r.members, dtype=np.bool_)
        parts = -(-r.per // self.kernels.BLOCK)
        self.drift = np.zeros(r.members * parts, dtype=r.number)
        self.worst = np.zeros(3 * r.members * parts, dtype=r.number)
        self.words = normals.seed_lanes(r.cells, source) if source is not None else None

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

    def integrate(
        self,
        m: torch.Tensor,
        start: float,
        end: float,
        first_step: torch.Tensor,
        tolerance: float,
        report: Callable[[float], None] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See `adaptive.integrate`. report: called with the share of this piece that the slowest member has done."""
        r, tableau = self.rates, TABLEAUX[self.method]
        length, inside = (end - start) / TIME_UNIT, 1e-9 * (end - start)
        flat = r.flat(m)
        h = np.minimum(first_step.reshape(-1).numpy().astype(np.float64), length)
        t, before, accepted = np.zeros_like(h), np.ones_like(h), np.zeros(r.members, dtype=np.int64)
        steady = all(isinstance(drive, Constant) for drive in self.rhs.drives)
        ones = np.ones((max(1, self.rhs.layout.channels), r.members), dtype=r.number)

        def at(now: np.ndarray) -> np.ndarray:
            if steady:
                return ones
            seconds = torch.from_numpy(np.clip(start + now * TIME_UNIT, start + inside, end - inside))
            seconds = seconds.reshape(*r.batch, 1, 1, 1)
            return self._waves(torch.stack([d.waveform(seconds).expand(*r.batch, 1, 1, 1) for d in self.rhs.drives]))

        r(flat, at(t), self.k[0])
        for _ in range(MOST_STEPS):
            active = t < length * (1 - 1e-12)
            if not active.any():
                return r.state(flat).clone(), _members(h, first_step), _members(accepted, first_step)
            if not (h > 1e-9 * length)[active].all():
                raise PhysicsError(
                    f"the adaptive step fell below {1e-9 * length * TIME_UNIT:.2g} s; "
                    "check fields, currents and tolerance"
                )
            step = np.where(active, np.minimum(h, length - t), h)
            scaled = np.maximum(self._trial(flat, at, t, step, tableau) / tolerance, 1e-6)
            scaled = np.where(np.isfinite(scaled), scaled, np.inf)
            self.good = active & (scaled <= 1)
            self.kernels.accept(self.y, flat, self.good, r.pad, r.per, self.drift)
            self._keep_last()
            t = np.where(self.good, t + step, t)
            accepted += self.good
            grown = 0.9 * scaled ** (-0.7 / tableau.order) * before ** (0.4 / tableau.order)
            factor = np.clip(np.where(self.good, grown, 0.9 * scaled ** (-1 / tableau.order)), 0.2, 5)
            before = np.where(self.good, scaled, before)
            cut = self.good & (step < h)  # by the end of the piece: the step before it stays the better guess
            h = np.where(active, np.where(cut, np.maximum(h, step * factor), step * factor), h)
            if report is not None:
                report(float(t.min()) / length)
        raise PhysicsError(f"more than {MOST_STEPS} adaptive steps; raise the tolerance")

    def _trial(self, flat: np.ndarray, at, t: np.ndarray, step: np.ndarray, tableau: Tableau) -> np.ndarray:  # type: ignore[no-untyped-def]
        """Stages of one step; leaves the solution in y and returns the largest error of each member."""
        r = self.rates
        for stage in range(1, len(tableau.nodes)):
            self._combine(flat, np.asarray(tableau.weights[stage])[:, None] * step)
            r(self.y, at(t + tableau.nodes[stage] * step), self.k[stage])
        weights = (np.asarray(tableau.error)[:, None] * step).astype(r.number)
        self.kernels.errors(self.k, weights, len(weights), r.per, self.worst)
        return self.worst.reshape(3, r.members, -1).max((0, 2)).astype(np.float64)

    def _keep_last(self) -> None:
        """The rate at the end of an accepted step is the first of the next one."""
        if self.good.all():
            self.k[[0, -1]] = self.k[[-1, 0]]
            return
        first = self.k[0].reshape(3, self.rates.members, -1)
        last = self.k[-1].reshape(3, self.rates.members, -1)
        first[:, self.good] = last[:, self.good]

    def _single(self, flat: np.ndarray, table: np.ndarray, h: float, step: int) -> None:
        """One step of a one-step scheme (or the start of the multistep one)."""
        tableau = FIXED["rk4" if self.method == "abm3" else self.method]
        scale = 1 / h**0.5
        if self.words is not None:
            self.rates.draw(self.words)
        for stage, weights in enumerate(tableau.weights):
            if stage:
                self._combine(flat, np.asarray(weights)[:, None] * np.full(self.rates.members, h))
            if stage < len(tableau.nodes):
                state = self.y if stage else flat
                self.rates(state, table[int(2 * tableau.nodes[stage])], self.k[stage], scale)
                if self.method == "abm3" and stage == 0:
                    self.memory = [self.k[0].copy(), *(self.memory[:1] if step else [])]
        self.kernels.accept(self.y, flat, self.good, self.rates.pad, self.rates.per, self.drift)

    def _multistep(self, flat: np.ndarray, table: np.ndarray, h: float) -> None:
        """One step of abm3, see `steps.py`."""
        self.k[1], self.k[2] = self.memory
        self.rates(flat, table[0], self.k[0])
        hs = np.full(self.rates.members, h)
        self._combine(flat, np.array([23.0, -16.0, 5.0])[:, None] / 12 * hs)
        self.rates(self.y, table[2], self.k[3])
        self._combine(flat, np.array([8.0, -1.0, 0.0, 5.0])[:, None] / 12 * hs)
        self.memory = [self.k[0].copy(), self.memory[0]]
        self.kernels.accept(self.y, flat, self.good, self.rates.pad, self.rates.per, self.drift)

    def _combine(self, flat: np.ndarray, weights: np.ndarray) -> None:
        r = self.rates
        self.kernels.combine(flat, self.k, weights.astype(r.number), len(weights), self.y, r.pad, r.per)

    def _waves(self, table: torch.Tensor) -> np.ndarray:
        """(..., channels, *batch, 1, 1, 1) or with 1s to (..., channels, members)."""
        batch = self.rates.batch
        table = table.expand(*table.shape[: -3 - len(batch)], *batch, 1, 1, 1)
        return table.reshape(*table.shape[: -3 - len(batch)], self.rates.members).to(self.rates.dtype).numpy()


def _members(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values.copy()).reshape(like.shape)
