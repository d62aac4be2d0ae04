"""Three ways to the slope of a layer's devices: their own gradient read, the exact derivative, finite differences."""

from typing import TYPE_CHECKING, Literal

import torch

from spinloom.nn.converters import quantised
from spinloom.nn.kernels import add_noise, look_up

if TYPE_CHECKING:
    from spinloom.nn.activation import DeviceActivation

Gradient = Literal["device", "exact", "difference"]
GRADIENTS: tuple[Gradient, ...] = ("device", "exact", "difference")


def read(layer: "DeviceActivation", x: torch.Tensor, slope: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """The devices' own slope at x (batch, units) as it is read: noise of that read, then its converter."""
    if len(key) and layer.noisy_slope:
        slope = add_noise(slope, x, layer.rows, layer.grid, layer.slope_noise, key)
    return quantised(slope, layer.slope_scale, layer.converters.slope)


def exact(layer: "DeviceActivation", x: torch.Tensor) -> torch.Tensor:
    """Derivative of each device's tabulated value at x: the rise of its cell; 0 beyond the driven range."""
    curves = layer.curves
    rise = curves[..., 1] * layer.grid[1]
    steps = torch.stack([curves[..., 0], curves[..., 1], rise, torch.zeros_like(rise)], dim=-1)
    silent = torch.empty(0, dtype=torch.int32, device=x.device)
    slope = look_up(x, layer.rows, steps, layer.grid, layer.noise, silent, want_slope=True)[1]
    low, high = layer.grid[0], layer.grid[0] + curves.shape[1] / layer.grid[1]
    return slope * ((x >= low) & (x <= high))


def difference(layer: "DeviceActivation", x: torch.Tensor) -> torch.Tensor:
    """(value at x + h - value at x - h) / 2 h, each read with its own noise and converter."""
    step = layer.difference_step
    above, below = (layer.read_value(x + shift) for shift in (step, -step))
    return (above - below) / (2 * step)
