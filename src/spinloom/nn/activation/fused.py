"""The look-up of `kernels.py` as one loop over memory, compiled by numba (which brings its own compiler).

Value, slope and noise of a block of neurons are made while the block is in the first-level cache. A call costs a few
microseconds and a neuron about as much as a vectorised tanh; torch.compile took 20 us a call and twice the time per
neuron. Compiled once per float type, in seconds, and kept on disk.
"""

import math

import numpy as np
import torch
from numba import njit, prange

from spinloom.magnetism import FAST, log_float32
from spinloom.nn.compiled import compile_loop

_BLOCK = 4096
_PARALLEL = 1 << 16
"""Neurons from which on more cores pay: numba's threads are not PyTorch's, which still spin after their last work."""
_S3, _S5, _S7, _S9, _S11 = (np.float32((-1) ** (k // 2) / math.factorial(k)) for k in (3, 5, 7, 9, 11))
_HALF, _QUARTER, _TURN = np.float32(0.5), np.float32(0.25), np.float32(2 * math.pi)
_STEP, _TWO = np.float32(2.0**-24), np.float32(2)
_M1, _M2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_8, _15, _16 = np.uint32(8), np.uint32(15), np.uint32(16)


def look_up(
    x: torch.Tensor,
    row: torch.Tensor,
    curves: torch.Tensor,
    grid: torch.Tensor,
    noise: torch.Tensor,
    key: torch.Tensor,
    *,
    want_slope: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Value and slope, each like x (batch, units) in float32 or float64 on the CPU; see `kernels.look_up`."""
    x = x.contiguous()
    value = torch.empty_like(x)
    slope = torch.empty_like(x) if want_slope else value[:0]
    loop = _loops[x.numel() >= _PARALLEL and torch.get_num_threads() > 1]
    arrays = (t.numpy() for t in (x, row, curves.view(-1), grid, noise.view(-1), key, value, slope))
    loop(*arrays, curves.shape[1])
    return value, slope


def add_noise(
    out: torch.Tensor, x: torch.Tensor, row: torch.Tensor, grid: torch.Tensor, noise: torch.Tensor, key: torch.Tensor
) -> torch.Tensor:
    """`kernels.add_noise` for float32 or float64 on the CPU; adds to `out` in place where its memory is contiguous."""
    x, out = x.contiguous(), out.contiguous()
    loop = _noise_loops[x.numel() >= _PARALLEL and torch.get_num_threads() > 1]
    loop(*(t.numpy() for t in (x, row, grid, noise.view(-1), key, out)), noise.shape[1])
    return out


@njit(fastmath=FAST, forceinline=True)
def _inside(x, low, density, cells):  # type: ignore[no-untyped-def]
    """Cell and place in it, saturated at both ends; NaN goes through in the place."""
    along = (x - low) * density
    zero, top = type(along)(0), type(along)(cells)
    along = zero if along < zero else along
    along = top if along > top else along
    cell = np.int32(along if along >= zero else zero)
    last = np.int32(cells - 1)
    cell = cell if cell < last else last
    return cell, along - type(along)(cell)


@njit(fastmath=FAST, forceinline=True)
def _mix(word):  # type: ignore[no-untyped-def]
    word = np.uint32((word ^ (word >> _16)) * _M1)
    word = np.uint32((word ^ (word >> _15)) * _M2)
    return np.uint32(word ^ (word >> _16))


@njit(fastmath=FAST, forceinline=True)
def _normal(place, key0, key1, key2):  # type: ignore[no-untyped-def]
    """The number that `noise.normals` has at this place."""
    word = _mix(np.uint32(_mix(np.uint32(place + key0)) ^ key1))
    uniform = (np.float32(np.int32(word >> _8)) + _HALF) * _STEP
    turn = np.float32(np.int32(_mix(np.uint32(word + key2)) >> _8)) * _STEP
    angle = (abs(turn - _HALF) - _QUARTER) * _TURN  # cos(2 pi turn) is its sine, within a quarter turn of 0
    q = angle * angle
    sine = angle + angle * q * (_S3 + q * (_S5 + q * (_S7 + q * (_S9 + q * _S11))))
    return np.sqrt(-_TWO * log_float32(uniform)) * sine


@njit(fastmath=FAST, error_model="numpy", inline="always")
def _read(x, row, curves, low, density, cells, value):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        cell, part = _inside(x[i], low, density, cells)
        at = 4 * (np.int64(row[i]) * cells + cell)
        value[i] = curves[at] + part * curves[at + 1]


@njit(fastmath=FAST, error_model="numpy", inline="always")
def _read_slope(x, row, curves, low, density, cells, value, slope):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        cell, part = _inside(x[i], low, density, cells)
        at = 4 * (np.int64(row[i]) * cells + cell)
        value[i] = curves[at] + part * curves[at + 1]
        slope[i] = curves[at + 2] + part * curves[at + 3]


@njit(fastmath=FAST, error_model="numpy")
def _draw(first, key0, key1, key2, normals):  # type: ignore[no-untyped-def]
    """Not inlined: only as a function of its own is this loop vectorised."""
    for i in range(normals.shape[0]):
        normals[i] = _normal(np.uint32(first + np.uint32(i)), key0, key1, key2)


@njit(fastmath=FAST, error_model="numpy")
def _add_noise(x, row, noise, low, density, cells, first, key, value):  # type: ignore[no-untyped-def]
    normals = np.empty(x.shape[0], np.float32)
    _draw(first, np.uint32(key[0]), np.uint32(key[1]), np.uint32(key[2]), normals)
    for i in range(x.shape[0]):
        cell, part = _inside(x[i], low, density, cells)
        at = 2 * (np.int64(row[i]) * cells + cell)
        value[i] += (noise[at] + part * noise[at + 1]) * normals[i]


@njit(fastmath=FAST, error_model="numpy")
def _block(task, blocks, x, row, curves, grid, noise, key, value, slope, cells):  # type: ignore[no-untyped-def]
    line, start = task // blocks, task % blocks * _BLOCK
    stop = min(start + _BLOCK, x.shape[1])
    xs, rows, values = x[line, start:stop], row[start:stop], value[line, start:stop]
    low, density = grid[0], grid[1]
    if slope.shape[0] > 0:
        _read_slope(xs, rows, curves, low, density, cells, values, slope[line, start:stop])
    else:
        _read(xs, rows, curves, low, density, cells, values)
    if key.shape[0] > 0:
        first = np.uint32(line * x.shape[1] + start)
        _add_noise(xs, rows, noise, low, density, cells, first, key, values)


def _on_one_core(x, row, curves, grid, noise, key, value, slope, cells):  # type: ignore[no-untyped-def]
    blocks = (x.shape[1] + _BLOCK - 1) // _BLOCK
    for task in range(x.shape[0] * blocks):
        _block(task, blocks, x, row, curves, grid, noise, key, value, slope, cells)


def _on_all_cores(x, row, curves, grid, noise, key, value, slope, cells):  # type: ignore[no-untyped-def]
    blocks = (x.shape[1] + _BLOCK - 1) // _BLOCK
    for task in prange(x.shape[0] * blocks):
        _block(task, blocks, x, row, curves, grid, noise, key, value, slope, cells)


def _noise_on_one_core(x, row, grid, noise, key, out, cells):  # type: ignore[no-untyped-def]
    for line in range(x.shape[0]):
        first = np.uint32(line * x.shape[1])
        _add_noise(x[line], row, noise, grid[0], grid[1], cells, first, key, out[line])


def _noise_on_all_cores(x, row, grid, noise, key, out, cells):  # type: ignore[no-untyped-def]
    for line in prange(x.shape[0]):
        first = np.uint32(line * x.shape[1])
        _add_noise(x[line], row, noise, grid[0], grid[1], cells, first, key, out[line])


_loops = {False: compile_loop(_on_one_core, False), True: compile_loop(_on_all_cores, True)}
_noise_loops = {False: compile_loop(_noise_on_one_core, False), True: compile_loop(_noise_on_all_cores, True)}
