"""Adaptive explicit Runge-Kutta steps: every member of the batch has its own step and its own error control.

| name | scheme | rates per step |
| --- | --- | --- |
| dopri5 | Dormand and Prince, J. Comput. Appl. Math. 6, 19 (1980), order 5(4) | 6 |
| rk43 | classical Runge-Kutta, order 4, third-order companion from the rate at its end: error h (k4 - k5) / 6 | 4 |

rk43 is made for meshes, where exchange between neighbours limits the step by stability: along the imaginary axis, on
which precession lies, it is stable up to 2.83 / 4 rates, dopri5 up to about 1 / 6. The controller is
proportional-integral (Gustafsson) on the largest error of any component of any cell. Times are in the solver's unit
(ns), so that steps of 1e-13 s do not underflow. Not for thermal noise: an adaptive step would bias it.
"""

from dataclasses import dataclass

import torch

from spinloom.errors import PhysicsError
from spinloom.magnetism.engine.right_hand_side import RightHandSide
from spinloom.magnetism.magnet import TIME_UNIT


@dataclass(frozen=True)
class Tableau:
    """nodes and weights of the stages; the last stage is the solution, its rate the first of the next step.

    error: weights of the embedded error. order: of the error estimate in the step.
    """

    nodes: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    error: tuple[float, ...]
    order: int


DOPRI5 = Tableau(
    nodes=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    weights=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    error=(71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
    order=5,
)
RK43 = Tableau(
    nodes=(0.0, 1 / 2, 1 / 2, 1.0, 1.0),
    weights=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
    error=(0.0, 0.0, 0.0, 1 / 6, -1 / 6),
    order=4,
)
TABLEAUX = {"dopri5": DOPRI5, "rk43": RK43}
MOST_STEPS = 10_000_000


def integrate(
    rhs: RightHandSide,
    m: torch.Tensor,
    start: float,
    end: float,
    first_step: torch.Tensor,
    tolerance: float,
    tableau: Tableau = DOPRI5,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Advance m (3, *batch) from `start` to `end` (s) with at most `tolerance` error per step in any component.

    first_step: ns, one number per member (`rhs.member_shape`). Returns the state, the last step of each member (ns) and
    the number of accepted steps. Raises PhysicsError where a step underflows.
    """
    length = (end - start) / TIME_UNIT
    inside = 1e-9 * (end - start)
    h = first_step.clamp(max=length)
    t = torch.zeros_like(h)
    before = torch.ones_like(t)
    accepted = torch.zeros_like(t, dtype=torch.int64)

    def rate(state: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        return rhs.at(state, (start + at * TIME_UNIT).clamp(start + inside, end - inside))

    first = rate(m, t)
    for _ in range(MOST_STEPS):
        active = t < length * (1 - 1e-12)
        if not bool(active.any()):
            return m, h, accepted
        if not bool((h > 1e-9 * length)[active].all()):
            raise PhysicsError(
                f"the adaptive step fell below {1e-9 * length * TIME_UNIT:.2g} s; check fields, currents and tolerance"
            )
        step = torch.where(active, torch.minimum(h, length - t), h)
        new, error, last = _trial(rate, m, first, t, step, tableau)
        scaled = _largest(error.detach(), t.shape) / tolerance
        scaled = scaled.clamp(min=1e-6).nan_to_num(nan=torch.inf, posinf=torch.inf)
        good = active & (scaled <= 1)
        size = new.norm(dim=0)
        outside = size == 0
        m = torch.where(good, torch.where(outside, new, new / torch.where(outside, 1.0, size)), m)
        first = torch.where(good, last, first)  # a rejected trial may be anything, and so may its gradient
        t = torch.where(good, t + step, t)
        accepted = accepted + good
        grown = 0.9 * scaled ** (-0.7 / tableau.order) * before ** (0.4 / tableau.order)
        factor = torch.where(good, grown, 0.9 * scaled ** (-1 / tableau.order)).clamp(0.2, 5)
        before = torch.where(good, scaled, before)
        cut = good & (step < h)  # by the end of the piece: the step before it stays the better guess
        h = torch.where(active, torch.where(cut, torch.maximum(h, step * factor), step * factor), h)
    raise PhysicsError(f"more than {MOST_STEPS} adaptive steps; raise the tolerance")


def _largest(error: torch.Tensor, members: torch.Size) -> torch.Tensor:
    """Largest absolute value of each member, float64."""
    size = error.abs().amax(0).to(torch.float64)
    return size if size.shape == members else size.amax((-3, -2, -1), keepdim=True)


def _trial(  # type: ignore[no-untyped-def]
    rate, m: torch.Tensor, first: torch.Tensor, t: torch.Tensor, h: torch.Tensor, tableau: Tableau
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The solution, its embedded error and its rate."""
    step = h.to(m.dtype)
    stages, state = [first], m
    for node, weights in zip(tableau.nodes[1:], tableau.weights[1:], strict=True):
        state = m
        for weight, stage in zip(weights, stages, strict=True):
            if weight:
                state = state + step * weight * stage
        stages.append(rate(state, t + node * h))
    error = torch.zeros_like(m)
    for weight, stage in zip(tableau.error, stages, strict=True):
        if weight:
            error = error + step * weight * stage
    return state, error, stages[-1]
