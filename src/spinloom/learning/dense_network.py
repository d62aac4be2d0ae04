"""A small DenseNet for small images, every activation a tanh module that can become devices."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.learning.networks import initialise
from spinloom.learning.resnet import require_image
from spinloom.seeding import Seed


def densenet(
    image: tuple[int, int, int] = (3, 32, 32),
    classes: int = 10,
    growth: int = 12,
    layers: Sequence[int] = (6, 6, 6),
    compression: float = 0.5,
    seed: Seed = 0,
) -> nn.Sequential:
    """A densely connected network with tanh neurons (Huang et al. 2016, arXiv 1608.06993), 161,002 parameters.

    image: (channels, height, width) of one input; input (n, *image) -> logits (n, classes).
    A 3x3 convolution to 2 `growth` channels, then one dense block per entry of `layers` with so many layers
    BN-tanh-convolution 3x3, each seeing all channels before it and adding `growth`; between blocks a transition
    BN-tanh-convolution 1x1-average pool 2x2 that keeps the share `compression` of the channels (rounded down); at the
    end BN, tanh, global average, linear. Why such a depth of tanh trains: see `resnet.resnet20`; the identity path is
    here the concatenation.

    Raises InputError if a size is < 1, compression is not in (0, 1] or leaves no channel, or the image is too small
    for the pools (2**(blocks - 1) pixels a side are needed).
    """
    if not layers:
        raise InputError("layers must name at least one dense block, got none; (6, 6, 6) is usual")
    require_image(image, len(layers) - 1, classes=classes, growth=growth, layers=min(layers))
    if not 0 < compression <= 1:
        raise InputError(f"compression must be in (0, 1], got {compression:g}")
    channels = 2 * growth
    parts = OrderedDict[str, nn.Module](conv1=_conv3(image[0], channels))
    for number, count in enumerate(layers, 1):
        if number > 1:
            kept = int(channels * compression)
            if kept < 1:
                raise InputError(f"compression {compression:g} leaves none of {channels} channels; give a larger one")
            parts[f"transition{number - 1}"] = _transition(channels, kept)
            channels = kept
        parts[f"block{number}"] = nn.Sequential(*(_DenseLayer(channels + i * growth, growth) for i in range(count)))
        channels += count * growth
    parts |= {"bn": nn.BatchNorm2d(channels), "act": nn.Tanh(), "pool": nn.AdaptiveAvgPool2d(1)}
    parts |= {"flatten": nn.Flatten(), "linear": nn.Linear(channels, classes)}
    return initialise(nn.Sequential(parts), seed)


class _DenseLayer(nn.Module):
    """(n, before, h, w) -> (n, before + growth, h, w): the input, and behind it what is computed from it."""

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        self.bn, self.act, self.conv = nn.BatchNorm2d(before), nn.Tanh(), _conv3(before, growth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.conv(self.act(self.bn(x)))], 1)


def _transition(before: int, after: int) -> nn.Sequential:
    parts: dict[str, nn.Module] = {"bn": nn.BatchNorm2d(before), "act": nn.Tanh()}
    parts |= {"conv": nn.Conv2d(before, after, 1, bias=False), "pool": nn.AvgPool2d(2)}
    return nn.Sequential(OrderedDict(parts))


def _conv3(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1, bias=False)
