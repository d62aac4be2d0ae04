"""Networks of signs: weights and activations are -1 or +1, and learn through the numbers behind them.

The gradient goes straight through the sign (Hinton 2012; Hubara et al. 2016, arXiv 1602.02830): the number that a sign
is taken of, the hidden weight say, receives the gradient of the sign.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spinloom.errors import InputError


class _Binarised(torch.autograd.Function):
    """The sign, and in backward the gradient of it where |x| <= window."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, window: float) -> Tensor:
        return (x < 0).to(x.dtype).mul_(-2).add_(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        x, window = inputs
        ctx.save_for_backward(*(() if window == math.inf else (x.abs() <= window,)))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        for inside in ctx.saved_tensors:
            gradient = gradient * inside
        return gradient, None


def binarise(x: Tensor, window: float = 1.0) -> Tensor:
    """-1 where x < 0, else +1 (0 and NaN included), of x's shape and floating-point type.

    The gradient passes unchanged where |x| <= window and is 0 elsewhere; math.inf lets it pass everywhere.
    Raises InputError for another type than floating point, or a window that is not > 0.
    """
    if not x.is_floating_point():
        raise InputError(f"signs are taken of floating-point numbers, got {x.dtype}; convert with .float()")
    if not window > 0:
        raise InputError(f"window must be > 0 (1 is usual, math.inf lets every gradient pass), got {window:g}")
    return _Binarised.apply(x, window)


class Sign(nn.Module):
    """`binarise` as an activation, (...) -> (...): -1 or +1, gradient where |x| <= 1."""

    def forward(self, x: Tensor) -> Tensor:
        return binarise(x)


class BinaryLinear(nn.Linear):
    """A linear layer that computes with the signs of its weights, (..., inputs) -> (..., outputs).

    `weight` (outputs, inputs) is the hidden weight: it takes the whole gradient of its sign and is never clipped.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = False) -> None:
        super().__init__(in_features, out_features, bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, binarise(self.weight, math.inf), self.bias)


class BinaryConv2d(nn.Conv2d):
    """A convolution with the signs of its weights, arguments of nn.Conv2d, no bias by default.

    (n, in, height, width) -> (n, out, ...). `weight` (out, in / groups, *kernel) is hidden, as that of `BinaryLinear`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        bias: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=bias, **more)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, binarise(self.weight, math.inf), self.bias)
