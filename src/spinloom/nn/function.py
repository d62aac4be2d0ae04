"""The device in autograd: its own slope is the gradient."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from spinloom.nn import kernels
from spinloom.nn.compiled import Fused

_value, _value_slope = Fused(kernels.value), Fused(kernels.value_slope)
_noisy_value, _noisy_value_slope = Fused(kernels.noisy_value), Fused(kernels.noisy_value_slope)


def respond(x: torch.Tensor, *tables: torch.Tensor) -> torch.Tensor:
    """Output of the devices for x (batch, units); `tables` are the further arguments of a kernel, see `kernels`.

    Six arguments mean a noisy read. The gradient with respect to x is upstream * slope of the device, which need not be
    the derivative of its value; it is itself not differentiable.
    """
    if torch.is_grad_enabled() and x.requires_grad:
        return _Device.apply(x, *tables)
    kernel = _value if len(tables) == 3 else _noisy_value
    return kernel(_working(x), *tables).to(x.dtype)


class _Device(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, *tables: torch.Tensor) -> torch.Tensor:
        kernel = _value_slope if len(tables) == 3 else _noisy_value_slope
        value, slope = kernel(_working(x), *tables)
        ctx.tables = len(tables)
        ctx.save_for_backward(slope.to(x.dtype))
        return value.to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return upstream * slope, *([None] * ctx.tables)


def _working(x: torch.Tensor) -> torch.Tensor:
    """Half precision cannot place an input within a cell: look up in single."""
    return x.detach() if x.dtype in (torch.float32, torch.float64) else x.detach().float()
