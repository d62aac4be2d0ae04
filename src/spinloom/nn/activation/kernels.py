"""The element-wise look-up: value, slope and noise of every neuron's device.

`fused` holds the same as one compiled loop for the CPU; this one serves other devices and is the reference.
"""

import torch

from spinloom.nn.activation import fused
from spinloom.nn.activation.noise import normals


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
    """Value read from each device and slope (empty unless wanted), both (batch, units) like x. NaN in, NaN out.

    x: (batch, units), float. row: (units,) int32, the row of each unit's device in the tables.
    curves, grid, noise: see `tables.Table`. key: (3,) int32 for a noisy read (see `noise.read_key`), (0,) for none.
    """
    wide = x if x.dtype in (torch.float32, torch.float64) else x.float()  # half cannot place an input in its cell
    here = x.device.type == "cpu" and curves.dtype in (torch.float32, torch.float64)
    kernel = fused.look_up if here else plain_look_up
    value, slope = kernel(wide, row, curves, grid, noise, key, want_slope=want_slope)
    return (value, slope) if wide is x else (value.to(x.dtype), slope.to(x.dtype))


def add_noise(
    out: torch.Tensor, x: torch.Tensor, row: torch.Tensor, grid: torch.Tensor, noise: torch.Tensor, key: torch.Tensor
) -> torch.Tensor:
    """`out` (batch, units) plus one read's noise of each device at its input x; arguments as for `look_up`."""
    wide = x if x.dtype in (torch.float32, torch.float64) else x.float()
    here = x.device.type == "cpu" and noise.dtype in (torch.float32, torch.float64) and out.dtype == wide.dtype
    kernel = fused.add_noise if here else plain_add_noise
    return kernel(out, wide, row, grid, noise, key)


def plain_add_noise(
    out: torch.Tensor, x: torch.Tensor, row: torch.Tensor, grid: torch.Tensor, noise: torch.Tensor, key: torch.Tensor
) -> torch.Tensor:
    """`add_noise` by PyTorch's own operations."""
    within, part = _place(x, grid, noise.shape[1])
    return out + (_linear(noise, 2 * (row * noise.shape[1] + within), part) * normals(x.shape, key)).to(out.dtype)


def plain_look_up(
    x: torch.Tensor,
    row: torch.Tensor,
    curves: torch.Tensor,
    grid: torch.Tensor,
    noise: torch.Tensor,
    key: torch.Tensor,
    *,
    want_slope: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`look_up` by PyTorch's own operations."""
    cells = curves.shape[1]
    within, part = _place(x, grid, cells)
    cell = row * cells + within
    value = _linear(curves, 4 * cell, part)
    if key.shape[0]:
        value = value + _linear(noise, 2 * cell, part) * normals(x.shape, key)
    slope = _linear(curves, 4 * cell + 2, part) if want_slope else value[:0]
    return value.to(x.dtype), slope.to(x.dtype)


def _place(x: torch.Tensor, grid: torch.Tensor, cells: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cell of each input and place in it."""
    along = ((x - grid[0]) * grid[1]).clamp(0, cells)  # the saturation
    within = along.to(torch.int32).clamp(0, cells - 1)  # the second clamp keeps NaN inside the table
    return within, along - within


def _linear(numbers: torch.Tensor, start: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    flat = numbers.view(-1)
    return flat[start] + part * flat[start + 1]
