"""Accuracy over many fabricated instances of the same network, and along a sweep of an imperfection."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from torch import nn

from spinloom.devices.response import Response
from spinloom.errors import InputError
from spinloom.evaluation.accuracy import Examples, accuracy
from spinloom.learning.progress import Report, silent
from spinloom.nn import resample, to_hardware
from spinloom.seeding import child_seed, generator


@dataclass(frozen=True)
class Population:
    """Accuracies (0..1) of fabricated instances of one network, in the order they were drawn."""

    accuracies: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.accuracies:
            raise InputError("a population needs at least one instance")

    @property
    def mean(self) -> float:
        return fmean(self.accuracies)

    @property
    def deviation(self) -> float:
        """Standard deviation between instances (0 for a single one)."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0

    @property
    def standard_error(self) -> float:
        """Of the mean."""
        return self.deviation / math.sqrt(len(self.accuracies))

    @property
    def worst(self) -> float:
        return min(self.accuracies)


@dataclass(frozen=True)
class SweepPoint:
    """The population at one value of the imperfection swept."""

    value: float
    population: Population


def evaluate_instances(
    hardware: nn.Module, examples: Examples, instances: int, seed: int = 0, report: Report = silent
) -> Population:
    """Fabricate a converted network `instances` times and measure each. The same seed gives the same list.

    hardware: what `to_hardware` returned; its devices are drawn anew for every instance.
    Raises InputError for instances < 1.
    """
    if instances < 1:
        raise InputError(f"instances must be >= 1, got {instances}")
    source = generator(seed)
    results: list[float] = []
    for number in range(instances):
        resample(hardware, child_seed(source))
        results.append(accuracy(hardware, examples))
        report(number + 1, instances, f"worst {100 * min(results):.2f} %")
    return Population(tuple(results))


def on_devices(network: nn.Module, response: Response, examples: Examples, seed: int = 0) -> nn.Module:
    """A copy of `network` with every tanh a junction of its own, drawn from the rows of `response`."""
    return to_hardware(network, {nn.Tanh: response}, sharing="unit", example_input=examples.inputs[:1], seed=seed)


Keep = Callable[[float, Callable[[], Population]], Population]
"""Called as keep(value, compute): returns what `compute` gives, or what it gave in an earlier run."""


def sweep(
    network: nn.Module,
    make: Callable[[float], Response],
    values: Sequence[float],
    examples: Examples,
    instances: int,
    seed: int = 0,
    report: Report = silent,
    keep: Keep = lambda value, compute: compute(),
) -> tuple[SweepPoint, ...]:
    """One population per value; `make` gives the devices' response at that value (spread, noise, kelvin, metres)."""
    points: list[SweepPoint] = []
    total = len(values) * instances
    for value in values:
        before = len(points) * instances

        def shifted(done: int, _: int, note: str, before: int = before) -> None:
            report(before + done, total, note)

        def compute(value: float = value, shifted: Report = shifted) -> Population:
            hardware = on_devices(network, make(value), examples, seed)
            return evaluate_instances(hardware, examples, instances, seed, shifted)

        points.append(SweepPoint(value, keep(value, compute)))
        report(before + instances, total, "")
    return tuple(points)
