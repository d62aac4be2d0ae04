"""Members trained side by side with a look at the test set now and then, and what is kept of it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from spinloom.data import SpectraSet
from spinloom.learning.members import Course, Forward, accuracies, fit_members
from spinloom.progress import Report, silent

Watched = dict[str, Any]
"""Ready for JSON, all on the test set, 0 to 1, of networks after the last epoch, whichever was the best.

accuracies: of every member. curve: accuracies at some `epochs`, (epochs, members). confusion: share of the examples of
a class (row) that are given each class (column), mean of the members.
"""


def fit_watched(
    network: nn.Module,
    train: SpectraSet,
    test: SpectraSet,
    course: Course,
    every: int,
    forward: Forward = lambda network, x: network(x),
    report: Report = silent,
) -> Watched:
    """Train in place with `fit_members`, testing after the first, every `every`-th and the last epoch."""
    epochs: list[int] = []
    curve: list[list[float]] = []

    def look(done: int, total: int, note: str = "") -> None:
        if done % every == 0 or done in (1, total):
            epochs.append(done)
            curve.append(accuracies(network, test.values, test.labels).tolist())
            network.train()
        report(done, total, note)

    fit_members(network, train.values, train.labels, course, forward=forward, report=look)
    return {"epochs": epochs, "curve": curve, "accuracies": curve[-1], "confusion": confusion(network, test)}


def confusion(network: nn.Module, test: SpectraSet) -> list[list[float]]:
    """Share of every class (rows) given each class (columns), mean of the members; rows add up to 1 or are empty."""
    classes = len(test.classes)
    network.eval()
    with torch.inference_mode():
        given = network(test.values).argmax(-1)
    cells = (test.labels * classes + given).flatten().bincount(minlength=classes**2).view(classes, classes)
    return (cells / cells.sum(1, keepdim=True).clamp(min=1)).tolist()


def join_watched(parts: Sequence[Watched]) -> Watched:
    """Members trained in several batches as one."""
    counts = torch.tensor([len(part["accuracies"]) for part in parts], dtype=torch.float64)
    tables = torch.tensor([part["confusion"] for part in parts], dtype=torch.float64)
    return {
        "epochs": parts[0]["epochs"],
        "curve": [
            [one for row in rows for one in row] for rows in zip(*(part["curve"] for part in parts), strict=True)
        ],
        "accuracies": [one for part in parts for one in part["accuracies"]],
        "confusion": ((counts.view(-1, 1, 1) * tables).sum(0) / counts.sum()).tolist(),
    }
