"""Accuracies of many instances or seeds: against a value, in columns, over the epochs; ways of training compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spinloom.errors import InputError
from spinloom.evaluation import Paired, Population, Recovery
from spinloom.report import style
from spinloom.report.style import AMBER, BLUE, DASHED, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend
from spinloom.report.tables import Table, percent

_LOOKS = ((BLUE, "o", "-"), (ORANGE, "v", "--"), (GREEN, "s", ":"), (PURPLE, "D", "-."), (AMBER, "^", "-"))
_WAYS: Sequence[tuple[str, str, style.LineStyle]] = (
    (GREY, "o", DASHED), (BLUE, "s", "-"), (GREEN, "^", "-"), (ORANGE, "v", "-"), (PURPLE, "D", ":"),
)  # fmt: skip
"""Colour, marker and line of ways of training; the first one of a reference."""
_FLOOR = 1e-6
"""Of one minus a cosine, on a logarithmic axis."""
Angles = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Cosines by moment ("at the start"), kind of slopes and layer ("convolution 1")."""


def plot_populations(
    axis: Axes,
    points: Mapping[float, Population],
    name: str,
    colour: str,
    marker: str = "o",
    line: str = "-",
    *,
    scale: float = 1.0,
    aside: float = 0.0,
    extremes: bool = False,
) -> None:
    """Mean accuracy in per cent against value, with bars of one standard deviation or from the worst to the best.

    scale: from the value to the axis. aside: added there, so that bars of several lines do not hide each other.
    """
    means = np.array([100 * one.mean for one in points.values()])
    bars = np.array([[100 * one.deviation] * 2 for one in points.values()]).T
    if extremes:
        ends = np.array([[100 * one.worst, 100 * max(one.accuracies)] for one in points.values()]).T
        bars = np.stack((means - ends[0], ends[1] - means))
    look: Any = {"color": colour, "marker": marker, "linestyle": line, "linewidth": 1.9, "capsize": 3, "label": name}
    axis.errorbar([scale * value + aside for value in points], means, yerr=bars, **look)


@dataclass(frozen=True)
class Panel:
    """Accuracy against a value. scale: from the value to the axis. lines: by name, the population at each value.

    levels: accuracies, 0 to 1, drawn across the panel, by name. mark: a value to point out, and what it is.
    """

    title: str
    x: str
    scale: float
    lines: Mapping[str, Mapping[float, Population]]
    levels: Mapping[str, float] = field(default_factory=dict)
    mark: tuple[str, float] | None = None


def draw_populations(
    panels: Sequence[Panel], limits: tuple[float, float], *, log: bool = False, extremes: bool = False
) -> Figure:
    """Panels side by side, one legend below them. limits: of accuracy, per cent. log: values > 0 and their ticks.

    extremes: bars from the worst to the best instead of standard deviations.
    """
    figure, axes = canvas(len(panels), height=4.4)
    for axis, panel in zip(axes, panels, strict=True):
        values, middle = sorted({value for line in panel.lines.values() for value in line}), (len(panel.lines) - 1) / 2
        for (name, share), dashes in zip(panel.levels.items(), (DASHED, ":"), strict=False):
            style.refer(axis, 100 * share, name, dashes)
        if panel.mark:
            axis.axvline(panel.scale * panel.mark[1], color=GREY, linewidth=1, linestyle="-.", label=panel.mark[0])
        for number, ((name, points), look) in enumerate(zip(panel.lines.items(), cycle(_LOOKS), strict=False)):
            # a little apart, so that bars of lines that agree can be told from each other
            scale = panel.scale * (1.03 ** (number - middle) if log else 1)
            aside = 0.0 if log else 0.006 * panel.scale * values[-1] * (number - middle)
            points = dict(sorted(points.items()))
            plot_populations(axis, points, name, *look, scale=scale, aside=aside, extremes=extremes)
        if log:
            style.log_ticks(axis, [panel.scale * value for value in values])
        axis.set_ylim(*limits)
        label(axis, panel.title, panel.x, "accuracy (%)" if axis is axes[0] else "")
    style.legend_below(figure, axes[0], 4)
    return figure


def draw_sweep(points: Mapping[float, Population], software: float, title: str, x: str, scale: float = 100) -> Figure:
    """Accuracy against an imperfection: mean with standard deviation, worst instance, the software's line.

    scale: from the swept value to the axis (100 for per cent). software: accuracy of the software network, 0..1.
    Raises InputError without points.
    """
    if not points:
        raise InputError(f"there are no points to draw in {title!r}; sweep at least one value")
    figure, (axis,) = canvas(height=4.4)
    style.refer(axis, 100 * software, "software network")
    plot_populations(axis, points, "mean of instances, ± standard deviation", BLUE, scale=scale)
    worst = [100 * group.worst for group in points.values()]
    axis.plot([scale * value for value in points], worst, "v:", color=ORANGE, linewidth=1.6, label="worst instance")
    instances = len(next(iter(points.values())).accuracies)
    label(axis, f"{title} ({instances} instances each)", x, "accuracy (%)")
    _widen(axis, 2.0)
    legend(axis)
    return figure


def _widen(axis: Axes, least: float) -> None:
    """Let an axis of accuracies span `least` points at least, so that a flat line looks flat."""
    low, high = axis.get_ylim()
    missing = max(0.0, least - (high - low))
    axis.set_ylim(low - 0.75 * missing, high + 0.25 * missing)


def plot_members(axis: Axes, place: float, group: Population, colour: str, marker: str = "o") -> None:
    """A column: a dot for every accuracy, in per cent; beside them the mean in figures, with its deviation."""
    values = [100 * value for value in group.accuracies]
    offsets = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
    axis.scatter(place + offsets, values, color=colour, marker=marker, alpha=0.45, s=28, linewidths=0)
    at, look = (place + 0.28, 100 * group.mean), dict[str, Any](fontsize=TEXT - 1, color=colour)
    axis.errorbar(*at, yerr=100 * group.deviation, color=colour, marker="s", capsize=4)
    axis.annotate(f"{at[1]:.2f}", at, (8, 0), textcoords="offset points", va="center", **look)


def draw_members(
    groups: Mapping[str, Population],
    marks: tuple[str, Sequence[float]],
    title: str,
    level: tuple[str, float],
    limits: tuple[float, float],
) -> Figure:
    """A column for every group, and a mark in each: what they mean, and shares 0 to 1.

    level: accuracy, 0 to 1, drawn across, and its name. limits: per cent.
    """
    figure, (axis,) = canvas(height=4.2)
    for place, group in enumerate(groups.values()):
        plot_members(axis, place, group, BLUE)
    places = range(len(groups))
    axis.plot(places, [100 * share for share in marks[1]], "v", color=ORANGE, markersize=8, label=marks[0])
    axis.set_xticks(places, list(groups))
    axis.set_xlim(-0.4, len(groups) - 0.2)
    style.refer(axis, 100 * level[1], level[0])
    axis.set_ylim(*limits)
    label(axis, title, "", "accuracy (%)")
    legend(axis, "center")
    return figure


def draw_groups(groups: Mapping[str, Population], software: float, title: str) -> Figure:
    """Accuracy of every network, group by group, top to bottom. software: accuracy of the software network, 0..1."""
    figure, (axis,) = canvas(height=3.6)
    for place, group in enumerate(groups.values()):
        values, mean = [100 * value for value in group.accuracies], 100 * group.mean
        axis.plot(values, [place] * len(values), "o", color=BLUE, alpha=0.6, markersize=7)
        axis.plot([mean] * 2, [place - 0.3, place + 0.3], color=ORANGE, linewidth=2.5)
        axis.annotate(f"{mean:.2f}", (mean, place - 0.34), ha="center", va="bottom", fontsize=TEXT - 1)
    axis.axvline(100 * software, color=GREY, linewidth=1.4, linestyle=DASHED, label="software network")
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set_ylim(len(groups) - 0.4, -0.9)
    label(axis, title, "test accuracy (%)", "")
    legend(axis)
    return figure


def draw_kinds(sets: Mapping[str, Mapping[str, tuple[Population, Sequence[Sequence[float]]]]]) -> Figure:
    """A panel for every data set: accuracies of each kind of network by seed; behind them, their loss in training.

    sets: by name of the images and kind, the accuracies and the mean losses of every epoch, (seeds, epochs).
    """
    figure, axes = canvas(len(sets) + 1, height=4.4)
    last = axes[-1]
    for axis, (title, kinds), line in zip(axes, sets.items(), ("-", DASHED), strict=False):
        for place, ((name, (group, losses)), colour) in enumerate(zip(kinds.items(), (ORANGE, BLUE), strict=True)):
            plot_members(axis, place, group, colour)
            plot_losses(last, losses, f"{title}, {name}", colour, "o", line)
        axis.set_xticks(range(len(kinds)), list(kinds))
        axis.set_xlim(-0.5, len(kinds) - 0.2)
        axis.margins(y=0.25)
        axis.grid(False, axis="x")
        label(axis, title, "", "test accuracy (%)")
    label(last, "Training", "epoch", "mean loss")
    style.legend_below(figure, last, 4)
    return figure


def draw_convergence(groups: Mapping[str, Sequence[Mapping[str, Any]]], ways: Sequence[str]) -> Figure:
    """Mean loss of each epoch, averaged over the networks of each way, and the accuracy of each network.

    groups: by way, `losses` and `accuracy` (0..1) of each network. ways: all there may be, which decides the colours.
    """
    figure, (loss, share) = canvas(2, height=4.4)
    for place, (name, networks) in enumerate(groups.items()):
        colour, marker, line = _WAYS[ways.index(name)]
        plot_losses(loss, [one["losses"] for one in networks], name, colour, marker, line)
        plot_members(share, place, Population(tuple(one["accuracy"] for one in networks)), colour, marker)
    share.set_xticks(range(len(groups)), [name.replace(" and", ",").replace(" ", "\n") for name in groups])
    _widen(share, 1.0)
    share.set_xlim(-0.6, len(groups) - 0.2)
    label(loss, "Convergence", "epoch", "mean loss (cross-entropy)")
    label(share, "Test accuracy of each network", "", "accuracy (%)")
    legend(loss)
    return figure


def plot_losses(
    axis: Axes, losses: Sequence[Sequence[float]], name: str, colour: str, marker: str, line: style.LineStyle
) -> None:
    """Mean over the seeds against epoch, logarithmic. losses: (seeds, epochs)."""
    mean = np.mean(losses, axis=0)
    axis.plot(range(1, len(mean) + 1), mean, color=colour, linestyle=line, marker=marker, markersize=4, label=name)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("{x:g}")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_learning(curves: Mapping[str, tuple[Sequence[int], Sequence[Sequence[float]]]], title: str) -> Figure:
    """Accuracy against epoch: mean, a band of one standard deviation, and the extremes of the seeds as thin lines.

    curves: by name, epochs and the accuracies there, (points, seeds), 0 to 1. On the right the last half, enlarged.
    """
    figure, (whole, end) = canvas(2, height=4.4)
    low, last = 100.0, max(epochs[-1] for epochs, _ in curves.values())
    for (name, (epochs, rows)), (colour, *_) in zip(curves.items(), cycle(_LOOKS), strict=False):
        table = 100 * np.array(rows)
        mean, spread = table.mean(1), table.std(1, ddof=1) if table.shape[1] > 1 else 0.0
        for axis in (whole, end):
            axis.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
            axis.plot(epochs, mean, color=colour, linewidth=2, label=f"{name}, {table.shape[1]} seeds")
            axis.plot(epochs, table.min(1), epochs, table.max(1), color=colour, linewidth=0.8, linestyle=":")
        low = min(low, float(table[np.array(epochs) > epochs[-1] / 2].min()))
    label(whole, title, "epoch", "test accuracy (%)")
    label(end, "The last half, enlarged", "epoch", "")
    whole.set_xlim(0, last)
    end.set_xlim(last / 2, last)
    margin = 0.06 * (100 - low) + 0.05
    end.set_ylim(low - margin, 100 + margin)
    legend(whole, "lower right")
    return figure


def pairs_table(pairs: Mapping[str, Paired], paired: str) -> Table:
    """Differences of accuracy in points. pairs: by name. paired: how, in words."""

    def shown(pair: Paired) -> tuple[str, str | None]:
        if pair.standard_error is None or pair.low is None or pair.high is None:
            return f"{pair.mean:+.2f}", None
        return f"{pair.mean:+.2f} ± {pair.standard_error:.2f}", f"{pair.low:+.2f} to {pair.high:+.2f}"

    rows = tuple((name, *shown(pair)) for name, pair in pairs.items())
    note = f"Percentage points, {paired}: mean ± standard error, and the confidence interval from Student's t."
    return Table("Differences of accuracy", ("ways", "difference", "95 % interval"), rows, note)


def angles_table(angles: Angles, note: str) -> Table:
    """Cosines between the gradients of devices and exact ones. note: what is special here."""
    kinds = next(iter(angles.values()))
    rows = tuple(
        (kind, when.removeprefix("at the ").removesuffix(" training"), *(f"{one:.4f}" for one in found[kind].values()))
        for kind in kinds
        for when, found in angles.items()
    )
    layers = [layer.replace("convolution", "conv") for layer in next(iter(kinds.values()))]
    words = (
        "Cosine of the angle between the gradients of each weight tensor on the same batch and the same forward reads. "
        "Silent: no read has noise; spread: with the added read noise too. No slope lies behind the last layer."
    )
    columns = ("slopes", "weights", *layers)
    return Table("Gradients of the devices against exact ones", columns, rows, f"{words} {note}")


def recovery_table(found: Recovery, trained_on: float) -> Table:
    """Of each instance; trained_on: see `draw_recovery`."""
    rows = tuple(
        (f"{number}", percent(before), percent(after), "nothing lost" if won is None else f"{100 * won:.0f}")
        for number, (before, after, won) in enumerate(zip(found.before, found.after, found.shares(), strict=True), 1)
    )
    share = replace(found, software=trained_on).mean
    of_more = "" if share is None else f", of the way to which tuning in place goes {100 * share:.0f} %"
    note = (
        f"The software network has {percent(found.software)} %; trained on in software for as long it has "
        f"{percent(trained_on)} %{of_more}."
    )
    return Table("Tuning in place", ("instance", "as moved (%)", "tuned (%)", "loss won back (%)"), rows, note)


def draw_angles(angles: Angles) -> Figure:
    """One minus the cosine, a panel per moment, layers from the input on, without the last."""
    figure, axes = canvas(len(angles), height=4.4)
    for axis, (when, kinds) in zip(axes, angles.items(), strict=True):
        for (name, cosines), (colour, marker, line) in zip(kinds.items(), (_WAYS[0], *_WAYS[2:]), strict=False):
            turned = [max(1 - cosine, _FLOOR) for cosine in cosines.values()][:-1]
            axis.plot(range(len(turned)), turned, color=colour, marker=marker, linestyle=line, label=name)
        style.refer(axis, 0.01, None)
        axis.set_yscale("log")
        axis.set_xticks(range(len(turned)), [layer.replace("convolution", "conv") for layer in cosines][:-1])
        label(axis, when[0].upper() + when[1:], "weights of layer", "1 - cosine")
    low, high = (pick(axis.get_ylim()[end] for axis in axes) for pick, end in ((min, 0), (max, 1)))
    for axis in axes:
        axis.set_ylim(low, high)
    axes[0].text(0, 0.0108, "cosine 0.99", fontsize=TEXT - 2, color=GREY, va="bottom")
    legend(axes[-1])
    return figure


def draw_recovery(found: Recovery, trained_on: float) -> Figure:
    """Accuracy of each instance as moved and tuned. trained_on: of the software network, trained on for as long."""
    figure, (axis,) = canvas(height=4.2)
    numbers = range(1, len(found.before) + 1)
    before, after = ([100 * share for share in shares] for shares in (found.before, found.after))
    style.refer(axis, 100 * found.software, "software network")
    style.refer(axis, 100 * trained_on, "trained on in software for as long", ":")
    axis.vlines(numbers, before, after, color=GREY, alpha=0.5)
    axis.plot(numbers, before, "v", color=ORANGE, markersize=9, label="as moved")
    axis.plot(numbers, after, "^", color=GREEN, markersize=9, label="tuned in place")
    for shares in (before, after):
        for number, one in zip(numbers, shares, strict=True):
            axis.annotate(f"{one:.1f}", (number, one), (9, 0), textcoords="offset points", va="center")
    axis.set_xticks(numbers)
    axis.set_xlim(0.4, len(before) + 0.6)
    label(axis, "What tuning in place wins back", "fabricated instance", "accuracy (%)")
    legend(axis)
    return figure
