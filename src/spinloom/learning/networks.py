"""Networks for images, every activation a tanh module that can become devices; and many at once, to compare with."""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError, require_positive
from spinloom.nn import BinaryLinear, Sign
from spinloom.seeding import Seed, child_seed, generator

ORDERS = ("pre", "post")
_STAGES = 3
FASHION_CHANNELS = (64, 64, 128)
"""Convolution widths that reach more than 92 % on Fashion-MNIST."""


def fashion_cnn(
    image: tuple[int, int, int] = (1, 28, 28),
    classes: int = 10,
    channels: Sequence[int] = FASHION_CHANNELS,
    hidden: int = 128,
    dropout: float = 0.0,
    seed: Seed = 0,
) -> nn.Sequential:
    """A tanh convolutional network: per width 3x3 convolution, 2x2 max pool, tanh; then two linear layers.

    The pool stands before the tanh: the two commute, as tanh and a junction's curve are monotone, and a quarter of the
    devices then serve the layer.
    image: (channels, height, width) of one input; input (n, *image) -> logits (n, classes).
    dropout: fraction dropped before each linear layer while training.
    Raises InputError if the image is too small for the pools or a size is not positive.
    """
    require_image(image, len(channels), classes=classes, hidden=hidden, channels=min(channels, default=1))
    planes, height, width = image
    layers: list[nn.Module] = []
    for wide in channels:
        layers += [nn.Conv2d(planes, wide, 3, padding=1), nn.MaxPool2d(2), nn.Tanh()]
        planes, height, width = wide, height // 2, width // 2
    layers += [nn.Flatten(), nn.Dropout(dropout), nn.Linear(planes * height * width, hidden), nn.Tanh()]
    layers += [nn.Dropout(dropout), nn.Linear(hidden, classes)]
    return initialise(nn.Sequential(*layers), seed)


def fashion_cnn_like(tensors: Mapping[str, torch.Tensor], image: tuple[int, int, int], classes: int) -> nn.Sequential:
    """The network of this family whose widths are those of a state dict (else of the default, to be compared)."""
    in_order = [tensors[name] for name in sorted(tensors, key=_by_number)]
    channels = [len(t) for t in in_order if t.ndim == 4] or list(FASHION_CHANNELS)
    hidden = [len(t) for t in in_order if t.ndim == 2] or [128]
    return fashion_cnn(image, classes, channels, hidden[0])


def mlp(
    image: tuple[int, int, int] = (1, 28, 28), classes: int = 10, hidden: Sequence[int] = (256, 128), seed: Seed = 0
) -> nn.Sequential:
    """A tanh multilayer perceptron, (n, *image) -> logits (n, classes), `hidden` neurons per hidden layer."""
    require_image(image, 0, classes=classes, hidden=min(hidden, default=1))
    sizes = math.prod(image), *hidden
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return initialise(nn.Sequential(*layers, nn.Linear(sizes[-1], classes)), seed)


def binary_mlp(
    sizes: Sequence[int] = (784, 512, 512, 10),
    *,
    running_statistics: bool = True,
    start: float = 0.05,
    seed: Seed = 0,
) -> nn.Sequential:
    """A multilayer perceptron with binary weights and activations, (n, ...) -> logits (n, classes).

    sizes: inputs (numbers of any size), hidden layers, classes. Per layer a `BinaryLinear` without bias and a batch
    norm with gain and shift, between layers `Sign`, as in Laborieux et al. 2021 (Nature Communications 12, 2549).
    running_statistics: batch norms keep them for evaluation; without, every batch is normalised by its own.
    start: hidden weights begin uniform in -start to start.
    Raises InputError for fewer than two sizes, sizes below 1, or a start that is not > 0.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"a network needs two sizes >= 1, inputs and classes, got {tuple(sizes)}")
    require_positive("", start=start)
    source, layers = generator(seed), list[nn.Module]([nn.Flatten()])
    for number, (before, after) in enumerate(pairwise(sizes)):
        linear = BinaryLinear(before, after)
        nn.init.uniform_(linear.weight, -start, start, generator(child_seed(source)))
        layers += [Sign()] if number else []
        layers += [linear, nn.BatchNorm1d(after, track_running_stats=running_statistics)]
    return nn.Sequential(*layers)


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

    Batch norm in front of every tanh holds its drive at mean 0 and variance 1 whatever the depth, where the mean slope
    is about 0.6; weights of variance 1/fan-in start it there. In "pre" nothing stands on the identity path, so depth
    costs no gradient. In "post" a tanh after each addition shrinks the signal, and batch norms that blow it up again
    multiply gradients (40-fold from last to first layer at 9 blocks); each block's last batch norm therefore starts at
    gain 1/sqrt(3 blocks), so that all branches together add a variance of 1.

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
        after, stride = width * 2**stage, 1 + (stage > 0)
        more = (_Block(after, after, 1, pre) for _ in range(blocks - 1))
        layers[f"layer{stage + 1}"] = nn.Sequential(_Block(before, after, stride, pre), *more)
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
    end BN, tanh, global average, linear.

    Raises InputError if a size is < 1, compression is not in (0, 1] or leaves no channel, or the image is too small.
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
            transition = {"bn": nn.BatchNorm2d(channels), "act": nn.Tanh()}
            transition |= {"conv": nn.Conv2d(channels, kept, 1, bias=False), "pool": nn.AvgPool2d(2)}
            parts[f"transition{number - 1}"] = nn.Sequential(OrderedDict(transition))
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


def _conv3(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)


class MemberMLP(nn.Module):
    """Multilayer perceptrons with ReLU and biases, one for every seed.

    x (batch, inputs) for all or (members, batch, inputs) -> logits (members, batch, classes). sizes: inputs, hidden
    layers, classes. seeds: of the initial weights, uniform in +-1 / sqrt(inputs), as PyTorch's linear layers begin.

    Parameters of layer n: `weights[n]` (members, outputs, inputs), `biases[n]` (members, 1, outputs).
    Raises InputError for fewer than two sizes, sizes below 1, no seed, or inputs of another length.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int]) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1 or not seeds:
            raise InputError(f"a network needs two sizes >= 1 and a seed, got sizes {tuple(sizes)}, {len(seeds)} seeds")
        sources = [generator(seed) for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in pairwise(sizes):
            for store, shape in ((self.weights, (after, before)), (self.biases, (1, after))):
                drawn = torch.stack([2 * torch.rand(shape, generator=source) - 1 for source in sources])
                store.append(nn.Parameter(drawn / before**0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        members, _, inputs = self.weights[0].shape
        if x.shape[-1] != inputs:
            raise InputError(f"the network takes {inputs} inputs, got {tuple(x.shape)}")
        x = x.expand(members, -1, -1)
        for number, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if number else x, weights.transpose(1, 2))
        return x


def initialise(model: nn.Sequential, seed: Seed) -> nn.Sequential:
    """Draw all weights with variance 1/fan-in (LeCun 1998: keeps tanh units in their active range), biases 0."""
    source = generator(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            std, own = module.weight[0].numel() ** -0.5, generator(child_seed(source))
            nn.init.normal_(module.weight, std=std, generator=own)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


def count_parameters(model: nn.Module) -> int:
    """Number of trainable weights and biases."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def require_image(image: tuple[int, int, int], halvings: int, **sizes: int) -> None:
    """Raise InputError for a size < 1, or an image (channels, height, width) too small to be halved so often."""
    if min(*image, *sizes.values()) < 1:
        given = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"network sizes must be >= 1, got image {image}, {given}")
    if min(image[1:]) < 2**halvings:
        least = f"{2**halvings}x{2**halvings}"
        raise InputError(f"an image of {image[1]}x{image[2]} is too small for {halvings} halvings; give >= {least}")


def _by_number(name: str) -> tuple[tuple[int, str], ...]:
    """ "3.weight" before "11.weight"."""
    return tuple((int(part) if part.isdecimal() else 0, part) for part in name.split("."))
