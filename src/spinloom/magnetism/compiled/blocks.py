"""Compiled pieces of the hot loop: moving rows between arrays and a block's buffer, filling in noise."""

from numba import njit

from spinloom.magnetism.compiled.normals import FAST, next_word, normal_pair

LANES = 64


@njit(fastmath=FAST, error_model="numpy")
def load(source, first, lanes, target, row):  # type: ignore[no-untyped-def]
    """Rows of `source` (k, n), lanes first..first+lanes, into the buffer from `row` on."""
    for k in range(source.shape[0]):
        for i in range(lanes):
            target[(row + k) * LANES + i] = source[k, first + i]


@njit(fastmath=FAST, error_model="numpy")
def store(source, row, target, first, lanes):  # type: ignore[no-untyped-def]
    """The reverse of `load`."""
    for k in range(target.shape[0]):
        for i in range(lanes):
            target[k, first + i] = source[(row + k) * LANES + i]


@njit(fastmath=FAST, error_model="numpy")
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


@njit(fastmath=FAST, error_model="numpy")
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
