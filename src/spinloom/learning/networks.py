"""Plain networks: for images, with `nn.Tanh` modules that can become devices, and many at once, to compare with.

A max pool stands before its tanh, not behind it: the two commute because tanh is monotone, and a quarter of the
devices then serve the layer. The junction's own curve is monotone too over its driven range.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.seeding import Seed, child_seed, generator

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
    planes, height, width = image
    sizes = (planes * height * width, *hidden)
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return initialise(nn.Sequential(*layers, nn.Linear(sizes[-1], classes)), seed)


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
            own = generator(child_seed(source))
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=fan_in**-0.5, generator=own)
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
