"""Adaptive Dormand-Prince 5(4): every member of the batch has its own step and its own error control.

J. R. Dormand and P. J. Prince, J. Comput. Appl. Math. 6, 19 (1980). The fifth-order solution is kept; the controller
is proportional-integral (Gustafsson) on the norm of the embedded error. Times are in the solver's unit (ns), so that
steps of 1e-13 s do not underflow. Not for thermal noise: an adaptive step would bias it.
"""

from collections.abc import Sequence

import torch

from spinloom.errors import PhysicsError
from spinloom.magnetism.drives import Drive
from spinloom.magnetism.rates import llgs
from spinloom.magnetism.reduced import TIME_UNIT, Reduced

_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_TABLEAU = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_MOST_STEPS = 10_000_000


def integrate(
    reduced: Reduced,
    drives: Sequence[Drive],
    m: torch.Tensor,
    start: float,
    end: float,
    first_step: torch.Tensor,
    tolerance: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Advance m (3, *batch) from `start` to `end` (s) with at most `tolerance` error per step in any component.

    first_step: (*batch), ns. Returns the state, the last step of each member (ns) and the number of accepted steps.
    Raises PhysicsError where a step underflows.
    """
    length = (end - start) / TIME_UNIT
    inside = 1e-9 * (end - start)
    t = torch.zeros(m.shape[1:], dtype=torch.float64, device=m.device)
    h = first_step.clamp(max=length)
    before = torch.ones_like(t)
    accepted = torch.zeros_like(t, dtype=torch.int64)

    def rate(state: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        seconds = (start + at * TIME_UNIT).clamp(start + inside, end - inside)
        values = [drive.waveform(seconds).to(m.dtype) for drive in drives]
        return torch.stack(llgs((state[0], state[1], state[2]), None, reduced.rows, values, reduced.layout))

    for _ in range(_MOST_STEPS):
        active = t < length * (1 - 1e-12)
        if not bool(active.any()):
            return m, h, accepted
        if not bool((h > 1e-9 * length)[active].all()):
            raise PhysicsError(
                f"the adaptive step fell below {1e-9 * length * TIME_UNIT:.2g} s; check fields, currents and tolerance"
            )
        h = torch.where(active, torch.minimum(h, length - t), h)
        new, error = _trial(rate, m, t, h)
        scaled = (error.detach().abs().amax(0) / tolerance).to(torch.float64).clamp(min=1e-6)
        scaled = scaled.nan_to_num(nan=torch.inf, posinf=torch.inf)
        good = active & (scaled <= 1)
        new = torch.where(good, new, m)  # a rejected state may be anything, and so may its gradient
        m = torch.where(good, new / new.norm(dim=0), m)
        t = torch.where(good, t + h, t)
        accepted = accepted + good
        factor = torch.where(good, 0.9 * scaled**-0.14 * before**0.08, 0.9 * scaled**-0.2).clamp(0.2, 5)
        before = torch.where(good, scaled, before)
        h = torch.where(active, h * factor, h)
    raise PhysicsError(f"more than {_MOST_STEPS} adaptive steps; raise the tolerance")


def _trial(rate, m: torch.Tensor, t: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[no-untyped-def]
    """Fifth-order result and the embedded error of one step."""
    step = h.to(m.dtype)
    stages: list[torch.Tensor] = []
    state = m
    for node, weights in zip(_NODES, _TABLEAU, strict=True):
        state = m
        for weight, stage in zip(weights, stages, strict=True):
            if weight:
                state = state + step * weight * stage
        stages.append(rate(state, t + node * h))
    error = torch.zeros_like(m)
    for weight, stage in zip(_ERROR, stages, strict=True):
        if weight:
            error = error + step * weight * stage
    return state, error
