"""A convolutional network of resonators and oscillators, its twin with ordinary weights, and its parallel layout."""

import copy
import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.learning.networks import initialise
from spinloom.nn.radio import SENSITIVITY, Band, Oscillators, ResonatorChains, RFConv2d, plan
from spinloom.seeding import child_seed, generator

KERNEL = 5
POWER = 1e-6
"""W of a white pixel."""
READOUT = 1e3
"""Logits per volt."""
BIAS = 4e-3
"""V, of the oscillators: without a signal they are a little above threshold, so that none is dead at the start."""
SHIFT = 0.5
"""Standard deviation of initial shifts times the square root of the fan-in, half linewidths. A small shift s is a
weight of 2 s, so that the weights of both networks start with a variance of 1 / fan-in."""


class Powers(nn.Module):
    """Normalised pixels, as training tools give them, back to x in [0, 1], and to powers x * 1 uW."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, data: ImageSet) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(data.mean)[:, None, None])
        self.register_buffer("deviation", torch.tensor(data.std)[:, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (POWER * (x * self.deviation + self.mean)).clamp(min=0).contiguous()


class Gain(nn.Module):
    """x times a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x


def radio_cnn(data: ImageSet, channels: tuple[int, int], linewidth: float, seed: int) -> nn.Sequential:
    """Images (n, c, height, width) -> logits (n, classes), by resonators and oscillators.

    The largest of 2 x 2 powers goes on; it is taken of the voltages, so that a quarter of the oscillators do. Raises
    InputError for images too small, or a linewidth at which the band does not resolve the frequencies.
    """
    first, second = channels
    planes, rest = data.shape[0], _features(data, second)
    source = generator(seed)

    def convolution(before: int, after: int) -> RFConv2d:
        shift = SHIFT / (before * KERNEL**2) ** 0.5
        return RFConv2d(before, after, KERNEL, linewidth=linewidth, shift=shift, seed=child_seed(source))

    grid, shift = plan("geometric", rest, Band(), linewidth), SHIFT / rest**0.5
    readout = ResonatorChains(grid, len(data.classes), linewidth=linewidth, shift=shift, seed=child_seed(source))
    return _stack(data, channels, [convolution(planes, first)], [convolution(first, second)], [readout])


def radio_cnn_in_software(data: ImageSet, channels: tuple[int, int], seed: int) -> nn.Sequential:
    """The same network with a free number for every resonator, in units of its sensitivity; activations as there."""
    first, second = channels
    filters = nn.Conv2d(data.shape[0], first, KERNEL), nn.Conv2d(first, second, KERNEL)
    readout = nn.Linear(_features(data, second), len(data.classes))
    weighted = [[Gain(1 / POWER), layer, Gain(SENSITIVITY * POWER)] for layer in (*filters, readout)]
    return initialise(_stack(data, channels, *weighted), seed)


def _stack(
    data: ImageSet, channels: tuple[int, int], first: list[Any], second: list[Any], readout: list[Any]
) -> nn.Sequential:
    """Two convolutions, each with a pool and oscillators behind it, and a readout."""
    pooled = [[nn.MaxPool2d(2), Oscillators(count, bias=BIAS, dimension=-3)] for count in channels]
    parts = [Powers(data), *first, *pooled[0], *second, *pooled[1], nn.Flatten(), *readout, Gain(READOUT)]
    return nn.Sequential(*parts)


def convolutions(network: nn.Module) -> list[RFConv2d]:
    """In order."""
    return [module for module in network.modules() if isinstance(module, RFConv2d)]


def lay_out_parallel(network: nn.Sequential, image: tuple[int, int], spacing: float) -> nn.Sequential:
    """A copy whose convolutions are in the parallel layout, pixels `spacing` linewidths apart.

    The linewidth is chosen for that. The sensitivity is raised where a weight, to which a whole chain contributes,
    exceeds it.
    """
    layers: list[nn.Module] = []
    band, size = Band(), image
    for module in network:
        if isinstance(module, RFConv2d):
            lines = module.windows.channels * size[0] * size[1]
            linewidth, largest = linewidth_for(spacing, lines, band), float(module.weights().detach().abs().max())
            most = max(module.sensitivity, 1.000001 * largest)
            # float32 does not resolve narrow lines
            layers.append(module.parallel(size, linewidth=linewidth, sensitivity=most, dtype=torch.float64).eval())
            size = module.windows.output(*size)
            continue
        layers.append(copy.deepcopy(module))
        if isinstance(module, nn.MaxPool2d):
            size = size[0] // 2, size[1] // 2
    return nn.Sequential(*layers)


def _features(data: ImageSet, channels: int) -> int:
    height, width = (((side - KERNEL + 1) // 2 - KERNEL + 1) // 2 for side in data.shape[1:])
    if min(height, width) < 1:
        raise InputError(f"images of {data.shape[1]} x {data.shape[2]} are too small for the network: 16 x 16 at least")
    return channels * height * width


def linewidth_for(spacing: float, lines: int, band: Band) -> float:
    """Half linewidth over frequency at which a geometric plan of so many frequencies has this spacing, linewidths."""
    return math.log(band.high / band.low) / (max(lines - 1, 1) * 2 * spacing)


@torch.no_grad()
def sneak_errors(network: nn.Module, moved: nn.Module) -> list[float]:
    """How far sneak paths take the weights of `moved`, which `lay_out_parallel` made of `network`: |W - W0| / |W0|.

    Of every convolution, over all pixels of all chains.
    """
    errors = []
    for sequential, parallel in zip(convolutions(network), convolutions(moved), strict=True):
        windows, (height, width) = sequential.windows, parallel.image or (0, 0)
        pixels = windows.channels * height * width
        single = torch.eye(pixels, dtype=torch.float64).view(pixels, windows.channels, height, width)
        out = F.conv2d(single, sequential.weights().double(), None, windows.stride, windows.padding)
        wanted = out.flatten(2).permute(1, 2, 0)  # of every position for every pixel, (filters, positions, pixels)
        errors.append(float((parallel.weights().view_as(wanted) - wanted).norm() / wanted.norm()))
    return errors
