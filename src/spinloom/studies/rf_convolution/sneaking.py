"""How far the weights of the parallel layout are from those of the filters it was made for."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.nn.radio import RFConv2d
from spinloom.studies.rf_convolution.networks import convolutions


@dataclass(frozen=True)
class Sneaking:
    """spacing: of neighbouring pixels, linewidths. errors: of every convolution, |W - W0| / |W0|, over all pixels of
    all chains. accuracy: of the network, 0 to 1."""

    spacing: float
    errors: tuple[float, ...]
    accuracy: float


def sneaking(network: nn.Module, moved: nn.Module) -> list[float]:
    """Relative errors of the weights of every convolution of `moved`, which `everywhere` made of `network`."""
    pairs = zip(convolutions(network), convolutions(moved), strict=True)
    with torch.no_grad():
        return [_error(sequential, parallel) for sequential, parallel in pairs]


def _error(sequential: RFConv2d, parallel: RFConv2d) -> float:
    wanted = _matrix(sequential, parallel)
    return float((parallel.weights().view_as(wanted) - wanted).norm() / wanted.norm())


def _matrix(sequential: RFConv2d, parallel: RFConv2d) -> torch.Tensor:
    """The filters as weights of every position for every pixel, (filters, positions, pixels)."""
    windows, (height, width) = sequential.windows, parallel.image or (0, 0)
    pixels = windows.channels * height * width
    single = torch.eye(pixels, dtype=torch.float64).view(pixels, windows.channels, height, width)
    out = F.conv2d(single, sequential.weights().double(), None, windows.stride, windows.padding)
    return out.flatten(2).permute(1, 2, 0)
