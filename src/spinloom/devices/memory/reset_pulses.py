"""Pulses of weak RESET in compiled loops, many devices at a time and in place.

A block of devices is copied into one buffer: within one array the compiler knows that rows do not overlap, and all
between copy and copy is vector arithmetic without call or branch. What the time goes into is then the memory's traffic:
fabricated parameters are packed to 16 bits and lie block by block. Random numbers are hashes of counters, so that
nothing but the number of pulses has to be remembered for the innovations of the 1/f noise.
"""

import math
from typing import Any

import numpy as np
from numba import njit, prange

from spinloom.kernels import compile_loop
from spinloom.magnetism import FAST

OPTIONS: dict[str, Any] = {"fastmath": FAST, "error_model": "numpy"}
BLOCK, BLOCKS = 512, 8
"""Devices (or pairs) of a block; blocks that one core takes at a time."""
GOLDEN = np.uint32(0x9E3779B1)
"""Step of the sequences. Loops get it as an argument: of a constant each multiple would be fetched at every use."""
TAPS = tuple(math.comb(2 * k, k) / 4**k for k in range(15))
"""Of the 1/f filter: b_0 = 1, b_k = b_(k-1) (k - 1/2) / k."""

_ROWS, _FIRST = 12, 9  # events, 3 of the state, 5 parameters; 3 of the first side's state
_F, _I, _U = np.float32, np.int32, np.uint32
_ZERO, _ONE, _HALF, _UNIT = _F(0), _F(1), _F(0.5), _F(2.0**-32)
_S0, _S15, _S16, _LOW, _MIX, _STREAM = (_U(k) for k in (0, 15, 16, 0xFFFF, 0x846CA68B, 0x85EBCA6B))
_B0, _B1, _B2, _B3, _B4, _B5, _B6, _B7, _B8, _B9, _B10, _B11, _B12, _B13, _B14 = (_F(tap) for tap in TAPS)
_MEAN = _F(sum(TAPS) / 2)
_LOG2E, _EXPONENT, _BIAS = _F(1 / math.log(2)), _I(23), _I(127)
_E1, _E2, _E3, _E4 = (_F(math.log(2) ** k / math.factorial(k)) for k in range(1, 5))


@njit(forceinline=True, **OPTIONS)
def _word(x):  # type: ignore[no-untyped-def]
    """32 random bits from the place in a sequence in steps of the golden ratio: one to one, so each word comes once."""
    return _U(_U(x ^ (x >> _S15)) * _MIX)


@njit(forceinline=True, **OPTIONS)
def _drawn(x):  # type: ignore[no-untyped-def]
    """Uniform in [-2^31, 2^31)."""
    return _F(_I(_word(x)))


@njit(forceinline=True, **OPTIONS)
def _back(x, golden, steps):  # type: ignore[no-untyped-def]
    return _U(x - _U(_U(steps) * golden))


@njit(forceinline=True, **OPTIONS)
def _flicker(x, golden):  # type: ignore[no-untyped-def]
    """The last 15 innovations, U(0, 1), through the filter; x: the place of the newest one in its sequence."""
    near = _B0 * _drawn(x) + _B1 * _drawn(_back(x, golden, 1)) + _B2 * _drawn(_back(x, golden, 2))
    near += _B3 * _drawn(_back(x, golden, 3)) + _B4 * _drawn(_back(x, golden, 4)) + _B5 * _drawn(_back(x, golden, 5))
    near += _B6 * _drawn(_back(x, golden, 6)) + _B7 * _drawn(_back(x, golden, 7))
    far = _B8 * _drawn(_back(x, golden, 8)) + _B9 * _drawn(_back(x, golden, 9)) + _B10 * _drawn(_back(x, golden, 10))
    far += _B11 * _drawn(_back(x, golden, 11)) + _B12 * _drawn(_back(x, golden, 12))
    far += _B13 * _drawn(_back(x, golden, 13)) + _B14 * _drawn(_back(x, golden, 14))
    return _MEAN + _UNIT * (near + far)


@njit(forceinline=True, **OPTIONS)
def _exponential(x):  # type: ignore[no-untyped-def]
    """exp(x), to 5e-5 of it and for small x to the last digit; x is limited to -80..0."""
    y = max(x, _F(-80)) * _LOG2E
    whole = _I(y - _HALF)  # truncated: the nearest, as y is not positive
    f = y - _F(whole)
    power = _I((whole + _BIAS) << _EXPONENT).view(_F)
    return power * (_ONE + f * (_E1 + f * (_E2 + f * (_E3 + f * _E4))))


def _pulse(events, state, packed, least, step, chain, noise, ceiling, seed, golden, limit, signs, sums):  # type: ignore[no-untyped-def]
    """Give devices their pulses, in place, and compare pairs.

    events: (n,); they are rounded, and limited to +-limit. state: (3, sides, n), see `WeakResetMemory`. packed, least,
    step: parameters as `pack` gives them: ln of the resistance before any pulse, early and late slope, knee, amplitude
    of the telegraph. chain: share of time that the telegraph is high, ln of its correlation from pulse to pulse. noise:
    weight of the filter, weight of the telegraph. Negative events go to the first side, positive ones to the second, or
    nowhere where there is one. signs: (n,) becomes 1 where the first side conducts at least as well as the second, else
    -1; not used where there is one side. sums: (chunks, 3), is added to: devices pulsed, pulses, sum of pulses times
    conductance before them.
    """
    n, sides = events.size, state.shape[1]
    share, rate, weight, height = chain[0], chain[1], noise[0], noise[1]
    for c in prange(sums.shape[0]):
        b = np.zeros(_ROWS * BLOCK, _F)
        for block in range(c * BLOCKS, (c + 1) * BLOCKS):
            first = block * BLOCK
            last = min(first + BLOCK, n)
            lanes = last - first
            if lanes <= 0:
                break
            told = events[first:last]  # a slice counts from 0: no index can be negative, which would be checked
            for i in range(lanes):
                x = min(max(told[i], -limit), limit)
                b[i] = _F(_I(x + (_HALF if x > _ZERO else -_HALF)))
            for i in range(lanes, BLOCK):
                b[i] = _ZERO
            for r in range(3):
                one, two, at = state[r, 0, first:last], state[r, sides - 1, first:last], (1 + r) * BLOCK
                copy = (_FIRST + r) * BLOCK
                for i in range(lanes):
                    x, y = one[i], two[i]
                    b[copy + i] = x
                    b[at + i] = x if b[i] < _ZERO else y
            for r in range(5):
                code, at, low, unit = packed[block, r], (4 + r) * BLOCK, least[r], step[r]
                for i in range(BLOCK):
                    b[at + i] = low + unit * _F(_I(_U(code[i] >> (_S0 if b[i] < _ZERO else _S16)) & _LOW))
            pulsed = pulses = flow = _ZERO
            for i in range(BLOCK):
                k = abs(b[i])
                pulsed += min(k, _ONE)
                pulses += k
                flow += k * _exponential(-b[3 * BLOCK + i])
            sums[c, 0] += pulsed
            sums[c, 1] += pulses
            sums[c, 2] += flow
            for i in range(BLOCK):
                k, stream, before = abs(b[i]), b[2 * BLOCK + i], b[3 * BLOCK + i]
                count, high = b[BLOCK + i] + k, _ONE if stream < _ZERO else _ZERO
                newest = _U(_U(_U(_I(abs(stream))) * _STREAM) + _U(_U(_I(count)) * golden))
                place = _U(_U(_U(first + i) * golden) ^ seed)
                likely = share + (high - share) * _exponential(k * rate)
                after = _drawn(place) * _UNIT + _HALF < likely
                word = _word(_U(place + _STREAM))
                both = _F(_I(word >> _S16)) * _F(_I(word & _LOW)) * _UNIT
                knee = b[7 * BLOCK + i]
                found = b[4 * BLOCK + i] + b[5 * BLOCK + i] * min(count, knee)
                found += b[6 * BLOCK + i] * max(count - knee, _ZERO)
                found += weight * _flicker(newest, golden)
                found = min(found + (height * both * b[8 * BLOCK + i] if after else _ZERO), ceiling)
                turned = -abs(stream) if after else abs(stream)
                b[BLOCK + i] = count
                b[2 * BLOCK + i] = turned if k > _ZERO else stream
                b[3 * BLOCK + i] = found if k > _ZERO else before
            for r in range(3):
                one, two, at = state[r, 0, first:last], state[r, sides - 1, first:last], (1 + r) * BLOCK
                copy = (_FIRST + r) * BLOCK  # taken from its own place the store would be masked, which is slow
                if sides == 1:
                    for i in range(lanes):
                        x, new = b[copy + i], b[at + i]
                        one[i] = new if b[i] < _ZERO else x
                elif r == 2:
                    sign = signs[first:last]
                    for i in range(lanes):
                        x, y, new, low = b[copy + i], two[i], b[at + i], b[i] < _ZERO
                        x, y = new if low else x, y if low else new
                        one[i], two[i] = x, y
                        sign[i] = _ONE if x <= y else -_ONE
                else:
                    for i in range(lanes):
                        x, y, new, low = b[copy + i], two[i], b[at + i], b[i] < _ZERO
                        one[i] = new if low else x
                        two[i] = y if low else new


pulse = compile_loop(_pulse, OPTIONS)
"""On one core (False) and on all (True)."""


def pack(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters in 16 bits of their range, block by block: (blocks, rows, BLOCK), least and step (rows,).

    rows: (rows, sides, n), float32. The first side is in the low bits of a word of 32, the second in the high ones. The
    rounding is at most 1/131,070 of the range of a row.
    """
    count, sides, n = rows.shape
    least = rows.min(axis=(1, 2), initial=np.inf).astype(np.float64)
    step = (rows.max(axis=(1, 2), initial=-np.inf) - least) / 65535
    blocks = -(-n // (BLOCK * BLOCKS)) * BLOCKS
    packed = np.zeros((count, blocks * BLOCK), np.uint32)
    for row, low, unit, code in zip(rows, least, step, packed, strict=True):
        first, last = (np.rint((row[side] - low) / (unit or 1.0)).astype(np.uint32) for side in (0, sides - 1))
        code[:n] = first | last << np.uint32(16)
    packed = np.ascontiguousarray(packed.reshape(count, blocks, BLOCK).transpose(1, 0, 2))
    return packed, least.astype(np.float32), step.astype(np.float32)
