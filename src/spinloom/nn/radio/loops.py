"""The sum over resonators of `resonance.py` as compiled loops for the CPU: no tensor of chains x inputs x resonators.

Two resonators share one division, which is what the time goes into. Rows (chains, over all members) are divided among
the cores. At the end the same where every resonator takes its share of the power before the next one sees it.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from spinloom.nn.compiled import compile_loop

FAST = {"reassoc", "contract", "arcp", "nsz"}
"""NaN and infinity keep their meaning."""
OPTIONS: dict[str, Any] = {"fastmath": FAST, "error_model": "numpy"}


@njit(inline="always", **OPTIONS)
def _add_pair(inputs, f, g, a, b, c, d, weights):  # type: ignore[no-untyped-def]
    """weights += c x / (x^2 + a) + d y / (y^2 + b) with x = inputs - f, y = inputs - g."""
    for i in range(inputs.shape[0]):
        x, y = inputs[i] - f, inputs[i] - g
        p, q = x * x + a, y * y + b
        weights[i] += (c * x * q + d * y * p) / (p * q)


@njit(**OPTIONS)
def _row(inputs, resonance, width, amplitude, weights):  # type: ignore[no-untyped-def]
    two, count = type(inputs[0])(2), resonance.shape[0]
    weights[:] = 0
    for k in range(0, count - 1, 2):
        f, g, v, w = resonance[k], resonance[k + 1], width[k], width[k + 1]
        _add_pair(inputs, f, g, v * v, w * w, two * v * amplitude[k], two * w * amplitude[k + 1], weights)
    if count % 2:
        f, v, zero, one = resonance[count - 1], width[count - 1], type(inputs[0])(0), type(inputs[0])(1)
        _add_pair(inputs, f, f, v * v, one, two * v * amplitude[count - 1], zero, weights)


@njit(inline="always", **OPTIONS)
def _pull_pair(inputs, f, g, a, b, upstream):  # type: ignore[no-untyped-def]
    """Sums over the inputs for the gradients of two resonators: of u and x u, u = (a - x^2) / (x^2 + a)^2."""
    zero = type(f)(0)
    r, s, t, u = zero, zero, zero, zero
    for i in range(inputs.shape[0]):
        x, y = inputs[i] - f, inputs[i] - g
        xx, yy = x * x, y * y
        p, q = xx + a, yy + b
        both = type(f)(1) / (p * q)
        p, q = q * both, p * both  # the reciprocals
        one, other = upstream[i] * (a - xx) * p * p, upstream[i] * (b - yy) * q * q
        r += one
        s += other
        t += x * one
        u += y * other
    return r, s, t, u


@njit(inline="always", **OPTIONS)
def _pull_inputs(inputs, f, a, c, upstream, pull):  # type: ignore[no-untyped-def]
    """Adds c u to the gradient of the inputs."""
    for i in range(inputs.shape[0]):
        x = inputs[i] - f
        p = type(f)(1) / (x * x + a)
        pull[i] += c * upstream[i] * (a - x * x) * p * p


@njit(inline="always", **OPTIONS)
def _pull_amplitude(inputs, f, a, upstream):  # type: ignore[no-untyped-def]
    total = type(f)(0)
    for i in range(inputs.shape[0]):
        x = inputs[i] - f
        total += upstream[i] * x / (x * x + a)
    return total


@njit(**OPTIONS)
def _pull_row(inputs, resonance, width, amplitude, upstream, pull, shift, spread, scale):  # type: ignore[no-untyped-def]
    """Gradients of one row; those whose array is empty are not wanted."""
    two, one = type(inputs[0])(2), type(inputs[0])(1)
    count = resonance.shape[0]
    for k in range(0, count - 1, 2):
        v, w, a, b = width[k], width[k + 1], amplitude[k], amplitude[k + 1]
        r, s, t, u = _pull_pair(inputs, resonance[k], resonance[k + 1], v * v, w * w, upstream)
        shift[k], spread[k] = -two * v * a * r, -two * a * t
        shift[k + 1], spread[k + 1] = -two * w * b * s, -two * b * u
    if count % 2:
        k = count - 1
        v, a = width[k], amplitude[k]
        r, s, t, u = _pull_pair(inputs, resonance[k], resonance[k], v * v, one, upstream)
        shift[k], spread[k] = -two * v * a * r, -two * a * t
    if pull.shape[0]:
        pull[:] = 0
        for k in range(count):
            v = width[k]
            _pull_inputs(inputs, resonance[k], v * v, two * v * amplitude[k], upstream, pull)
    for k in range(scale.shape[0]):
        scale[k] = two * width[k] * _pull_amplitude(inputs, resonance[k], width[k] * width[k], upstream)


@njit(inline="always", **OPTIONS)
def _slope_pair(inputs, f, g, a, b, pull):  # type: ignore[no-untyped-def]
    """Sums over the inputs of pull u for two resonators, u = (a - x^2) p^2 = p (2 a p - 1), p = 1 / (x^2 + a)."""
    one, zero, twice, double = type(f)(1), type(f)(0), a + a, b + b
    r, s = zero, zero
    for i in range(inputs.shape[0]):
        x, y = inputs[i] - f, inputs[i] - g
        p, q = x * x + a, y * y + b
        both = one / (p * q)
        p, q = q * both, p * both
        r += pull[i] * p * (twice * p - one)
        s += pull[i] * q * (double * q - one)
    return r, s


@njit(**OPTIONS)
def _slope_row(inputs, resonance, ratio, amplitude, upstream, pull, shift):  # type: ignore[no-untyped-def]
    """Gradient of one row's resonances whose widths are ratio times them: the two parts join to -2 a ratio f_i u."""
    factor, one = type(inputs[0])(-2) * ratio, type(inputs[0])(1)
    count = resonance.shape[0]
    for i in range(inputs.shape[0]):
        pull[i] = upstream[i] * inputs[i]
    for k in range(0, count - 1, 2):
        f, g = resonance[k], resonance[k + 1]
        v, w = ratio * f, ratio * g
        r, s = _slope_pair(inputs, f, g, v * v, w * w, pull)
        shift[k], shift[k + 1] = factor * amplitude[k] * r, factor * amplitude[k + 1] * s
    if count % 2:
        f = resonance[count - 1]
        v = ratio * f
        r, s = _slope_pair(inputs, f, f, v * v, one, pull)
        shift[count - 1] = factor * amplitude[count - 1] * r


def _slopes(inputs, resonance, ratio, amplitude, upstream, shift):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        pull = np.empty(inputs.shape[1], inputs.dtype)
        own = amplitude[r % amplitude.shape[0]]
        _slope_row(inputs[r // per], resonance[r], ratio[0], own, upstream[r], pull, shift[r])


def _weights(inputs, resonance, width, amplitude, weights):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for row in prange(resonance.shape[0]):
        _row(inputs[row // per], resonance[row], width[row], amplitude[row % amplitude.shape[0]], weights[row])


def _pulls(inputs, resonance, width, amplitude, upstream, pull, shift, spread, scale):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        m = r // per
        own = amplitude[r % amplitude.shape[0]]
        _pull_row(inputs[m], resonance[r], width[r], own, upstream[r], pull[r], shift[r], spread[r], scale[r])


weights = compile_loop(_weights, OPTIONS)
"""By whether all cores are used: (inputs (m, i), resonance, width (m c, k), amplitude (m c or 1, k), out (m c, i))."""
pulls = compile_loop(_pulls, OPTIONS)
"""The same, then upstream (m c, i), gradients of inputs by row (m c, i), of resonance, width, amplitude (m c, k).

Gradients of inputs and of the amplitude may be of width 0: then they are not made."""
slopes = compile_loop(_slopes, OPTIONS)
"""Inputs, resonance, ratio of width to resonance (1,), amplitude, upstream, gradient of the resonance (m c, k)."""


@njit(**OPTIONS)
def _depleting_row(inputs, resonance, width, amplitude, absorption, left, weights):  # type: ignore[no-untyped-def]
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
def _depleting_pull_row(  # type: ignore[no-untyped-def]
    inputs, resonance, width, amplitude, absorption, upstream, left, rest, pull, shift, spread, scale, share
):
    """Backwards along the chain; rest (i,): what the resonators behind give for a unit of power that reaches them."""
    two, one, zero = type(inputs[0])(2), type(inputs[0])(1), type(inputs[0])(0)
    _depleting_row(inputs, resonance, width, amplitude, absorption, left, rest)
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


def _depleting_weights(inputs, resonance, width, amplitude, absorption, weights):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for row in prange(resonance.shape[0]):
        left = np.empty((resonance.shape[1] + 1, inputs.shape[1]), inputs.dtype)
        _depleting_row(
            inputs[row // per], resonance[row], width[row], amplitude[row], absorption[row], left, weights[row]
        )


def _depleting_pulls(  # type: ignore[no-untyped-def]
    inputs, resonance, width, amplitude, absorption, upstream, pull, shift, spread, scale, share
):
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        m = r // per
        left = np.empty((resonance.shape[1] + 1, inputs.shape[1]), inputs.dtype)
        rest = np.empty(inputs.shape[1], inputs.dtype)
        _depleting_pull_row(
            *(inputs[m], resonance[r], width[r], amplitude[r], absorption[r], upstream[r], left, rest),
            *(pull[r], shift[r], spread[r], scale[r], share[r]),
        )


depleting_weights = compile_loop(_depleting_weights, OPTIONS)[True]
"""(inputs (m, i), resonance, width, amplitude, absorption (m c, k), out (m c, i))."""
depleting_pulls = compile_loop(_depleting_pulls, OPTIONS)[True]
"""The same, then upstream (m c, i), gradients of the inputs by row (m c, i) and of the four others (m c, k)."""
