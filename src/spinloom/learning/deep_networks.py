"""Deep networks for small images, every activation a tanh module that can become devices."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.learning.networks import initialise, require_image
from spinloom.seeding import Seed

ORDERS = ("pre", "post")
_STAGES = 3


def resnet20(
    image: tuple[int, int, int] = (3, 32, 32),
    classes: int = 10,
    width: int = 16,
    blocks: int = 3,
    order: str = "pre",
    seed: Seed = 0,
) -> nn.Sequential:
    """A residual network with tanh neurons, of 6 `blocks` + 2 layers with weights (20 by default).

    image: (channels, height, width) of one input; input (n, *image) -> logits (n, classes).
    Three stages of `blocks` basic blocks with width, 2 width and 4 width channels, stride 2 at the start of stages 2
    and 3, shortcuts without weights (option A), global average, linear (He et al. 2015, arXiv 1512.03385, 4.2).
    order: "post", tanh(shortcut + BN(conv(tanh(BN(conv(x)))))), that paper's order and parameter names (conv1, bn1,
        layer1.0.conv1, ..., linear); "pre", x + conv(tanh(BN(conv(tanh(BN(x)))))) with BN and tanh before the average
        (He et al. 2016, arXiv 1603.05027).

    Deep tanh networks are hard to train when drives leave the active range, where the slope vanishes, or shrink from
    layer to layer. Here batch norm in front of every tanh holds each neuron's drive at mean 0 and variance 1 whatever
    the depth, where the mean slope is about 0.6; weights of variance 1/fan-in (LeCun 1998) start it there; and the
    identity path carries gradients past the blocks. In "pre" nothing stands on that path, so depth costs no gradient.
    In "post" a tanh after each addition shrinks the signal, and batch norms that blow it up again multiply gradients
    (40-fold from last to first layer at 9 blocks); each block's last batch norm therefore starts at gain
    1/sqrt(3 blocks), so that all branches together add a variance of 1.

    Raises InputError if a size is < 1, the image is smaller than 4x4, or the order is unknown.
    """
    if order not in ORDERS:
        raise InputError(f"order must be one of {', '.join(map(repr, ORDERS))}, got {order!r}")
    require_image(image, _STAGES - 1, classes=classes, width=width, blocks=blocks)
    pre = order == "pre"
    layers = OrderedDict[str, nn.Module](conv1=_conv3(image[0], width))
    if not pre:
        layers |= {"bn1": nn.BatchNorm2d(width), "act1": nn.Tanh()}
    before = width
    for stage in range(_STAGES):
        after = width * 2**stage
        sizes = [(before, after, 1 + (stage > 0))] + [(after, after, 1)] * (blocks - 1)
        layers[f"layer{stage + 1}"] = nn.Sequential(*(_Block(start, end, stride, pre) for start, end, stride in sizes))
        before = after
    if pre:
        layers |= {"bn": nn.BatchNorm2d(before), "act": nn.Tanh()}
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "linear": nn.Linear(before, classes)}
    model = nn.Sequential(layers)
    for block in model.modules():
        if isinstance(block, _Block) and not pre:
            nn.init.constant_(block.bn2.weight, (_STAGES * blocks) ** -0.5)
    return initialise(model, seed)


class _Shortcut(nn.Module):
    """Option A: every `stride`-th pixel, new channels zero, half of them before and half behind."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        front = (after - before) // 2
        self.stride, self.new = stride, (front, after - before - front)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *self.new))


class _Block(nn.Module):
    """Two convolutions and a shortcut, (n, before, h, w) -> (n, after, h / stride, w / stride) rounded up."""

    def __init__(self, before: int, after: int, stride: int, pre: bool) -> None:
        super().__init__()
        self.bn1, self.act1 = nn.BatchNorm2d(before if pre else after), nn.Tanh()
        self.conv1 = _conv3(before, after, stride)
        self.bn2, self.act2, self.conv2 = nn.BatchNorm2d(after), nn.Tanh(), _conv3(after, after)
        plain = stride == 1 and before == after
        self.shortcut, self.pre = nn.Identity() if plain else _Shortcut(before, after, stride), pre

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.pre:
            return self.shortcut(x) + self.conv2(self.act2(self.bn2(self.conv1(self.act1(self.bn1(x))))))
        return self.act2(self.shortcut(x) + self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x))))))


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
    end BN, tanh, global average, linear. Why such a depth of tanh trains: see `resnet20`; the identity path is
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


def _conv3(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
