"""The element-wise look-up: value, slope and noise of every neuron's device in one pass over memory.

Arguments of every kernel: x (batch, units); row (units,) or (1,) int32, the table row of each unit; curves and grid of
`tables.Table`. Noisy kernels also take noise of the table and key (3,) int32. NaN in, NaN out.
"""

import torch

from spinloom.nn.noise import normals


def value(x: torch.Tensor, row: torch.Tensor, curves: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Value of each device at its input, (batch, units)."""
    cell, part = _locate(x, row, curves, grid)
    return _linear(curves, 4 * cell, part)


def value_slope(
    x: torch.Tensor, row: torch.Tensor, curves: torch.Tensor, grid: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Value and slope, each (batch, units)."""
    cell, part = _locate(x, row, curves, grid)
    return _linear(curves, 4 * cell, part), _linear(curves, 4 * cell + 2, part)


def noisy_value(
    x: torch.Tensor,
    row: torch.Tensor,
    curves: torch.Tensor,
    grid: torch.Tensor,
    noise: torch.Tensor,
    key: torch.Tensor,
) -> torch.Tensor:
    """Value with the noise of one read, (batch, units)."""
    cell, part = _locate(x, row, curves, grid)
    return _linear(curves, 4 * cell, part) + _linear(noise, 2 * cell, part) * normals(x, key)


def noisy_value_slope(
    x: torch.Tensor,
    row: torch.Tensor,
    curves: torch.Tensor,
    grid: torch.Tensor,
    noise: torch.Tensor,
    key: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Value with the noise of one read, and slope (noise contributes nothing), each (batch, units)."""
    cell, part = _locate(x, row, curves, grid)
    read = _linear(curves, 4 * cell, part) + _linear(noise, 2 * cell, part) * normals(x, key)
    return read, _linear(curves, 4 * cell + 2, part)


def _locate(
    x: torch.Tensor, row: torch.Tensor, curves: torch.Tensor, grid: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cell (int32, counted over all devices) and place in it (0 to 1); the clamp is the saturation."""
    cells = curves.shape[1]
    along = ((x - grid[0]) * grid[1]).clamp(0, cells)
    within = along.to(torch.int32).clamp(0, cells - 1)  # the second clamp keeps NaN inside the table
    return row * cells + within, along - within


def _linear(numbers: torch.Tensor, start: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    flat = numbers.view(-1)
    return flat[start] + part * flat[start + 1]
