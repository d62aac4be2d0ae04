"""The device in autograd: its own slope is the gradient."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from spinloom.nn.kernels import look_up


def respond(x: torch.Tensor, *tables: torch.Tensor) -> torch.Tensor:
    """Output of the devices for x (batch, units); `tables` are row, curves, grid, noise and key of `kernels.look_up`.

    The gradient with respect to x is upstream * slope of the device, which need not be the derivative of its value; it
    is itself not differentiable.
    """
    if x.requires_grad and torch.is_grad_enabled():
        return _Device.apply(x, *tables)
    return look_up(x.detach(), *tables, want_slope=False)[0]


class _Device(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, *tables: torch.Tensor) -> torch.Tensor:
        value, slope = look_up(x.detach(), *tables, want_slope=True)
        ctx.save_for_backward(slope)
        ctx.others = (None,) * len(tables)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return upstream * slope, *ctx.others
