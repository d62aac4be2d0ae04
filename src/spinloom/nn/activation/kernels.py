"""The element-wise look-up: value, slope and noise of every neuron's device.

Loops compiled by numba make them for a block of neurons while it is in the first-level cache: a neuron costs about a
vectorised tanh. PyTorch's own operations serve other devices, and are the reference. A normal of the noise is a
function of a read's key and of the neuron's place in the batch: it costs no memory traffic and does not depend on the
number of threads. Hash: C. Wellons, "Prospecting for hash functions" (lowbias32); applied twice under two parts of the
key, as one round would give two reads the same numbers in another order. Key: splitmix64 (Steele, Lea and Flood, OOPSLA
2014). Normals: Box and Muller, Ann. Math. Stat. 29, 610 (1958), on 24 bits; the largest is 5.9 standard deviations.
"""

import math

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from spinloom.magnetism import FAST, log_float32
from spinloom.nn.compiled import compile_loop

_BLOCK, _MEMBERS_BLOCK = 4096, 2048
_PARALLEL = 1 << 16
"""Neurons from which on more cores pay: numba's threads are not PyTorch's, which still spin after their last work."""
_FLOATS = (torch.float32, torch.float64)
_S3, _S5, _S7, _S9, _S11 = (np.float32((-1) ** (k // 2) / math.factorial(k)) for k in (3, 5, 7, 9, 11))
_HALF, _QUARTER, _TURN = np.float32(0.5), np.float32(0.25), np.float32(2 * math.pi)
_STEP, _TWO = np.float32(2.0**-24), np.float32(2)
_M1, _M2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_FIRST, _SECOND = 0x7FEB352D, 0x846CA68B - 2**32  # the same as signed numbers
_GOLDEN, _WORD = 0x9E3779B97F4A7C15, 2**64 - 1
_8, _15, _16 = np.uint32(8), np.uint32(15), np.uint32(16)


def look_up(
    x: Tensor, row: Tensor, curves: Tensor, grid: Tensor, noise: Tensor, key: Tensor, *, want_slope: bool
) -> tuple[Tensor, Tensor]:
    """Value read from each device and slope (empty unless wanted), both (batch, units) like x. NaN in, NaN out.

    x: (batch, units), float. row: (units,) int32, the row of each unit's device in the tables.
    curves, grid, noise: see `tables.Table`. key: (3,) int32 for a noisy read (see `read_key`), (0,) for none.
    """
    wide = (x if x.dtype in _FLOATS else x.float()).contiguous()  # half cannot place an input in its cell
    if x.device.type != "cpu" or curves.dtype not in _FLOATS:
        value, slope = plain_look_up(wide, row, curves, grid, noise, key, want_slope=want_slope)
    else:
        value = torch.empty_like(wide)
        slope = torch.empty_like(wide) if want_slope else value[:0]
        arrays = (t.numpy() for t in (wide, row, curves.view(-1), grid, noise.view(-1), key, value, slope))
        _loops[_many(wide)](*arrays, curves.shape[1])
    return value.to(x.dtype), slope.to(x.dtype)


def add_noise(out: Tensor, x: Tensor, row: Tensor, grid: Tensor, noise: Tensor, key: Tensor) -> Tensor:
    """`out` (batch, units), maybe in place, plus one read's noise of each device at x; arguments as for `look_up`."""
    wide = (x if x.dtype in _FLOATS else x.float()).contiguous()
    if x.device.type != "cpu" or noise.dtype not in _FLOATS or out.dtype != wide.dtype:
        within, part = _place(wide, grid, noise.shape[1])
        return out + (_linear(noise, 2 * (row * noise.shape[1] + within), part) * normals(x.shape, key)).to(out.dtype)
    out = out.contiguous()
    _noise_loops[_many(wide)](*(t.numpy() for t in (wide, row, grid, noise.view(-1), key, out)), noise.shape[1])
    return out


def _many(neurons: Tensor) -> bool:
    return neurons.numel() >= _PARALLEL and torch.get_num_threads() > 1


def plain_look_up(
    x: Tensor, row: Tensor, curves: Tensor, grid: Tensor, noise: Tensor, key: Tensor, *, want_slope: bool
) -> tuple[Tensor, Tensor]:
    """`look_up` by PyTorch's own operations."""
    cells = curves.shape[1]
    within, part = _place(x, grid, cells)
    cell = row * cells + within
    value = _linear(curves, 4 * cell, part)
    if key.shape[0]:
        value = value + _linear(noise, 2 * cell, part) * normals(x.shape, key)
    slope = _linear(curves, 4 * cell + 2, part) if want_slope else value[:0]
    return value.to(x.dtype), slope.to(x.dtype)


def _place(x: Tensor, grid: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Cell of each input and place in it."""
    along = ((x - grid[0]) * grid[1]).clamp(0, cells)  # the saturation
    within = along.to(torch.int32).clamp(0, cells - 1)  # the second clamp keeps NaN inside the table
    return within, along - within


def _linear(numbers: Tensor, start: Tensor, part: Tensor) -> Tensor:
    flat = numbers.view(-1)
    return flat[start] + part * flat[start + 1]


def read_key(seed: int, reads: int) -> tuple[int, int, int]:
    """Three signed 32-bit words for read number `reads` of the stream `seed`."""
    first = _splitmix(seed + _splitmix(reads))
    second = _splitmix(first)
    return _signed(first >> 32), _signed(first), _signed(second)


def normals(shape: torch.Size | tuple[int, int], key: Tensor) -> Tensor:
    """Independent standard normals, `shape` (batch, units) float32, for a key (3,) int32 on its device."""
    batch, units = shape
    row = torch.arange(batch, dtype=torch.int32, device=key.device)
    place = row[:, None] * units + torch.arange(units, dtype=torch.int32, device=key.device)
    word = _mix_tensor(_mix_tensor(place + key[0]) ^ key[1])
    turn = _mix_tensor(word + key[2])
    uniform, turn = (((one >> 8) & 0xFFFFFF).float() for one in (word, turn))  # the upper 24 bits
    uniform, angle = (uniform + 0.5) * 2.0**-24, turn * (2 * math.pi * 2.0**-24)
    return torch.sqrt(-2 * torch.log(uniform)) * torch.cos(angle)


def _mix_tensor(word: Tensor) -> Tensor:
    word = (word ^ ((word >> 16) & 0xFFFF)) * _FIRST
    word = (word ^ ((word >> 15) & 0x1FFFF)) * _SECOND
    return word ^ ((word >> 16) & 0xFFFF)


def _splitmix(word: int) -> int:
    word = (word + _GOLDEN) & _WORD
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)


def _signed(word: int) -> int:
    return ((word & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


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
    """The number that `normals` has at this place."""
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


def _all_blocks(x, row, curves, grid, noise, key, value, slope, cells):  # type: ignore[no-untyped-def]
    blocks = (x.shape[1] + _BLOCK - 1) // _BLOCK
    for task in prange(x.shape[0] * blocks):
        _block(task, blocks, x, row, curves, grid, noise, key, value, slope, cells)


def _all_noise(x, row, grid, noise, key, out, cells):  # type: ignore[no-untyped-def]
    for line in prange(x.shape[0]):
        first = np.uint32(line * x.shape[1])
        _add_noise(x[line], row, noise, grid[0], grid[1], cells, first, key, out[line])


_loops, _noise_loops = compile_loop(_all_blocks), compile_loop(_all_noise)


def look_up_members(x: Tensor, rows: Tensor, table: Tensor, grid: Tensor, keys: Tensor, place: Tensor) -> Tensor:
    """Values of many instances side by side, (batch, K, units), float32 or float64 like x, on the CPU.

    What an instance reads is what `look_up` gives it alone, noise included: every instance has its own key, and a unit
    its own place. Where all instances have the same input, cell and place in it are found once. Three short loops over
    one block, each a function of its own, are vectorised; one loop that does everything is not: 4 times as long.

    x: (batch, K, units), or (batch, 1, units) for the same input in every instance. rows: (K, units) int32, the row of
    each unit's device. table: (devices, cells, 4): value, its rise over the cell, noise, its rise. grid: see
    `tables.Table`. keys: (K, 3) int32, or (0, 3) for reads without noise. place: (units,) int32, numbers in the noise.
    """
    x = x.contiguous()
    out = x.new_empty(len(x), *rows.shape)
    arrays = (t.numpy() for t in (x, rows, table.view(-1), grid, keys, place, out))
    _members_loops[_many(out)](*arrays, table.shape[1])
    return out


@njit(fastmath=FAST, error_model="numpy")
def _cells_of(x, low, density, cells, start, part):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        cell, within = _inside(x[i], low, density, cells)
        start[i] = 4 * cell
        part[i] = within


@njit(fastmath=FAST, error_model="numpy")
def _draw_at(place, first, key0, key1, key2, normals):  # type: ignore[no-untyped-def]
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
def _members_block(image, begin, x, rows, table, grid, keys, place, out, cells):  # type: ignore[no-untyped-def]
    units = x.shape[2]
    end = min(begin + _MEMBERS_BLOCK, units)
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
            _draw_at(place[begin:end], first, key0, key1, key2, normals)
            _noisy(start, part, row, table, 4 * cells, normals, to)


def _all_members(x, rows, table, grid, keys, place, out, cells):  # type: ignore[no-untyped-def]
    blocks = (x.shape[2] + _MEMBERS_BLOCK - 1) // _MEMBERS_BLOCK
    for task in prange(x.shape[0] * blocks):
        begin = task % blocks * _MEMBERS_BLOCK
        _members_block(task // blocks, begin, x, rows, table, grid, keys, place, out, cells)


_members_loops = compile_loop(_all_members)
