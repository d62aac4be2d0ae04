"""Reads of many instances side by side as one loop on the CPU, compiled by numba.

What an instance reads is what `fused.look_up` gives it alone, noise included: every instance has its own key, and a
unit its own place. Where all instances have the same input, cell and place in it are found once. Three short loops over
one block, each a function of its own, are vectorised; one loop that does everything is not, and takes 4 times as long.
"""

import numpy as np
import torch
from numba import njit, prange

from spinloom.magnetism import FAST
from spinloom.nn.activation.fused import _inside, _normal
from spinloom.nn.compiled import compile_loop

_BLOCK = 2048
_PARALLEL = 1 << 16
"""Neurons from which on more cores pay."""


def read(
    x: torch.Tensor,
    rows: torch.Tensor,
    table: torch.Tensor,
    grid: torch.Tensor,
    keys: torch.Tensor,
    place: torch.Tensor,
) -> torch.Tensor:
    """Values (batch, K, units), float32 or float64 like x.

    x: (batch, K, units), or (batch, 1, units) for the same input in every instance. rows: (K, units) int32, the row of
    each unit's device. table: (devices, cells, 4): value, its rise over the cell, noise, its rise. grid: see
    `tables.Table`. keys: (K, 3) int32, or (0, 3) for reads without noise. place: (units,) int32, the number of each
    unit in the stream of noise.
    """
    x = x.contiguous()
    out = x.new_empty(len(x), *rows.shape)
    loop = _loops[out.numel() >= _PARALLEL and torch.get_num_threads() > 1]
    loop(*(t.numpy() for t in (x, rows, table.view(-1), grid, keys, place, out)), table.shape[1])
    return out


@njit(fastmath=FAST, error_model="numpy")
def _cells_of(x, low, density, cells, start, part):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        cell, within = _inside(x[i], low, density, cells)
        start[i] = 4 * cell
        part[i] = within


@njit(fastmath=FAST, error_model="numpy")
def _draw(place, first, key0, key1, key2, normals):  # type: ignore[no-untyped-def]
    for i in range(normals.shape[0]):
        normals[i] = _normal(np.uint32(first + np.uint32(place[i])), key0, key1, key2)


@njit(fastmath=FAST, error_model="numpy")
def _noisy(start, part, row, table, stride, normals, out):  # type: ignore[no-untyped-def]
    for i in range(out.shape[0]):
        at = np.int64(row[i]) * stride + start[i]
        out[i] = table[at] + part[i] * table[at + 1] + (table[at + 2] + part[i] * table[at + 3]) * normals[i]


@njit(fastmath=FAST, error_model="numpy")
def _quiet(start, part, row, table, stride, out):  # type: ignore[no-untyped-def]
    for i in range(out.shape[0]):
        at = np.int64(row[i]) * stride + start[i]
        out[i] = table[at] + part[i] * table[at + 1]


@njit(fastmath=FAST, error_model="numpy")
def _block(image, begin, x, rows, table, grid, keys, place, out, cells):  # type: ignore[no-untyped-def]
    units = x.shape[2]
    end = min(begin + _BLOCK, units)
    size = end - begin
    start, part = np.empty(size, np.int32), np.empty(size, x.dtype)
    normals = np.empty(size, np.float32)
    first = np.uint32(image * units)
    for k in range(rows.shape[0]):
        if k == 0 or x.shape[1] > 1:
            _cells_of(x[image, k, begin:end], grid[0], grid[1], cells, start, part)
        row, to = rows[k, begin:end], out[image, k, begin:end]
        if keys.shape[0] == 0:
            _quiet(start, part, row, table, 4 * cells, to)
        else:
            key0, key1, key2 = np.uint32(keys[k, 0]), np.uint32(keys[k, 1]), np.uint32(keys[k, 2])
            _draw(place[begin:end], first, key0, key1, key2, normals)
            _noisy(start, part, row, table, 4 * cells, normals, to)


def _on_one_core(x, rows, table, grid, keys, place, out, cells):  # type: ignore[no-untyped-def]
    blocks = (x.shape[2] + _BLOCK - 1) // _BLOCK
    for task in range(x.shape[0] * blocks):
        _block(task // blocks, task % blocks * _BLOCK, x, rows, table, grid, keys, place, out, cells)


def _on_all_cores(x, rows, table, grid, keys, place, out, cells):  # type: ignore[no-untyped-def]
    blocks = (x.shape[2] + _BLOCK - 1) // _BLOCK
    for task in prange(x.shape[0] * blocks):
        _block(task // blocks, task % blocks * _BLOCK, x, rows, table, grid, keys, place, out, cells)


_loops = {False: compile_loop(_on_one_core, False), True: compile_loop(_on_all_cores, True)}
