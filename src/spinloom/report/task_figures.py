"""Networks that learn task after task: what is kept of the earlier ones, and what turning weights round costs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from spinloom.evaluation import Flips, QuadraticTask
from spinloom.report import style
from spinloom.report.style import AMBER, BLUE, GREEN, GREY, ORANGE, PURPLE, canvas, label, legend

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, AMBER, GREY)


def draw_tasks(ways: Mapping[str, Sequence[Sequence[Sequence[float]]]], tasks: Sequence[str]) -> Figure:
    """A panel for every way of learning: accuracy of each task after every pass over the images.

    ways: by name, shares 0 to 1 as (tasks, epochs, tasks): while which one was learnt, pass, of which one; a task is
    drawn from where it begins. tasks: their names.
    """
    rows = (len(ways) + 2) // 3 if len(ways) > 4 else 1
    figure, axes = canvas(-(-len(ways) // rows), rows, height=1 + 3.2 * rows, share=False)
    for axis, (name, shares) in zip(axes, ways.items(), strict=False):
        table = 100 * np.asarray(shares)
        learnt, epochs, _ = table.shape
        passes = np.arange(1, learnt * epochs + 1)
        for number, (task, colour) in enumerate(zip(tasks, _COLOURS * len(tasks), strict=False)):
            start = number * epochs
            line = table.reshape(learnt * epochs, -1)[start:, number]
            axis.plot(passes[start:], line, color=colour, marker="o", markersize=3, linewidth=1.6, label=task)
        for end in range(epochs, learnt * epochs, epochs):
            axis.axvline(end + 0.5, color=GREY, linewidth=0.8, linestyle=":")
        axis.set_ylim(0, 102)
        label(axis, name, "passes over the images of a task", "test accuracy (%)")
    for axis in axes[len(ways) :]:
        axis.set_visible(False)
    style.legend_below(figure, axes[0], 6)
    return figure


def draw_retention(ways: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Accuracy of every task after the last one, a line for each way of learning. ways: by name, shares 0 to 1."""
    figure, (axis,) = canvas(height=4.4)
    for (name, shares), colour, marker in zip(ways.items(), _COLOURS * len(ways), "osv^DP" * len(ways), strict=False):
        words = f"{name}: mean {100 * sum(shares) / len(shares):.1f} %"
        places = range(1, len(shares) + 1)
        axis.plot(places, [100 * one for one in shares], color=colour, marker=marker, label=words)
    axis.set_xticks(range(1, 1 + max(map(len, ways.values()))))
    axis.set_ylim(0, 102)
    label(axis, title, "task, in the order learnt", "test accuracy (%)")
    legend(axis)
    return figure


def draw_flips(layers: Mapping[str, Flips], task: QuadraticTask) -> Figure:
    """A panel for every layer, and one for the quadratic loss: price of turning weights round against their size."""
    figure, axes = canvas(len(layers) + 1, height=4.2)
    for axis, (name, flips) in zip(axes, layers.items(), strict=False):
        axis.plot(flips.hidden.flatten(), flips.increase.flatten(), "o", color=BLUE, alpha=0.35, markersize=4)
        axis.plot(flips.hidden.mean(1), flips.increase.mean(1), "s-", color=ORANGE, markersize=4, label="mean of a bin")
        words = f"{name}: rank correlation {flips.rank_correlation:.2f}"
        label(axis, words, "mean |hidden weight|", f"loss gained by {flips.count} flips")
        legend(axis)
    last, size = axes[-1], task.hidden.abs()
    last.plot(size, task.increase, "o", color=BLUE, alpha=0.35, markersize=4, label="one flip, at the end")
    last.plot(size, task.settled, "s", color=ORANGE, alpha=0.5, markersize=3, label="at the mean signs: theory")
    label(last, "Quadratic loss", "|hidden weight|", "loss gained by a flip")
    legend(last)
    return figure
