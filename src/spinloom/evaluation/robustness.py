"""Accuracy over many fabricated instances of the same network, and along a sweep of an imperfection."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from torch import nn

from spinloom.devices import Response
from spinloom.errors import InputError, require_count
from spinloom.evaluation.examples import Examples
from spinloom.evaluation.side_by_side import accuracies
from spinloom.nn import PLAIN, Converters, to_hardware
from spinloom.progress import Report, silent
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
    def uncertainty(self) -> float | None:
        """The standard error; None for a single instance, which says nothing of it."""
        return self.standard_error if len(self.accuracies) > 1 else None

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

    hardware: what `to_hardware` returned; it stays as it is. Instance number k has the devices of
    `resample(hardware, k-th child seed of seed)`, however many are asked for, and the read noise of that instance in
    batches of `side_by_side.IMAGES`. Several are evaluated at a time, see `side_by_side.accuracies`.
    Raises InputError for instances < 1.
    """
    require_count(instances=instances)
    source = generator(seed)
    seeds = [child_seed(source) for _ in range(instances)]
    results: list[float] = []
    for measured in accuracies(hardware, examples, seeds):
        results += measured
        report(len(results), instances, f"worst {100 * min(results):.2f} %")
    return Population(tuple(results))


def on_devices(
    network: nn.Module, response: Response, examples: Examples, seed: int = 0, converters: Converters = PLAIN
) -> nn.Module:
    """A copy of `network` with every tanh a junction of its own, drawn from the rows of `response`.

    converters: resolution of the reads of every junction.
    """
    return to_hardware(
        network,
        {nn.Tanh: response},
        sharing="unit",
        example_input=examples.inputs[:1],
        seed=seed,
        converters=converters,
    )


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
    converters: Callable[[float], Converters] = lambda value: PLAIN,
) -> tuple[SweepPoint, ...]:
    """One population per value; `make` gives the devices' response at that value (spread, noise, kelvin, metres).

    converters: resolution of the reads at that value.
    """
    points: list[SweepPoint] = []
    total = len(values) * instances
    for value in values:
        before = len(points) * instances

        def shifted(done: int, _: int, note: str, before: int = before) -> None:
            report(before + done, total, note)

        def compute(value: float = value, shifted: Report = shifted) -> Population:
            hardware = on_devices(network, make(value), examples, seed, converters(value))
            return evaluate_instances(hardware, examples, instances, seed, shifted)

        points.append(SweepPoint(value, keep(value, compute)))
        report(before + instances, total, "")
    return tuple(points)
