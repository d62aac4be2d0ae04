"""One step of each fixed-step scheme, as formulas on components: run on tensors, or traced into the compiled loop.

A scheme is a function step(rate, m, h, memory) -> (m, memory). `rate(m, stage)` gives dm/dt, with stage 0, 1, 2 the
start, middle and end of the step (it picks the drives). `memory` carries earlier rates of a multistep scheme; a one-
step scheme leaves it empty. The state is not yet renormalised.
"""

from collections.abc import Callable
from typing import Any

from spinloom.magnetism.magnet import Components

Rate = Callable[[Components, int], Components]
Memory = tuple[Components, ...]
Step = Callable[[Rate, Components, Any, Memory], tuple[Components, Memory]]


def _add(m: Components, *terms: tuple[Any, Components]) -> Components:
    for weight, k in terms:
        m = (m[0] + weight * k[0], m[1] + weight * k[1], m[2] + weight * k[2])
    return m


def rk4(rate: Rate, m: Components, h: Any, memory: Memory) -> tuple[Components, Memory]:
    """Classical Runge-Kutta, order 4."""
    half, sixth = 0.5 * h, h / 6.0
    k1 = rate(m, 0)
    k2 = rate(_add(m, (half, k1)), 1)
    k3 = rate(_add(m, (half, k2)), 1)
    k4 = rate(_add(m, (h, k3)), 2)
    inner = _add(k2, (1.0, k3))
    return _add(m, (sixth, _add(k1, (2.0, inner), (1.0, k4)))), memory


def heun(rate: Rate, m: Components, h: Any, memory: Memory) -> tuple[Components, Memory]:
    """Heun (explicit trapezoid), order 2; with a noise that is constant over the step it converges to the
    Stratonovich solution of the stochastic equation (strong order 1/2, weak order 1)."""
    k1 = rate(m, 0)
    k2 = rate(_add(m, (h, k1)), 2)
    return _add(m, (0.5 * h, _add(k1, (1.0, k2)))), memory


def abm3(rate: Rate, m: Components, h: Any, memory: Memory) -> tuple[Components, Memory]:
    """Adams-Bashforth 3 predictor, two-step Adams-Moulton corrector, PECE, order 3: two rates a step.

    The scheme that PETASPIN calls AB3M2; its corrector is read here as the two-step, third-order one (the other
    reading, the trapezoid, would waste the predictor's order). memory: rates at the last two steps, newest first.
    """
    before, earlier = memory
    now = rate(m, 0)
    predicted = _add(m, (h * (23.0 / 12.0), now), (h * (-16.0 / 12.0), before), (h * (5.0 / 12.0), earlier))
    ahead = rate(predicted, 2)
    corrected = _add(m, (h * (5.0 / 12.0), ahead), (h * (8.0 / 12.0), now), (h * (-1.0 / 12.0), before))
    return corrected, (now, before)


STEPS: dict[str, Step] = {"rk4": rk4, "heun": heun, "abm3": abm3}
