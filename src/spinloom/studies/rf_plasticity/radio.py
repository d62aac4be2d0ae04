"""Training of the radio-frequency perceptrons."""

import math

import torch

from spinloom.learning import Course, Narrowing, fit_narrowing, jump, scatter
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains, plan
from spinloom.progress import Report, silent
from spinloom.seeding import generator
from spinloom.studies.rf_plasticity.plan import Plan

STILL = Narrowing(start=1e-9, share=0.05, until=0.3)
"""Descent at the device's own linewidth, between jumps."""


def perceptron(
    inputs: torch.Tensor, classes: int, resonators: int, damping: float, band: Band, seeds: tuple[int, ...], train: bool
) -> RadioNetwork:
    """One layer of chains with resonators at random in the band. inputs: their frequencies, Hz; train: them too.

    The readout begins so that the logits of all networks have about the same size, whatever their number of resonators.
    """
    layer = ResonatorChains(
        inputs,
        classes,
        plan("geometric", resonators, band),
        linewidth=damping,
        train_inputs=train,
        members=(len(seeds),),
    )
    scatter(layer, band, generator(seeds[0]))
    return RadioNetwork([layer], readout=340.0 * math.sqrt(10 / resonators), train_readout=True)


def snake(height: int, width: int) -> torch.Tensor:
    """Place of every pixel on a path that runs through the rows to and fro: neighbours in frequency are neighbours."""
    rows = torch.arange(height * width).view(height, width)
    rows[1::2] = rows[1::2].flip(1)
    return rows.flatten()


def pixel_frequencies(height: int, width: int, channels: int, band: Band) -> torch.Tensor:
    """Of the fixed plan, Hz, (channels * height * width,): equal ratios along the snake, channel after channel."""
    count = channels * height * width
    places = torch.cat([snake(height, width) + channel * height * width for channel in range(channels)])
    return plan("geometric", count, band)[places]


def fit_fixed(
    network: RadioNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    size: Plan,
    band: Band,
    seeds: tuple[int, ...],
    report: Report = silent,
) -> None:
    """Input frequencies stay: rounds of jumps and descent; networks too large for jumps narrow their lines instead."""
    layer = network[0]
    assert isinstance(layer, ResonatorChains)
    if layer.resonators > size.most_jumping:
        course = Course(size.epochs_for(layer.resonators), size.batch, seeds=seeds, same_order=True)
        fit_narrowing(network, x, y, course, band=band, report=report)
        return
    source = generator(seeds[0])
    for number in range(size.rounds):
        moved = jump(network, x, y, band, source)
        epochs = size.last_epochs if number == size.rounds - 1 else size.round_epochs
        course = Course(epochs, size.batch, seeds=tuple(seed + 1000 * number for seed in seeds), same_order=True)
        fit_narrowing(network, x, y, course, STILL, band=band)
        report(number + 1, size.rounds, f"{moved} jumps")


def fit_trained(
    network: RadioNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    size: Plan,
    band: Band,
    seeds: tuple[int, ...],
    narrowing: Narrowing | None = None,
    report: Report = silent,
) -> None:
    """Input frequencies are trained too, with lines that narrow."""
    layer = network[0]
    assert isinstance(layer, ResonatorChains)
    course = Course(size.epochs_for(layer.resonators), size.batch, seeds=seeds, same_order=True)
    fit_narrowing(network, x, y, course, narrowing, band=band, report=report)
