"""Train members side by side with a look at the test set now and then; what is kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from spinloom.data import SpectraSet
from spinloom.learning import Course, Forward, accuracies, fit_members
from spinloom.progress import Report, silent


@dataclass(frozen=True)
class Trained:
    """Accuracies on the test set, 0 to 1, of networks after the last epoch, whichever was the best.

    epochs: of the points of `curve`. curve: accuracies there, (points, members). accuracies: (members,). confusion:
    share of the examples of a class (row) that are given each class (column), mean of the members.
    """

    epochs: tuple[int, ...]
    curve: tuple[tuple[float, ...], ...]
    accuracies: tuple[float, ...]
    confusion: tuple[tuple[float, ...], ...]

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "Trained":
        """From what a stage keeps as JSON."""
        return cls(
            tuple(kept["epochs"]),
            tuple(map(tuple, kept["curve"])),
            tuple(kept["accuracies"]),
            tuple(map(tuple, kept["confusion"])),
        )


def joined(parts: Sequence[Trained]) -> Trained:
    """Members trained in several batches as one."""
    curve = tuple(tuple(a for row in rows for a in row) for rows in zip(*(part.curve for part in parts), strict=True))
    counts = torch.tensor([len(part.accuracies) for part in parts], dtype=torch.float64)
    tables = torch.tensor([part.confusion for part in parts], dtype=torch.float64)
    mean = (counts.view(-1, 1, 1) * tables).sum(0) / counts.sum()
    return Trained(
        parts[0].epochs,
        curve,
        tuple(a for part in parts for a in part.accuracies),
        tuple(map(tuple, mean.tolist())),
    )


def train(
    network: nn.Module,
    sets: tuple[SpectraSet, SpectraSet],
    course: Course,
    every: int,
    forward: Forward = lambda network, x: network(x),
    report: Report = silent,
) -> dict[str, Any]:
    """Train in place on the first set, test on the second; returns the fields of `Trained`, ready for JSON."""
    learned, test = sets
    points: list[int] = []
    curve: list[list[float]] = []

    def look(done: int, total: int, note: str = "") -> None:
        if done % every == 0 or done in (1, total):
            points.append(done)
            curve.append(accuracies(network, test.values, test.labels).tolist())
            network.train()
        report(done, total, note)

    fit_members(network, learned.values, learned.labels, course, forward=forward, report=look)
    return {"epochs": points, "curve": curve, "accuracies": curve[-1], "confusion": confusion(network, test)}


def confusion(network: nn.Module, test: SpectraSet) -> list[list[float]]:
    """Share of every class (rows) given each class (columns), mean of the members; rows add up to 1 or are empty."""
    classes = len(test.classes)
    network.eval()
    with torch.inference_mode():
        given = network(test.values).argmax(-1)
    cells = (test.labels * classes + given).flatten().bincount(minlength=classes**2).view(classes, classes)
    return (cells / cells.sum(1, keepdim=True).clamp(min=1)).tolist()
