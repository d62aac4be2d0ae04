"""Figures of the study."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spinloom.evaluation import Population
from spinloom.report import BLUE, GREEN, GREY, ORANGE, TEXT, canvas, label, legend
from spinloom.studies.rf_convolution.measurements import Measured, Spread
from spinloom.studies.rf_convolution.sneaking import Sneaking

TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "mnist-5k": "MNIST, 5,000 images"}
COLOURS = (BLUE, ORANGE)


def title_of(found: Measured) -> str:
    """The data set's name for people."""
    return TITLES.get(found.test.name, found.test.name)


def draw_accuracy(all_found: Sequence[Measured]) -> Figure:
    """Per data set: accuracies of both kinds of network by seed with mean and deviation; their loss in training."""
    figure, axes = canvas(len(all_found) + 1, height=4.4)
    for axis, found in zip(axes, all_found, strict=False):
        for place, (group, colour) in enumerate(((found.software, ORANGE), (found.radio, BLUE))):
            _column(axis, place, group, colour)
        axis.set_xticks([0, 1], ["software", "resonators"])
        axis.set_xlim(-0.5, 1.8)
        axis.margins(y=0.25)
        axis.grid(False, axis="x")
        label(axis, title_of(found), "", "test accuracy (%)")
    for found, style in zip(all_found, ("-", (0, (4, 2))), strict=False):
        for losses, colour, name in (
            (found.software_losses, ORANGE, "software"),
            (found.radio_losses, BLUE, "resonators"),
        ):
            mean = torch.tensor(losses).mean(0).tolist()
            epochs = range(1, len(mean) + 1)
            axes[-1].plot(epochs, mean, color=colour, linestyle=style, marker="o", markersize=3.5, linewidth=1.8,
                          label=f"{title_of(found)}, {name}")  # fmt: skip
    axes[-1].set_yscale("log")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    label(axes[-1], "Training", "epoch", "mean loss")
    figure.legend(
        *axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=TEXT - 1, frameon=False
    )
    return figure


def _column(axis: Axes, place: int, group: Population, colour: str) -> None:
    values = [100 * value for value in group.accuracies]
    offsets = torch.linspace(-0.12, 0.12, len(values)).tolist() if len(values) > 1 else [0.0]
    axis.scatter([place + offset for offset in offsets], values, color=colour, alpha=0.45, s=28, linewidths=0)
    axis.errorbar(place + 0.28, 100 * group.mean, yerr=100 * group.deviation, color=colour, marker="s", capsize=4)
    axis.annotate(
        f"{100 * group.mean:.2f}", (place + 0.28, 100 * group.mean), (8, 0), textcoords="offset points", va="center",
        fontsize=TEXT - 1, color=colour,
    )  # fmt: skip


def draw_spread(all_found: Sequence[Measured], damping: float) -> Figure:
    """Accuracy of fabricated networks, as made and retrained, against the spread of their frequencies."""
    figure, axes = canvas(len(all_found), height=4.4)
    for axis, found in zip(axes, all_found, strict=True):
        points: Sequence[Spread] = [point for point in found.spreads if point.level > 0]
        levels = [100 * point.level for point in points]
        axis.axhline(100 * found.few, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="as planned")
        axis.axvline(100 * damping, color=GREY, linewidth=1, linestyle=":", label="half a linewidth")
        axis.errorbar(
            levels, [100 * p.made.mean for p in points], yerr=[100 * p.made.deviation for p in points], color=ORANGE,
            marker="o", capsize=4, linewidth=2, label="as made",
        )  # fmt: skip
        axis.errorbar(
            levels, [100 * p.trimmed.mean for p in points], yerr=[100 * p.trimmed.deviation for p in points],
            color=GREEN, marker="^", capsize=4, linewidth=2, label="trimmed",
        )  # fmt: skip
        axis.plot(
            levels, [100 * p.retrained for p in points], color=BLUE, marker="s", linewidth=2, linestyle=":",
            label="trimmed and retrained",
        )  # fmt: skip
        axis.set_xscale("log")
        axis.set_xticks(levels, [f"{level:g}" for level in levels])
        axis.minorticks_off()
        axis.set_ylim(0, 102)
        label(axis, title_of(found), "spread of frequencies and powers (%)", "accuracy (%)")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=TEXT - 1, frameon=False
    )
    return figure


def draw_sneaks(all_found: Sequence[Measured]) -> Figure:
    """Errors of weights and accuracy of the parallel layout against the spacing of the pixels' frequencies."""
    figure, (left, right) = canvas(2, height=4.4)
    for found, style, marker in zip(all_found, ("-", (0, (4, 2))), ("o", "s"), strict=False):
        points: Sequence[Sneaking] = found.sneaks
        spacing = [point.spacing for point in points]
        for number, (errors, colour) in enumerate(zip(zip(*(p.errors for p in points), strict=True), COLOURS), 1):  # noqa: B905
            name = f"{title_of(found)}, layer {number}"
            left.plot(spacing, errors, color=colour, linestyle=style, marker=marker, linewidth=1.8, label=name)
        right.axhline(100 * found.few, color=GREY, linewidth=1.4, linestyle=style)
        right.plot(
            spacing, [100 * p.accuracy for p in points], color=BLUE, linestyle=style, marker=marker, linewidth=1.8,
            label=title_of(found),
        )  # fmt: skip
    right.plot([], [], color=GREY, linewidth=1.4, label="sequential layout")
    left.set_yscale("log")
    for axis in (left, right):
        axis.set_xscale("log")
    right.set_ylim(0, 102)
    label(left, "Error of the weights", "spacing of pixels (linewidths)", "relative error, all pixels")
    label(right, "Accuracy of the network", "spacing of pixels (linewidths)", "accuracy (%)")
    legend(left, "lower left")
    right.legend(loc="lower right", fontsize=TEXT - 1, frameon=False)
    return figure
