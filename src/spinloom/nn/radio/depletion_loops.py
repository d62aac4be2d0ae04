"""As `loops`, where every resonator takes its share of the power before the next one sees it."""

import numpy as np
from numba import njit, prange

from spinloom.nn.compiled import compile_loop
from spinloom.nn.radio.loops import OPTIONS


@njit(**OPTIONS)
def _row(inputs, resonance, width, amplitude, absorption, left, weights):  # type: ignore[no-untyped-def]
    """Weights of one chain; `left` (k + 1, i) becomes the share of the power that reaches each resonator."""
    two, one = type(inputs[0])(2), type(inputs[0])(1)
    weights[:] = 0
    left[0, :] = 1
    for k in range(resonance.shape[0]):
        f, v, c, e = resonance[k], width[k], two * width[k] * amplitude[k], absorption[k] * width[k] * width[k]
        here, after = left[k], left[k + 1]
        for i in range(inputs.shape[0]):
            x = inputs[i] - f
            q = one / (x * x + v * v)
            weights[i] += c * x * q * here[i]
            after[i] = here[i] * (one - e * q)


@njit(**OPTIONS)
def _pull_row(  # type: ignore[no-untyped-def]
    inputs, resonance, width, amplitude, absorption, upstream, left, rest, pull, shift, spread, scale, share
):
    """Backwards along the chain; rest (i,): what the resonators behind give for a unit of power that reaches them."""
    two, one, zero = type(inputs[0])(2), type(inputs[0])(1), type(inputs[0])(0)
    _row(inputs, resonance, width, amplitude, absorption, left, rest)
    pull[:] = 0
    rest[:] = 0
    for k in range(resonance.shape[0] - 1, -1, -1):
        f, v, a, e = resonance[k], width[k], amplitude[k], absorption[k]
        vv, here = v * v, left[k]
        at_f, at_v, at_a, at_e = zero, zero, zero, zero
        for i in range(inputs.shape[0]):
            x = inputs[i] - f
            q = one / (x * x + vv)
            up = upstream[i] * here[i]
            u, loss = (vv - x * x) * q * q, vv * q
            slope = two * v * (a * u + rest[i] * e * v * x * q * q)  # of the whole against the input's frequency
            at_f -= up * slope
            at_v -= up * two * x * (a * u + rest[i] * e * v * x * q * q)
            at_a += up * two * v * x * q
            at_e -= up * rest[i] * loss
            pull[i] += up * slope
            rest[i] = a * two * v * x * q + (one - e * loss) * rest[i]
        shift[k], spread[k], scale[k], share[k] = at_f, at_v, at_a, at_e


def _weights(inputs, resonance, width, amplitude, absorption, weights):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for row in prange(resonance.shape[0]):
        left = np.empty((resonance.shape[1] + 1, inputs.shape[1]), inputs.dtype)
        _row(inputs[row // per], resonance[row], width[row], amplitude[row], absorption[row], left, weights[row])


def _pulls(  # type: ignore[no-untyped-def]
    inputs, resonance, width, amplitude, absorption, upstream, pull, shift, spread, scale, share
):
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        m = r // per
        left = np.empty((resonance.shape[1] + 1, inputs.shape[1]), inputs.dtype)
        rest = np.empty(inputs.shape[1], inputs.dtype)
        _pull_row(
            *(inputs[m], resonance[r], width[r], amplitude[r], absorption[r], upstream[r], left, rest),
            *(pull[r], shift[r], spread[r], scale[r], share[r]),
        )


weights = compile_loop(_weights, True, OPTIONS)
"""(inputs (m, i), resonance, width, amplitude, absorption (m c, k), out (m c, i))."""
pulls = compile_loop(_pulls, True, OPTIONS)
"""The same, then upstream (m c, i), gradients of the inputs by row (m c, i) and of the four others (m c, k)."""
