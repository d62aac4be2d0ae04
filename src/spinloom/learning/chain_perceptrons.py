"""Sparse perceptrons of resonators that find their inputs: chains of few resonators, at random in the band."""

import math

import torch

from spinloom.learning.frequencies import Narrowing, fit_narrowing, jump, scatter
from spinloom.learning.members import Course
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains, plan
from spinloom.progress import Report, silent
from spinloom.seeding import generator

STILL = Narrowing(start=1e-9, share=0.05, until=0.3)
"""Descent at the device's own linewidth, between jumps."""


def sparse_chains(
    inputs: torch.Tensor,
    classes: int,
    resonators: int,
    linewidth: float,
    band: Band,
    seeds: tuple[int, ...],
    train: bool,
) -> RadioNetwork:
    """One layer of chains with resonators at random in the band. inputs: their frequencies, Hz; train: them too.

    The readout begins so that the logits of all networks have about the same size, whatever their number of resonators.
    """
    grid, members = plan("geometric", resonators, band), (len(seeds),)
    layer = ResonatorChains(inputs, classes, grid, linewidth=linewidth, train_inputs=train, members=members)
    scatter(layer, band, generator(seeds[0]))
    return RadioNetwork([layer], readout=340.0 * math.sqrt(10 / resonators), train_readout=True)


def snake(height: int, width: int) -> torch.Tensor:
    """Place of every pixel on a path that runs through the rows to and fro: neighbours in frequency are neighbours."""
    rows = torch.arange(height * width).view(height, width)
    rows[1::2] = rows[1::2].flip(1)
    return rows.flatten()


def pixel_frequencies(shape: tuple[int, int, int], band: Band) -> torch.Tensor:
    """Of inputs that stay, Hz, (channels * height * width,): equal ratios along the snake, channel after channel."""
    channels, height, width = shape
    places = torch.cat([snake(height, width) + channel * height * width for channel in range(channels)])
    return plan("geometric", channels * height * width, band)[places]


def fit_jumping(
    network: RadioNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    epochs: tuple[int, ...],
    batch: int,
    seeds: tuple[int, ...],
    *,
    band: Band,
    report: Report = silent,
) -> None:
    """Rounds of jumps, each with so many epochs of descent; input frequencies stay."""
    source = generator(seeds[0])
    for number, count in enumerate(epochs):
        moved = jump(network, x, y, band, source)
        course = Course(count, batch, seeds=tuple(seed + 1000 * number for seed in seeds), same_order=True)
        fit_narrowing(network, x, y, course, STILL, band=band)
        report(number + 1, len(epochs), f"{moved} jumps")
