"""One step of an NbOx neuron, written once for compiled lanes and for tensors, and the compiled loop over many neurons.

The step is Rodas3 (A. Sandu et al., Atmos. Environ. 31, 3459 (1997)): linearly implicit, L-stable, of third order with
an embedded second one, so that neither a slow heat bath nor a fast filament sets the step. Its formulas are arithmetic
without a branch, which vectorises; exp and sqrt come in from outside.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from spinloom.kernels import kept
from spinloom.magnetism import FAST, LANES, fill_noise, log_float32

PARAMETERS = 14
"""Rows of a neuron, in this order: 1/(R_L C), 1/C, 1/C_th, 1/(R_th C_th), Ea/k, ln of the film's resistance at infinite
temperature, R_s, field factor (K/sqrt(V)), 1/(R_th C2), 1/(R2 C2), ambient temperature, noise (K/sqrt(s)), and the
currents above which a spike begins and below which the next one may."""
BLOCK = 16
"""Neurons of a block."""
_V, _T, _S, _READY, _ENERGY, _STEP, _LEFT, _CURRENT, _SINCE, _SLOPE, _RISE, _LOST, _DRIVE, _LONGEST, _NOISE, _OWN = (
    range(0, 16 * BLOCK, BLOCK)
)
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8, _P9, _P10, _HOT, _ON, _OFF = range(_OWN, _OWN + PARAMETERS * BLOCK, BLOCK)
_OPTIONS: dict[str, Any] = {"fastmath": FAST, "error_model": "numpy"}
_LOG2E, _LN2 = 1 / math.log(2), math.log(2)
_E = tuple(1 / math.factorial(k) for k in range(10))
_SHIFT, _BIAS = np.int64(52), np.int64(1023)
_SHORTEST = 1e-18  # s: below, something is no number


@njit(forceinline=True, **_OPTIONS)
def _exp(x):  # type: ignore[no-untyped-def]
    """exp(x) to 1e-11 of it, x limited to -500..500; a library's exp would not vectorise."""
    x = min(max(x, -500.0), 500.0)
    whole = np.int32(x * _LOG2E + (0.5 if x > 0.0 else -0.5))
    f = x - _LN2 * whole
    series = _E[4] + f * (_E[5] + f * (_E[6] + f * (_E[7] + f * (_E[8] + f * _E[9]))))
    series = 1.0 + f * (1.0 + f * (_E[2] + f * (_E[3] + f * series)))
    return np.int64((np.int64(whole) + _BIAS) << _SHIFT).view(np.float64) * series


def formulas(exp: Callable[..., Any], sqrt: Callable[..., Any], made: Callable[..., Any]) -> tuple[Any, Any]:
    """(conduct, step) of numbers or tensors. made: what each of them passes through."""

    @made
    def conduct(v, t, activation, film, series, field, three):  # type: ignore[no-untyped-def]
        """Current, and its slopes with voltage and temperature. field: K/sqrt(V), None without one.
        three: None, or anything for the law in 3 dimensions.

        The film's resistance is exp(film + Ea / kT) / h(x), x = field sqrt(V) / T. h is exp(x) after Poole and Frenkel,
        and 1 without a field. 1 nV keeps slopes finite at V = 0.
        """
        x = 0.0 if field is None else field * sqrt(abs(v) + 1e-9) / t
        if field is None:
            resistance, bend = exp(film + activation / t), 0.0
        elif three is None:
            resistance, bend = exp(film + activation / t - x), x
        else:
            rise = exp(x)
            share = (1.0 + (x - 1.0) * rise) / (x * x)
            resistance = exp(film + activation / t) / (0.5 + share)
            bend = (rise - 2.0 * share) / (0.5 + share)  # x d ln(h) / dx
        g = 1.0 / (series + resistance)
        turn = g * g * resistance
        return v * g, g + 0.5 * turn * bend, v * turn * (activation / t - bend) / t

    @made
    def rates(v, t, s, u, row, law):  # type: ignore[no-untyped-def]
        """Of voltage, temperature, slow temperature and energy (J/s), and what `conduct` gives."""
        rate, charge, heat, loss, slow, away, ambient = row
        i, gv, gt = conduct(v, t, law[0], law[1], law[2], law[3], law[4])
        cooling = slow * (t - s) - away * (s - ambient)
        return (
            rate * (u - v) - charge * i,
            heat * i * v - loss * (t - s),
            cooling,
            rate / charge * u * (u - v),
            i,
            gv,
            gt,
        )

    @made
    def solve(matrix, a, b, c, d):  # type: ignore[no-untyped-def]
        m11, m12, m21, m22, inverse, m33, back, down, give = matrix
        b = b + back * m33 * c
        v, t = (m22 * a - m12 * b) * inverse, (m11 * b - m21 * a) * inverse
        return v, t, m33 * c + down * t, d - give * v

    @made
    def step(v, t, s, e, h, u, row, law):  # type: ignore[no-untyped-def]
        """After h: voltage, temperature, that of the slow node, energy; then estimates of the error of the first two;
        and the current before the step and its slope. u: of the source. law: the arguments of `conduct` behind t."""
        rate, charge, heat, loss, slow, away, _ = row
        fv, ft, fs, fe, i, gv, gt = rates(v, t, s, u, row, law)
        z, slope = 0.5 * h, gv * fv + gt * ft
        m11, m12, m21 = 1.0 + z * (rate + gv * charge), z * gt * charge, -z * heat * (i + v * gv)
        m33, back = 1.0 / (1.0 + z * (slow + away)), z * loss
        down = z * slow * m33
        m22 = 1.0 + back - z * heat * v * gt - back * down
        matrix = m11, m12, m21, m22, 1.0 / (m11 * m22 - m12 * m21), m33, back, down, z * rate / charge * u
        a, b, c, d = z * fv, z * ft, z * fs, z * fe
        v1, t1, s1, e1 = solve(matrix, a, b, c, d)
        v2, t2, s2, e2 = solve(matrix, a + 2.0 * v1, b + 2.0 * t1, c + 2.0 * s1, d + 2.0 * e1)
        a, b, c, d = 0.5 * (v1 - v2), 0.5 * (t1 - t2), 0.5 * (s1 - s2), 0.5 * (e1 - e2)
        v, t, s, e = v + 2.0 * v1, t + 2.0 * t1, s + 2.0 * s1, e + 2.0 * e1
        fv, ft, fs, fe, _, _, _ = rates(v, t, s, u, row, law)
        v3, t3, s3, e3 = solve(matrix, z * fv + a, z * ft + b, z * fs + c, z * fe + d)
        v, t, s, e = v + v3, t + t3, s + s3, e + e3
        fv, ft, fs, fe, _, _, _ = rates(v, t, s, u, row, law)
        k = 4.0 / 3.0
        a, b, c, d = z * fv + a - k * v3, z * ft + b - k * t3, z * fs + c - k * s3, z * fe + d - k * e3
        v4, t4, s4, e4 = solve(matrix, a, b, c, d)
        return v + v4, t + t4, s + s4, e + e4, v4, t4, i, slope

    return conduct, step


_conduct, _step = formulas(_exp, math.sqrt, njit(forceinline=True, **_OPTIONS))
_SHRINK, _GROW = 0.2, 5.0


@kept(nogil=True, **_OPTIONS)
def run(law2, law3, state, words, rows, drive, lengths, limit, tol, noisy, counts, times, heats, out, bad, start, end):  # type: ignore[no-untyped-def] # fmt: skip
    """The blocks start..end of BLOCK neurons through all pieces of the drive, in place.

    law2, law3: None twice for Arrhenius, a number and None with a field, two numbers in 3 dimensions. state (5, n): V,
    T, T2, 1 where the next rise is a spike, J from the source. words (4, n): generators. rows (PARAMETERS, n). drive
    (pieces, 1 or n): V; lengths (pieces,): s. limit (n,): of equal steps, s, and the first one of a piece. tol: error
    of a step, relative; 0: equal steps. noisy: those carry noise. counts (n,): spikes, are added to; times, heats (n,
    most): s from the start, and J up to then, of the first of them. out (pieces or 0, 3, n): V, T, T2 at the end of
    each piece. bad (n,): 1 where no step is short enough.
    """
    n, most, scale = state.shape[1], times.shape[1], 1.0 / tol if tol > 0.0 else 0.0
    for block in range(start, end):
        first = block * BLOCK
        lanes = min(BLOCK, n - first)
        # one buffer and a constant count, else lanes would not be taken several at a time; the last one is repeated
        b, normals, generators = np.zeros(_OFF + BLOCK), np.zeros(4 * LANES), np.zeros(4 * LANES, np.uint32)
        for i in range(BLOCK):
            neuron = min(first + i, n - 1)
            for k in range(5):
                b[k * BLOCK + i] = state[k, neuron]
            for k in range(PARAMETERS):
                b[_OWN + k * BLOCK + i] = rows[k, neuron]
            for k in range(4):
                generators[k * LANES + i] = words[k, neuron]
        began, turn = 0.0, 3
        for piece in range(lengths.shape[0]):
            length = lengths[piece]
            for i in range(BLOCK):  # every piece begins alike, so that a run in slices is the run
                neuron = min(first + i, n - 1)
                b[_DRIVE + i] = drive[piece, neuron if drive.shape[1] > 1 else 0]
                b[_LEFT + i], b[_SINCE + i], b[_SLOPE + i] = length, began, 0.0
                b[_STEP + i], b[_LONGEST + i] = limit[neuron], length
                if scale == 0.0:
                    b[_LONGEST + i] = b[_STEP + i] = length / np.ceil(length / limit[neuron] * (1.0 - 1e-9))
            busy, going = 1.0, True
            while going:
                going = busy > 0.0  # one pass behind the end sees what rises in the last step
                if noisy:
                    turn = (turn + 1) % 4
                    if turn == 0:
                        fill_noise(generators, BLOCK, normals, 0)
                    for i in range(BLOCK):
                        b[_NOISE + i] = normals[turn * LANES + i]
                rises = busy = 0.0
                for i in range(BLOCK):
                    v, t, s, e, left = b[_V + i], b[_T + i], b[_S + i], b[_ENERGY + i], b[_LEFT + i]
                    wanted = min(b[_STEP + i], b[_LONGEST + i])
                    h = left if wanted * 1.0001 > left else wanted
                    row = (
                        b[_P0 + i], b[_P1 + i], b[_P2 + i], b[_P3 + i], b[_P8 + i], b[_P9 + i],
                        b[_P10 + i],
                    )  # fmt: skip
                    law = b[_P4 + i], b[_P5 + i], b[_P6 + i], None if law2 is None else b[_P7 + i], law3
                    nv, nt, ns, ne, ev, et, current, slope = _step(v, t, s, e, h, b[_DRIVE + i], row, law)
                    error = max(abs(ev) / (abs(v) + 0.1 * abs(b[_DRIVE + i]) + 1e-3), abs(et) / t) * scale
                    good = (error <= 1.0) & (nt > 0.0)
                    stuck = (not good) & (h < _SHORTEST)
                    grow = 0.8 * _exp(-0.3333 * log_float32(np.float32(min(max(error, 1e-6), 1e30))))
                    new = h * min(max(grow if error < 1e30 else _SHRINK, _SHRINK), _GROW)
                    b[_STEP + i] = max(new, wanted) if good & (h < wanted) else new
                    b[_V + i] = nv if good else v
                    b[_T + i] = nt + b[_HOT + i] * math.sqrt(h) * b[_NOISE + i] if good else t
                    b[_S + i] = ns if good else s
                    b[_ENERGY + i] = ne if good else e
                    ahead = left - h if good else 0.0 if stuck else left
                    b[_LEFT + i], b[_LOST + i] = ahead, 1.0 if stuck else b[_LOST + i]
                    busy += 1.0 if ahead > 0.0 else 0.0
                    # spikes begin where a step begins; the least current since the last one is that of a parabola
                    before, since, fall = b[_CURRENT + i], b[_SINCE + i], b[_SLOPE + i]
                    now, turned = began + length - left, (fall < 0.0) & (slope > 0.0)
                    first_part = (now - since) * fall / min(fall - slope, -1e-30)
                    least = 0.5 * (before + current + 0.5 * (fall * first_part - slope * (now - since - first_part)))
                    low = (current < b[_OFF + i]) | (turned & (least < b[_OFF + i]))
                    rise = (b[_READY + i] > 0.5) & (current >= b[_ON + i])
                    share = min(max((current - b[_ON + i]) / max(current - before, 1e-30), 0.0), 1.0)
                    b[_RISE + i] = now - (now - since) * share if rise else -1.0
                    b[_READY + i] = 0.0 if current >= b[_ON + i] else 1.0 if low else b[_READY + i]
                    b[_CURRENT + i], b[_SINCE + i], b[_SLOPE + i] = current, now, slope
                    rises += 1.0 if rise else 0.0
                if rises > 0.0:
                    for i in range(lanes):
                        if b[_RISE + i] >= 0.0:
                            place = counts[first + i]
                            if place < most:
                                times[first + i, place], heats[first + i, place] = b[_RISE + i], b[_ENERGY + i]
                            counts[first + i] = place + 1
            began += length
            if out.shape[0] > 0:
                for k in range(3):
                    for i in range(lanes):
                        out[piece, k, first + i] = b[k * BLOCK + i]
        for i in range(lanes):
            for k in range(5):
                state[k, first + i] = b[k * BLOCK + i]
            for k in range(4):
                words[k, first + i] = generators[k * LANES + i]
            bad[first + i] = b[_LOST + i]
