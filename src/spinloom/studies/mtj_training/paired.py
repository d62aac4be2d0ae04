"""Differences between pairs of trainings that share seed, first weights and order of images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.stats import t as student

from spinloom.errors import InputError

CONFIDENCE = 0.95


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


def paired(one: Sequence[float], other: Sequence[float]) -> Paired:
    """one - other, pair by pair. Raises InputError unless both have the same length >= 1."""
    if len(one) != len(other) or not one:
        raise InputError(f"pairs need two lists of one length >= 1, got {len(one)} and {len(other)} values")
    differences = [a - b for a, b in zip(one, other, strict=True)]
    mean, count = fmean(differences), len(differences)
    if count == 1:
        return Paired(mean, None, None, None, 1)
    error = stdev(differences) / math.sqrt(count)
    reach = float(student.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return Paired(mean, error, mean - reach, mean + reach, count)
