"""The device in autograd: the slope that was read is the gradient."""

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def with_slope(x: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """`value`, whose gradient with respect to x is upstream * `slope`; all three have one shape.

    The slope is what the hardware offers and need not be the derivative of the value. It is not differentiable.
    """
    return _Device.apply(x, value, slope)


class _Device(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(slope)
        return value.view_as(value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return upstream * slope, None, None
