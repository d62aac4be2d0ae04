"""When to step and how: pieces of time between edges of the drives; schemes, each weight once; their plain run.

| name | scheme | rates per step |
| --- | --- | --- |
| rk4 | classical Runge-Kutta, order 4 | 4 |
| heun | explicit trapezoid, order 2; with a noise that is constant over the step it converges to the Stratonovich solution of the stochastic equation (strong order 1/2, weak order 1) | 2 |
| abm3 | Adams-Bashforth 3 predictor, two-step Adams-Moulton corrector, PECE, order 3 | 2 |
| dopri5 | Dormand and Prince, J. Comput. Appl. Math. 6, 19 (1980), order 5(4) | 6 |
| rk43 | rk4 with a third-order companion from the rate at its end: error h (k4 - k5) / 6 | 4 |

abm3 is what PETASPIN calls AB3M2; its corrector is read here as the two-step, third-order one (the other reading, the
trapezoid, would waste the predictor's order).

rk43 is made for meshes, where exchange between neighbours limits the step by stability: along the imaginary axis, on
which precession lies, it is stable up to 2.83 / 4 rates, dopri5 up to about 1 / 6.
"""  # noqa: E501

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import torch
from torch.utils.checkpoint import checkpoint

from spinloom.errors import PhysicsError
from spinloom.magnetism.drives import Drive
from spinloom.magnetism.engine.rates import RightHandSide
from spinloom.magnetism.magnet import TIME_UNIT, Components

Rate = Callable[[Components, int], Components]
Memory = tuple[Components, ...]
Step = Callable[[Rate, Components, Any, Memory], tuple[Components, Memory]]


@dataclass(frozen=True)
class Tableau:
    """nodes and weights of the stages; result / divisor: the weights of the solution.

    error: weights of the embedded error, the last that of the rate at the end, which is the first of the next step.
    order: of the error estimate in the step.
    """

    nodes: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    result: tuple[float, ...]
    divisor: float = 1.0
    error: tuple[float, ...] = ()
    order: int = 0

    @property
    def path(self) -> tuple[tuple[float, tuple[float, ...]], ...]:
        """Node and weights of every stage but the first, the solution last."""
        solution = tuple(weight / self.divisor for weight in self.result)
        return tuple(zip((*self.nodes[1:], 1.0), (*self.weights[1:], solution), strict=True))


_RK4 = Tableau((0.0, 1 / 2, 1 / 2, 1.0), ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)), (1.0, 2.0, 2.0, 1.0), 6.0)
TABLEAUX = {
    "rk4": _RK4,
    "heun": Tableau((0.0, 1.0), ((), (1.0,)), (1.0, 1.0), 2.0),
    "rk43": replace(_RK4, error=(0.0, 0.0, 0.0, 1 / 6, -1 / 6), order=4),
    "dopri5": Tableau(
        nodes=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0),
        weights=(
            (),
            (1 / 5,),
            (3 / 40, 9 / 40),
            (44 / 45, -56 / 15, 32 / 9),
            (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
            (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        ),
        result=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
        error=(71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
        order=5,
    ),
}
PREDICTOR, CORRECTOR, SHARE = (23.0, -16.0, 5.0), (5.0, 8.0, -1.0), 12.0
"""abm3: weights * SHARE of the rates now and at the two steps before; of those ahead, now and before."""
MEMORY = {"rk4": 0, "heun": 0, "abm3": 2}
"""Fixed-step schemes: earlier rates that each carries from step to step."""
ADAPTIVE = {"rk43": 1e-5, "dopri5": 1e-8}
"""Adaptive schemes, with their usual tolerance. Not for thermal noise: an adaptive step would bias it."""
_MOST_STEPS = 10_000_000
_MOST_EDGES = 64
_CHECKPOINT = 32
"""Steps between the states kept for the backward pass."""


def _add(m: Components, *terms: tuple[Any, Components]) -> Components:
    for weight, k in terms:
        m = (m[0] + weight * k[0], m[1] + weight * k[1], m[2] + weight * k[2])
    return m


def _one_step(name: str, rate: Rate, m: Components, h: Any, memory: Memory) -> tuple[Components, Memory]:
    tableau, rates = TABLEAUX[name], list[Components]()
    weighted = {weight: weight * h for weight in dict.fromkeys(sum(tableau.weights, ())) if weight}
    share = h / tableau.divisor
    for node, row in zip(tableau.nodes, tableau.weights, strict=True):
        parts = [(weighted[weight], k) for weight, k in zip(row, rates, strict=True) if weight]
        rates.append(rate(_add(m, *parts), int(2 * node)))
    sums = []  # neighbours of one weight are summed first: h / 6 (k1 + 2 (k2 + k3) + k4)
    for weight, group in groupby(zip(tableau.result, rates, strict=True), key=lambda pair: pair[0]):
        (_, inner), *others = group
        sums.append((weight, _add(inner, *((1.0, k) for _, k in others))))
    return _add(m, (share, _add(sums[0][1], *sums[1:]))), memory


def _abm3(rate: Rate, m: Components, h: Any, memory: Memory) -> tuple[Components, Memory]:
    """memory: rates at the last two steps, newest first."""
    now = rate(m, 0)
    predicted = _add(m, *((h * (w / SHARE), k) for w, k in zip(PREDICTOR, (now, *memory), strict=True)))
    rates = (rate(predicted, 2), now, memory[0])
    return _add(m, *((h * (w / SHARE), k) for w, k in zip(CORRECTOR, rates, strict=True))), (now, memory[0])


STEPS: dict[str, Step] = {"rk4": partial(_one_step, "rk4"), "heun": partial(_one_step, "heun"), "abm3": _abm3}
"""step(rate, m, h, memory) -> (m, memory), as formulas on components: run on tensors, or traced into the compiled loop.

`rate(m, stage)` gives dm/dt, with stage 0, 1, 2 the start, middle and end of the step (it picks the drives). The state
is not yet renormalised."""


class Controller:
    """Chooses the steps from `start` to `end` (s): every member of a batch has its own, and its own error control.

    Proportional-integral (Gustafsson) on the largest error of any component of any cell. Times are in the solver's unit
    (ns), so that steps of 1e-13 s do not underflow.
    first: step to begin with, one per member; an array of `math`, which is torch or numpy. t, h: of each member.
    """

    def __init__(self, start: float, end: float, first: Any, tolerance: float, order: int, math: Any) -> None:
        self.start, self.end, self.tolerance, self.order, self.math = start, end, tolerance, order, math
        self.length, self.count = (end - start) / TIME_UNIT, 0
        self.h = math.clip(first, None, self.length)
        self.t, self._before = math.zeros_like(self.h), math.ones_like(self.h)
        self.accepted = math.zeros_like(self.h, dtype=math.int64)

    def seconds(self, t: Any) -> Any:
        """Times in s of times of the solver; at the ends the limit from inside counts."""
        inside = 1e-9 * (self.end - self.start)
        return self.math.clip(self.start + t * TIME_UNIT, self.start + inside, self.end - inside)

    def propose(self) -> Any:
        """The next step of each member, None where all have arrived. Raises PhysicsError where a step underflows."""
        self._active = self.t < self.length * (1 - 1e-12)
        if not bool(self._active.any()):
            return None
        if not bool((self.h > 1e-9 * self.length)[self._active].all()):
            raise PhysicsError(
                f"the adaptive step fell below {1e-9 * self.length * TIME_UNIT:.2g} s; "
                "check fields, currents and tolerance"
            )
        if self.count == _MOST_STEPS:
            raise PhysicsError(f"more than {_MOST_STEPS} adaptive steps; raise the tolerance")
        self.count += 1
        self._step = self.math.where(self._active, self.math.minimum(self.h, self.length - self.t), self.h)
        return self._step

    def judge(self, error: Any) -> Any:
        """Which members accept the step that was proposed, given the largest error of each."""
        where, step, order = self.math.where, self._step, self.order
        scaled = self.math.clip(error / self.tolerance, 1e-6, None)
        scaled = where(self.math.isfinite(scaled), scaled, self.math.inf)
        good = self._active & (scaled <= 1)
        self.t = where(good, self.t + step, self.t)
        self.accepted = self.accepted + good
        grown = 0.9 * scaled ** (-0.7 / order) * self._before ** (0.4 / order)
        factor = self.math.clip(where(good, grown, 0.9 * scaled ** (-1 / order)), 0.2, 5)
        self._before = where(good, scaled, self._before)
        cut = good & (step < self.h)  # by the end of the piece: the step before it stays the better guess
        longer = where(cut, self.math.maximum(self.h, step * factor), step * factor)
        self.h = where(self._active, longer, self.h)
        return good


class Piece(NamedTuple):
    """`steps` equal steps from `start` to `end` (s)."""

    start: float
    end: float
    steps: int

    @property
    def step(self) -> float:
        """In the solver's unit of time."""
        return (self.end - self.start) / self.steps / TIME_UNIT


def pieces(
    drives: Sequence[Drive], start: float, end: float, step: float, records: int, cut: bool = False
) -> list[tuple[Piece, int]]:
    """Cut [start, end] at the edges of the drives; no step is longer than `step`.

    Each piece comes with the number of records, evenly spaced, the last at its end, that fall into it. Without edges
    there is one piece with all of them; with edges, or with `cut`, each record ends a piece.
    """
    slack = 1e-6 * min(step, (end - start) / records)
    trains = [drive.breakpoints() for drive in drives]  # a long train of pulses: steps may straddle its edges
    every = {edge for train in trains if len(train) <= _MOST_EDGES for edge in train}
    edges = sorted(edge for edge in every if start + slack < edge < end - slack)
    if not edges and not cut:
        steps = math.ceil((end - start) / step / records * (1 - 1e-9)) * records
        return [(Piece(start, end, steps), records)]
    marks = [start + (end - start) * (k + 1) / records for k in range(records - 1)] + [end]
    edges = [edge for edge in edges if min(abs(edge - mark) for mark in marks) > slack]
    cuts = sorted([(start, 0), *((edge, 0) for edge in edges), *((mark, 1) for mark in marks)])
    return [
        (Piece(a, b, max(1, math.ceil((b - a) / step * (1 - 1e-9)))), record) for (a, _), (b, record) in pairwise(cuts)
    ]


def waves(drives: Sequence[Drive], piece: Piece, first: int, steps: int, shape: torch.Size) -> torch.Tensor:
    """Waveforms at every half step of `steps` steps from step `first` on: (2 steps + 1, channels, *batch or 1s).

    At the edges of the piece the limit from inside counts.
    """
    inside = 1e-9 * (piece.end - piece.start)
    count = torch.arange(2 * first, 2 * (first + steps) + 1, dtype=torch.float64)
    t = piece.start + (piece.end - piece.start) * count / (2 * piece.steps)
    t = t.clamp(piece.start + inside, piece.end - inside).reshape(-1, *[1] * len(shape))
    tables = [drive.waveform(t) for drive in drives]
    if any(table.numel() != t.numel() for table in tables):
        tables = [table.expand(t.shape[0], *shape) for table in tables]
    return torch.stack(tables, dim=1) if tables else t.new_zeros((len(t), 0, *[1] * len(shape)))


def rate_at_step(rhs: RightHandSide, piece: Piece, step: int, m: torch.Tensor) -> Components:
    """dm/dt, each component (*batch), at the start of a step: what abm3 remembers of one that Runge-Kutta does."""
    table = waves(rhs.drives, piece, step, 1, m.shape[1:]).to(m)
    x, y, z = torch.broadcast_tensors(*rhs((m[0], m[1], m[2]), None, table[0]))
    return x, y, z


class EagerRun:
    """Runs pieces of time on torch tensors: differentiable, on any device, one kernel call per operation.

    With gradients wanted, the state is kept every few steps only and the rest computed again in the backward pass.
    """

    def __init__(self, method: str, rhs: RightHandSide, source: torch.Generator | None = None) -> None:
        self.method, self.rhs, self.source = method, rhs, source

    def __call__(self, piece: Piece, m: torch.Tensor, records: int) -> tuple[torch.Tensor, torch.Tensor]:
        """States at `records` even instants of the piece (records, 3, *batch) and the largest abs(|m|^2 - 1)."""
        kept, drift, every = [], m.new_zeros(()), piece.steps // records
        memory: Memory = ()
        for first in range(0, piece.steps, every):
            at, end = first, first + every
            while at < end:
                if self.method == "abm3" and at < 2:
                    steps, memory = 1, (rate_at_step(self.rhs, piece, at, m), *memory)
                    m, _, off = self._chunk("rk4", piece, at, steps, m, ())
                else:
                    steps = min(_CHECKPOINT, end - at)
                    m, memory, off = self._chunk(self.method, piece, at, steps, m, memory)
                drift, at = torch.maximum(drift, off), at + steps
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
        path = tableau.path
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

    def _chunk(self, method: str, piece: Piece, first: int, steps: int, m: torch.Tensor, memory: Memory) -> Any:
        table, noise = waves(self.rhs.drives, piece, first, steps, m.shape[1:]).to(m), None
        if self.source is not None:
            normals = torch.randn((steps, *m.shape), generator=self.source, dtype=m.dtype, device=m.device)
            noise = normals * (self.rhs.rows[2] / piece.step**0.5)
        if self.rhs.wants_gradient(m):
            return checkpoint(self._steps, method, piece.step, m, memory, table, noise, use_reentrant=False)
        return self._steps(method, piece.step, m, memory, table, noise)

    def _steps(
        self, method: str, h: float, m: torch.Tensor, memory: Memory, table: torch.Tensor, noise: torch.Tensor | None
    ) -> tuple[torch.Tensor, Memory, torch.Tensor]:
        drift = m.new_zeros(())
        for k in range((table.shape[0] - 1) // 2):
            push: Components | None = None if noise is None else (noise[k, 0], noise[k, 1], noise[k, 2])

            def rate(state: Components, stage: int, k: int = k, push: Components | None = push) -> Components:
                return self.rhs(state, push, table[2 * k + stage])

            new, memory = STEPS[method](rate, (m[0], m[1], m[2]), h, memory)
            m = torch.stack(torch.broadcast_tensors(*new))
            length = m.norm(dim=0)
            outside = length == 0  # cells without material
            drift = torch.maximum(drift, torch.where(outside, 0.0, (length.detach().square() - 1).abs()).max())
            m = m / torch.where(outside, 1.0, length)
        return m, memory, drift


def _moved(m: torch.Tensor, step: torch.Tensor, weights: tuple[float, ...], stages: list[torch.Tensor]) -> torch.Tensor:
    for weight, stage in zip(weights, stages, strict=True):
        if weight:
            m = m + step * weight * stage
    return m
