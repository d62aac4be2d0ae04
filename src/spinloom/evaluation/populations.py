"""Statistics of what was measured on several instances or seeds, and how much of a loss was won back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.special import stdtrit

from spinloom.errors import InputError

CONFIDENCE = 0.95


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
class Paired:
    """mean: of the differences. standard_error: of the mean. low, high: 95 % confidence interval of the mean, from
    Student's t with n - 1 degrees of freedom. The last three are None for a single pair. All in the unit given.
    """

    mean: float
    standard_error: float | None
    low: float | None
    high: float | None
    pairs: int


def compare_pairs(one: Sequence[float], other: Sequence[float]) -> Paired:
    """one - other, pair by pair. Raises InputError unless both have the same length >= 1."""
    if len(one) != len(other) or not one:
        raise InputError(f"pairs need two lists of one length >= 1, got {len(one)} and {len(other)} values")
    differences = [a - b for a, b in zip(one, other, strict=True)]
    mean, count = fmean(differences), len(differences)
    if count == 1:
        return Paired(mean, None, None, None, 1)
    error = stdev(differences) / math.sqrt(count)
    reach = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * error
    return Paired(mean, error, mean - reach, mean + reach, count)


@dataclass(frozen=True)
class Recovery:
    """Accuracies (0..1) of instances, one each: before and after. software: of the network that they are made from."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    software: float

    def shares(self) -> tuple[float | None, ...]:
        """Share of the loss that was won back, per instance; None where nothing was lost."""
        return tuple(_share(self.software, *pair) for pair in zip(self.before, self.after, strict=True))

    @property
    def mean(self) -> float | None:
        """Mean gain over mean loss, which an instance that lost little does not upset; None without a loss."""
        return _share(self.software, fmean(self.before), fmean(self.after))

    @property
    def standard_error(self) -> float | None:
        """Of `mean`, a ratio of two means (delta method); None for one instance or no loss."""
        share = self.mean
        if share is None or len(self.before) < 2:
            return None
        pairs = zip(self.before, self.after, strict=True)
        residuals = [after - before - share * (self.software - before) for before, after in pairs]
        return stdev(residuals) / math.sqrt(len(residuals)) / (self.software - fmean(self.before))


def _share(software: float, before: float, after: float) -> float | None:
    return (after - before) / (software - before) if software > before else None
