"""ResNet-20 and its deeper kin for small images, every activation a tanh module that can become devices."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.learning.networks import initialise
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
    layers = OrderedDict[str, nn.Module](conv1=_conv3(image[0], width, 1))
    if not pre:
        layers |= {"bn1": nn.BatchNorm2d(width), "act1": nn.Tanh()}
    before = width
    for stage in range(_STAGES):
        after = width * 2**stage
        sizes = [(before, after, 1 + (stage > 0))] + [(after, after, 1)] * (blocks - 1)
        layers[f"layer{stage + 1}"] = nn.Sequential(*((_Pre if pre else _Post)(*size) for size in sizes))
        before = after
    if pre:
        layers |= {"bn": nn.BatchNorm2d(before), "act": nn.Tanh()}
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "linear": nn.Linear(before, classes)}
    model = nn.Sequential(layers)
    for block in model.modules():
        if isinstance(block, _Post):
            nn.init.constant_(block.bn2.weight, (_STAGES * blocks) ** -0.5)
    return initialise(model, seed)


def require_image(image: tuple[int, int, int], halvings: int, **sizes: int) -> None:
    """Raise InputError for a size < 1, or an image (channels, height, width) too small to be halved so often."""
    if min(*image, *sizes.values()) < 1:
        given = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"network sizes must be >= 1, got image {image}, {given}")
    if min(image[1:]) < 2**halvings:
        least = f"{2**halvings}x{2**halvings}"
        raise InputError(f"an image of {image[1]}x{image[2]} is too small for {halvings} halvings; give >= {least}")


class _Shortcut(nn.Module):
    """Option A: every `stride`-th pixel, new channels zero, half of them before and half behind."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        front = (after - before) // 2
        self.stride, self.new = stride, (front, after - before - front)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *self.new))


class _Block(nn.Module):
    """Two convolutions and a shortcut, (n, before, h, w) -> (n, after, h / stride, w / stride) rounded up."""

    def __init__(self, before: int, after: int, stride: int, normed: int) -> None:
        super().__init__()
        self.bn1, self.act1, self.conv1 = nn.BatchNorm2d(normed), nn.Tanh(), _conv3(before, after, stride)
        self.bn2, self.act2, self.conv2 = nn.BatchNorm2d(after), nn.Tanh(), _conv3(after, after, 1)
        plain = stride == 1 and before == after
        self.shortcut = nn.Identity() if plain else _Shortcut(before, after, stride)


class _Pre(_Block):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__(before, after, stride, normed=before)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.conv1(self.act1(self.bn1(x)))
        return self.shortcut(x) + self.conv2(self.act2(self.bn2(inner)))


class _Post(_Block):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__(before, after, stride, normed=after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.act1(self.bn1(self.conv1(x)))
        return self.act2(self.shortcut(x) + self.bn2(self.conv2(inner)))


def _conv3(before: int, after: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
