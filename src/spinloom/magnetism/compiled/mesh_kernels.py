"""Compiled pieces around the right-hand side of a mesh: stages, errors, acceptance, Fourier product, noise.

States are flat: pad, then three components of all cells of all members, then pad (the pads stay 0, so that a neighbour
beyond the ends may be read and is multiplied by 0). Rates are flat without pads. `per` is the cells of one member.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from spinloom.magnetism.compiled.pieces import FAST, next_word, normal_pair

BLOCK = 512
_OPTIONS: dict[str, Any] = {"fastmath": FAST, "cache": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def _combine_block(m, k, weights, stages, out, pad, start, stop, member):  # type: ignore[no-untyped-def]
    b = np.empty(BLOCK, dtype=m.dtype)
    for i in range(stop - start):
        b[i] = m[pad + start + i]
    for j in range(stages):
        w = weights[j, member]
        if w != 0:
            for i in range(stop - start):
                b[i] += w * k[j, start + i]
    for i in range(stop - start):
        out[pad + start + i] = b[i]


@njit(parallel=True, **_OPTIONS)
def combine(m, k, weights, stages, out, pad, per):  # type: ignore[no-untyped-def]
    """out = m + sum_j weights[j, member] k[j]."""
    parts = (per + BLOCK - 1) // BLOCK
    members = weights.shape[1]
    for part in prange(k.shape[1] // per * parts):  # members times components
        run = part // parts
        start = run * per + (part - run * parts) * BLOCK
        stop = min(start + BLOCK, (run + 1) * per)
        _combine_block(m, k, weights, stages, out, pad, start, stop, run % members)


@njit(**_OPTIONS)
def _error_block(k, weights, stages, start, stop, member):  # type: ignore[no-untyped-def]
    b = np.zeros(BLOCK, dtype=k.dtype)
    for j in range(stages):
        w = weights[j, member]
        if w != 0:
            for i in range(stop - start):
                b[i] += w * k[j, start + i]
    worst = abs(b[0])
    for i in range(1, stop - start):
        value = abs(b[i])
        worst = value if not value <= worst else worst  # NaN wins and stays
    return worst


@njit(parallel=True, **_OPTIONS)
def errors(k, weights, stages, per, out):  # type: ignore[no-untyped-def]
    """Largest |sum_j weights[j, member] k[j]| of each member into out (runs * parts, scratch)."""
    parts = (per + BLOCK - 1) // BLOCK
    members = weights.shape[1]
    for part in prange(k.shape[1] // per * parts):
        run = part // parts
        start = run * per + (part - run * parts) * BLOCK
        stop = min(start + BLOCK, (run + 1) * per)
        out[part] = _error_block(k, weights, stages, start, stop, run % members)


@njit(**_OPTIONS)
def _normalize_block(y, m, pad, cells, start, stop):  # type: ignore[no-untyped-def]
    worst = m.dtype.type(0)
    one, tiny = m.dtype.type(1), m.dtype.type(1e-30)
    for i in range(start, stop):
        x, v, z = y[pad + i], y[pad + cells + i], y[pad + 2 * cells + i]
        square = x * x + v * v + z * z
        off = abs(square - one) if square != 0 else m.dtype.type(0)
        worst = off if not off <= worst else worst
        inverse = one / np.sqrt(square if square != 0 else tiny)
        m[pad + i] = x * inverse
        m[pad + cells + i] = v * inverse
        m[pad + 2 * cells + i] = z * inverse
    return worst


@njit(parallel=True, **_OPTIONS)
def accept(y, m, good, pad, per, drift):  # type: ignore[no-untyped-def]
    """m = y / |y| for the members that are good; drift (members * parts): the largest ||y|^2 - 1|."""
    members = good.shape[0]
    cells = members * per
    parts = (per + BLOCK - 1) // BLOCK
    for part in prange(members * parts):
        member = part // parts
        drift[part] = 0
        if good[member]:
            start = member * per + (part - member * parts) * BLOCK
            drift[part] = _normalize_block(y, m, pad, cells, start, min(start + BLOCK, (member + 1) * per))


@njit(parallel=True, **_OPTIONS)
def product(f, kernel, parts):  # type: ignore[no-untyped-def]
    """f = kernel f in place. f (3, members, n, 2): real and imaginary part; kernel (4 or 6, 1 or members, n)."""
    members, n = f.shape[1], f.shape[2]
    own = kernel.shape[1] > 1
    for part in prange(members * parts):
        member = part // parts
        b = member if own else 0
        slab = part - member * parts
        for i in range(n * slab // parts, n * (slab + 1) // parts):
            for c in range(2):
                x, y, z = f[0, member, i, c], f[1, member, i, c], f[2, member, i, c]
                if kernel.shape[0] == 4:
                    f[0, member, i, c] = kernel[0, b, i] * x + kernel[3, b, i] * y
                    f[1, member, i, c] = kernel[3, b, i] * x + kernel[1, b, i] * y
                    f[2, member, i, c] = kernel[2, b, i] * z
                else:
                    f[0, member, i, c] = kernel[0, b, i] * x + kernel[3, b, i] * y + kernel[4, b, i] * z
                    f[1, member, i, c] = kernel[3, b, i] * x + kernel[1, b, i] * y + kernel[5, b, i] * z
                    f[2, member, i, c] = kernel[4, b, i] * x + kernel[5, b, i] * y + kernel[2, b, i] * z


@njit(parallel=True, **_OPTIONS)
def draw_noise(state, out):  # type: ignore[no-untyped-def]
    """Standard normals of every stream: state (4, cells) uint32, out (3 cells); four are drawn, three kept."""
    cells = state.shape[1]
    for part in prange((cells + BLOCK - 1) // BLOCK):
        for i in range(part * BLOCK, min((part + 1) * BLOCK, cells)):
            s0, s1, s2, s3 = state[0, i], state[1, i], state[2, i], state[3, i]
            a, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            b, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            c, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            d, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            state[0, i], state[1, i], state[2, i], state[3, i] = s0, s1, s2, s3
            one, two = normal_pair(a, b)
            three, _ = normal_pair(c, d)
            out[i], out[cells + i], out[2 * cells + i] = one, two, three
