"""Figures of classifiers trained with many seeds: learning curves, the confusion matrix, accuracy against spread."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import torch
from matplotlib.figure import Figure

from spinloom.evaluation import Population
from spinloom.report.style import AMBER, BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label

_COLOURS, _MARKERS = (BLUE, ORANGE, GREEN, PURPLE, AMBER), ("o", "s", "^", "D", "v")


def draw_learning(curves: Mapping[str, tuple[Sequence[int], Sequence[Sequence[float]]]], title: str) -> Figure:
    """Accuracy against epoch: mean, a band of one standard deviation, and the extremes of the seeds as thin lines.

    curves: by name, epochs and the accuracies there, (points, seeds), 0 to 1. On the right the last half, enlarged.
    """
    figure, (whole, end) = canvas(2, height=4.4)
    low = 1.0
    for (name, (epochs, rows)), colour in zip(curves.items(), cycle(_COLOURS), strict=False):
        table = 100 * torch.tensor(rows, dtype=torch.float64)
        mean, spread = table.mean(1), table.std(1) if table.shape[1] > 1 else torch.zeros(len(table))
        for axis in (whole, end):
            axis.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
            axis.plot(epochs, mean, color=colour, linewidth=2, label=f"{name}, {table.shape[1]} seeds")
            for edge in (table.amin(1), table.amax(1)):
                axis.plot(epochs, edge, color=colour, linewidth=0.8, linestyle=":")
        late = table[torch.tensor(epochs) > epochs[-1] / 2]
        low = min(low, float(late.min()) / 100)
    last = max(epochs[-1] for epochs, _ in curves.values())
    label(whole, title, "epoch", "test accuracy (%)")
    label(end, "The last half, enlarged", "epoch", "")
    whole.set_xlim(0, last)
    end.set_xlim(last / 2, last)
    end.set_ylim(100 * low - 0.06 * (100 - 100 * low) - 0.05, 100 + 0.06 * (100 - 100 * low) + 0.05)
    whole.legend(loc="lower right", fontsize=TEXT - 1, frameon=False)
    return figure


def draw_confusion(shares: Sequence[Sequence[float]], classes: Sequence[str], title: str) -> Figure:
    """Confusion matrix in per cent. shares: (true, given), rows add up to 1. Cells below 0.05 % stay empty."""
    table = 100 * torch.tensor(shares, dtype=torch.float64)
    figure, (axis,) = canvas(height=7.2)
    figure.set_size_inches(8.4, 7.4)
    axis.grid(False)
    # errors are rare: a square root makes them visible beside the diagonal
    axis.imshow(table.sqrt().numpy(), cmap="Blues", vmin=0, vmax=10, aspect="equal")
    for row, column in torch.nonzero(table >= 0.05).tolist():
        value = float(table[row, column])
        text = "100" if value > 99.95 else f"{value:.1f}"
        axis.text(
            column, row, text, ha="center", va="center", fontsize=TEXT - 1, color="white" if value > 40 else "black"
        )
    ticks = range(len(classes))
    axis.set_xticks(ticks, classes, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(ticks, classes)
    axis.set_xticks([tick - 0.5 for tick in ticks], minor=True)
    axis.set_yticks([tick - 0.5 for tick in ticks], minor=True)
    axis.grid(which="minor", color="#E3E3E3", linewidth=0.8)
    axis.tick_params(which="both", length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    label(axis, title, "class given by the network", "true class")
    return figure


def draw_spread(curves: Mapping[str, Mapping[float, Population]], ideal: Population, chance: float) -> Figure:
    """Accuracy against spread, logarithmic in the spread; bars are standard deviations of the seeds.

    curves: by name, populations by level (> 0). ideal: without spread. chance: accuracy of guessing, 0 to 1.
    """
    figure, (axis,) = canvas(height=4.8)
    axis.axhline(100 * ideal.mean, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="without spread")
    axis.axhline(100 * chance, color=GREY, linewidth=1.0, linestyle=":", label="guessing")
    marks = zip(cycle(_COLOURS), cycle(_MARKERS), strict=True)
    for number, ((name, points), (colour, marker)) in enumerate(zip(curves.items(), marks, strict=False)):
        levels = sorted(points)
        axis.errorbar(
            # a little apart, so that bars of curves that agree can be told from each other
            [100 * level * 1.03 ** (number - 1) for level in levels],
            [100 * points[level].mean for level in levels],
            yerr=[100 * points[level].deviation for level in levels],
            color=colour,
            marker=marker,
            linewidth=2,
            capsize=4,
            label=f"{name}, {len(points[levels[0]].accuracies)} seeds",
        )
    axis.set_xscale("log")
    ticks = sorted({level for points in curves.values() for level in points})
    axis.set_xticks([100 * tick for tick in ticks], [f"{100 * tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.set_ylim(0, 104)
    label(axis, "Accuracy with spread of the devices", "relative spread (%)", "test accuracy (%)")
    axis.legend(loc="lower left", fontsize=TEXT - 1, facecolor="white", framealpha=1, edgecolor="none")
    return figure
