"""Pieces of the compiled loops: normal random numbers (xoshiro128++ per lane, Box-Muller with polynomials), copies.

A library generator draws outside the loop and its memory traffic then dominates a simulation at finite temperature
(about 100 million device-steps per second on two cores). Here every lane carries its own 128-bit state in registers and
all arithmetic is vectorisable: no call to libm, no branch, no multiplication of integers.

Generator: D. Blackman and S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021). Logarithm: atanh series after reduction to
[sqrt(1/2), sqrt(2)); sine and cosine: Taylor polynomials on [-pi/4, pi/4], the octants by three random bits. Absolute
error below 3e-7 per number; the largest number is 5.9 standard deviations (2^-25 is the smallest uniform).
"""

import math
from pathlib import Path

import numpy as np
import torch
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from spinloom.kernels import digest, kept

PIECES = digest(Path(__file__).read_text())
"""Stands in the texts that use these pieces: they are compiled anew when a piece changes."""
LANES = 64
"""Of a block of macrospins."""
FAST = {"contract", "arcp", "nsz", "reassoc", "afn"}  # no 'nnan': NaN must stay visible
"""Floating-point liberties of the compiled loops."""

_U7, _U9, _U11, _U21, _U25, _U8 = (np.uint32(k) for k in (7, 9, 11, 21, 25, 8))
_ONE, _HALF, _TWO = np.float32(1), np.float32(0.5), np.float32(2)
_SCALE = np.float32(2.0**-24)
_ANGLE, _OCTANT = np.float32(math.pi / 2 * 2.0**-24), np.float32(math.pi / 4)
_LN2 = np.float32(math.log(2))
_A3, _A5, _A7, _A9 = (np.float32(2 / k) for k in (3, 5, 7, 9))
_S3, _S5, _S7, _S9 = (np.float32(v) for v in (-1 / 6, 1 / 120, -1 / 5040, 1 / 362880))
_C2, _C4, _C6, _C8 = (np.float32(v) for v in (-1 / 2, 1 / 24, -1 / 720, 1 / 40320))
_SQRT_HALF_BITS, _MANTISSA = np.int32(0x3F3504F3), np.int32(23)


@njit(fastmath=FAST, forceinline=True)
def next_word(s0, s1, s2, s3):  # type: ignore[no-untyped-def]
    """One 32-bit word and the next state."""
    total = np.uint32(s0 + s3)
    word = np.uint32(np.uint32((total << _U7) | (total >> _U25)) + s0)
    shifted = np.uint32(s1 << _U9)
    s2 = np.uint32(s2 ^ s0)
    s3 = np.uint32(s3 ^ s1)
    s1 = np.uint32(s1 ^ s2)
    s0 = np.uint32(s0 ^ s3)
    s2 = np.uint32(s2 ^ shifted)
    s3 = np.uint32((s3 << _U11) | (s3 >> _U21))
    return word, s0, s1, s2, s3


@njit(fastmath=FAST, forceinline=True)
def log_float32(x):  # type: ignore[no-untyped-def]
    """Natural logarithm of a normal positive float32."""
    bits = np.float32(x).view(np.int32)
    exponent = np.int32(np.int32(bits - _SQRT_HALF_BITS) >> _MANTISSA)
    f = np.int32(bits - np.int32(exponent << _MANTISSA)).view(np.float32)
    t = (f - _ONE) / (f + _ONE)
    q = t * t
    return np.float32(exponent) * _LN2 + t * (_TWO + q * (_A3 + q * (_A5 + q * (_A7 + q * _A9))))


@njit(fastmath=FAST, forceinline=True)
def normal_pair(a, b):  # type: ignore[no-untyped-def]
    """Two independent standard normals from two random words."""
    uniform = (np.float32(np.int32(a >> _U8)) + _HALF) * _SCALE
    radius = np.sqrt(-_TWO * log_float32(uniform))
    angle = np.float32(np.int32(b >> _U8)) * _ANGLE - _OCTANT
    q = angle * angle
    sine = angle * (_ONE + q * (_S3 + q * (_S5 + q * (_S7 + q * _S9))))
    cosine = _ONE + q * (_C2 + q * (_C4 + q * (_C6 + q * _C8)))
    swap = (b & np.uint32(1)) != 0
    first = radius * (_ONE - np.float32(np.int32(b & np.uint32(2))))
    second = radius * (_ONE - np.float32(np.int32((b >> np.uint32(1)) & np.uint32(2))))
    return first * (sine if swap else cosine), second * (cosine if swap else sine)


def seed_lanes(lanes: int, source: torch.Generator) -> np.ndarray:
    """Fresh 128-bit states for `lanes` independent streams, (4, lanes) uint32."""
    words = torch.randint(0, 2**32, (4, lanes), generator=source, dtype=torch.int64, device=source.device)
    state = words.cpu().numpy().astype(np.uint32)
    state[0] |= np.uint32(1)  # all zero is the one state that never leaves
    return state


@kept(fastmath=FAST, error_model="numpy")
def load(source, first, lanes, target, row):  # type: ignore[no-untyped-def]
    """Rows of `source` (k, n), lanes first..first+lanes, into the buffer from `row` on."""
    for k in range(source.shape[0]):
        for i in range(lanes):
            target[(row + k) * LANES + i] = source[k, first + i]


@kept(fastmath=FAST, error_model="numpy")
def store(source, row, target, first, lanes):  # type: ignore[no-untyped-def]
    """The reverse of `load`."""
    for k in range(target.shape[0]):
        for i in range(lanes):
            target[k, first + i] = source[(row + k) * LANES + i]


@kept(fastmath=FAST, error_model="numpy")
def load_waves(waves, instant, stage, first, lanes, target, row):  # type: ignore[no-untyped-def]
    """The drives at one instant into the buffer rows of one stage."""
    for channel in range(waves.shape[1]):
        at = (row + stage * waves.shape[1] + channel) * LANES
        if waves.shape[2] == 1:
            value = waves[instant, channel, 0]
            for i in range(lanes):
                target[at + i] = value
        else:
            for i in range(lanes):
                target[at + i] = waves[instant, channel, first + i]


@kept(fastmath=FAST, error_model="numpy")
def fill_noise(state, lanes, target, row):  # type: ignore[no-untyped-def]
    """Four standard normals a lane into four rows of the buffer."""
    number = target.dtype.type
    for pair in range(2):
        at = (row + 2 * pair) * LANES
        for i in range(lanes):
            s0, s1, s2, s3 = state[i], state[LANES + i], state[2 * LANES + i], state[3 * LANES + i]
            a, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            b, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            state[i], state[LANES + i], state[2 * LANES + i], state[3 * LANES + i] = s0, s1, s2, s3
            one, two = normal_pair(a, b)
            target[at + i] = number(one)
            target[at + LANES + i] = number(two)


@intrinsic
def copy(typing, source, start, count, target, place):  # type: ignore[no-untyped-def]
    """target[place : place + count] = source[start : start + count] for flat arrays of one type, as one memcpy.

    A loop would check indices and aliases, a function would count references: either costs more than the copy.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kinds = signature.args
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kinds[0].dtype)))
        first, number, into = (context.cast(builder, arguments[k], kinds[k], types.intp) for k in (1, 2, 4))
        read, written = (context.make_array(kinds[k])(context, builder, arguments[k]).data for k in (0, 3))
        cgutils.raw_memcpy(builder, builder.gep(written, [into]), builder.gep(read, [first]), number, size)
        return context.get_dummy_value()

    return types.void(source, start, count, target, place), generate
