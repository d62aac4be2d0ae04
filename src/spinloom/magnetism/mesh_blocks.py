"""Compiled copies between the arrays of a mesh and a block's buffer."""

from numba import njit

from spinloom.magnetism.normals import FAST


@njit(fastmath=FAST, error_model="numpy")
def copy(source, start, count, target, place):  # type: ignore[no-untyped-def]
    """target[place:] = source[start : start + count]."""
    for i in range(count):
        target[place + i] = source[start + i]


@njit(fastmath=FAST, error_model="numpy")
def put(source, place, count, target, start):  # type: ignore[no-untyped-def]
    """The reverse of `copy`."""
    for i in range(count):
        target[start + i] = source[place + i]
