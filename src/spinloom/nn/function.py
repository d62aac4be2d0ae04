"""The device in autograd: the slope that was read is the gradient."""

from typing import Any

import torch

from spinloom.errors import InputError


def with_slope(x: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """`value`, whose gradient with respect to x is upstream * `slope`; all three have one shape.

    The slope is what the hardware offers and need not be the derivative of the value. It is a reading, which has no
    derivative: a backward pass with create_graph=True raises InputError.
    """
    return _Device.apply(x, value, slope)


class _Device(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(slope)
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: autograd would take the reading for a constant, silently
            raise InputError(
                "devices give slopes as readings, which have no derivative (create_graph=True); "
                "take second derivatives of the software network"
            )
        return upstream * slope, None, None
