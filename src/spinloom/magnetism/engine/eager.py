"""The same schemes on torch tensors: differentiable, on any device, one kernel call per operation."""

import torch
from torch.utils.checkpoint import checkpoint

from spinloom.magnetism.engine.rates import RightHandSide
from spinloom.magnetism.engine.schemes import STEPS, TABLEAUX, Controller, Memory, Piece, waves
from spinloom.magnetism.magnet import Components

_CHECKPOINT = 32
"""Steps between the states kept for the backward pass."""


class EagerRun:
    """Runs pieces of time.

    With gradients wanted, the state is kept every few steps only and the rest computed again in the backward pass.
    """

    def __init__(self, method: str, rhs: RightHandSide, source: torch.Generator | None = None) -> None:
        self.method, self.rhs, self.source = method, rhs, source

    def __call__(self, piece: Piece, m: torch.Tensor, records: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States at `records` even instants of the piece (records, 3, *batch) and the largest abs(|m|^2 - 1)."""
        kept, drift, every = [], m.new_zeros(()), piece.steps // records
        memory: Memory = ()
        for first in range(0, piece.steps, every):
            for at in range(first, first + every, _CHECKPOINT):
                m, memory, off = self._chunk(piece, at, min(_CHECKPOINT, first + every - at), m, memory)
                drift = torch.maximum(drift, off)
            kept.append(m)
        return torch.stack(kept), drift

    def rate(self, m: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        """dm/dt in rad/ns with the drives at one time, s."""
        return self.rhs.at(m, seconds)

    def integrate(
        self, m: torch.Tensor, start: float, end: float, first_step: torch.Tensor, tolerance: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Advance m (3, *batch) from `start` to `end` (s) with at most `tolerance` error per step in any component.

        first_step: ns, one number per member (`rhs.member_shape`). Returns the state, the last step of each member (ns)
        and the number of accepted steps. Raises PhysicsError where a step underflows.
        """
        tableau = TABLEAUX[self.method]
        path = list(zip((*tableau.nodes[1:], 1.0), tableau.stages[1:], strict=True))
        control = Controller(start, end, first_step, tolerance, tableau.order, torch)
        first = self.rhs.at(m, control.seconds(control.t))
        while (h := control.propose()) is not None:
            step, stages, new = h.to(m.dtype), [first], m
            for node, weights in path:
                new = _moved(m, step, weights, stages)
                stages.append(self.rhs.at(new, control.seconds(control.t + node * h)))
            error = _moved(torch.zeros_like(m), step, tableau.error, stages).detach().abs().amax(0).to(torch.float64)
            good = control.judge(error if error.shape == h.shape else error.amax((-3, -2, -1), keepdim=True))
            size = new.norm(dim=0)
            outside = size == 0
            m = torch.where(good, torch.where(outside, new, new / torch.where(outside, 1.0, size)), m)
            first = torch.where(good, stages[-1], first)  # a rejected trial may be anything, and so may its gradient
        return m, control.h, control.accepted

    def _chunk(
        self, piece: Piece, first: int, steps: int, m: torch.Tensor, memory: Memory
    ) -> tuple[torch.Tensor, Memory, torch.Tensor]:
        table, noise = waves(self.rhs.drives, piece, first, steps, m.shape[1:]).to(m), None
        if self.source is not None:
            normals = torch.randn((steps, *m.shape), generator=self.source, dtype=m.dtype, device=m.device)
            noise = normals * (self.rhs.rows[2] / piece.step**0.5)
        arguments = (self.method, self.rhs, piece.step, m, memory, table, noise)
        if self.rhs.wants_gradient(m):
            return checkpoint(_steps, *arguments, use_reentrant=False)
        return _steps(*arguments)


def _moved(m: torch.Tensor, step: torch.Tensor, weights: tuple[float, ...], stages: list[torch.Tensor]) -> torch.Tensor:
    for weight, stage in zip(weights, stages, strict=True):
        if weight:
            m = m + step * weight * stage
    return m


def _steps(
    method: str,
    rhs: RightHandSide,
    h: float,
    m: torch.Tensor,
    memory: Memory,
    table: torch.Tensor,
    noise: torch.Tensor | None,
) -> tuple[torch.Tensor, Memory, torch.Tensor]:
    drift = m.new_zeros(())
    for k in range((table.shape[0] - 1) // 2):
        push: Components | None = None if noise is None else (noise[k, 0], noise[k, 1], noise[k, 2])

        def rate(state: Components, stage: int, k: int = k, push: Components | None = push) -> Components:
            return rhs(state, push, table[2 * k + stage])

        new, memory = STEPS[method](rate, (m[0], m[1], m[2]), h, memory)
        m = torch.stack(torch.broadcast_tensors(*new))
        length = m.norm(dim=0)
        outside = length == 0  # cells without material
        drift = torch.maximum(drift, torch.where(outside, 0.0, (length.detach().square() - 1).abs()).max())
        m = m / torch.where(outside, 1.0, length)
    return m, memory, drift
