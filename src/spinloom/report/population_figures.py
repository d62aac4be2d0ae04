"""Lines and columns of populations, and what a classifier says over a plane, for figures that studies put together."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spinloom.data import Points
from spinloom.evaluation import Population, SweepPoint
from spinloom.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label

_SHADES = LinearSegmentedColormap.from_list("classes", ("#BBD7EA", "#FFFFFF", "#F6CDB0"))
_LOOKS = ((BLUE, "o", "-"), (ORANGE, "v", "--"), (GREEN, "s", ":"), (PURPLE, "D", "-."))
_DRAWN = 400
"""Test points drawn in a map."""


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
    axis.errorbar(
        [scale * value + aside for value in points], means, yerr=bars, color=colour, marker=marker, linestyle=line,
        linewidth=1.9, capsize=3, label=name,
    )  # fmt: skip


def plot_members(axis: Axes, place: float, group: Population, colour: str) -> None:
    """A column: a dot for every accuracy, in per cent; beside them the mean in figures, with its deviation."""
    values = [100 * value for value in group.accuracies]
    offsets = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
    axis.scatter(place + offsets, values, color=colour, alpha=0.45, s=28, linewidths=0)
    axis.errorbar(place + 0.28, 100 * group.mean, yerr=100 * group.deviation, color=colour, marker="s", capsize=4)
    axis.annotate(
        f"{100 * group.mean:.2f}", (place + 0.28, 100 * group.mean), (8, 0), textcoords="offset points", va="center",
        fontsize=TEXT - 1, color=colour,
    )  # fmt: skip


def draw_members(
    groups: Mapping[str, Population],
    marks: tuple[str, Sequence[float]],
    title: str,
    published: float,
    limits: tuple[float, float],
) -> Figure:
    """A column for every group, and a mark in each: what they mean, and shares 0 to 1. published, limits: per cent."""
    figure, (axis,) = canvas(height=4.2)
    for place, group in enumerate(groups.values()):
        plot_members(axis, place, group, BLUE)
    places = range(len(groups))
    axis.plot(places, [100 * share for share in marks[1]], "v", color=ORANGE, markersize=8, label=marks[0])
    axis.set_xticks(places, list(groups))
    axis.set_xlim(-0.4, len(groups) - 0.2)
    _publish(axis, published, limits)
    label(axis, title, "", "accuracy (%)")
    axis.legend(loc="center", fontsize=TEXT - 1, frameon=False)
    return figure


Panel = tuple[str, str, float, Mapping[str, Sequence[SweepPoint]]]
"""Title, what is swept, scale from the value to the axis, and the lines by name."""


def draw_panels(panels: Sequence[Panel], published: float, limits: tuple[float, float]) -> Figure:
    """Accuracies of several sweeps side by side, from the worst to the best instance. published, limits: per cent."""
    figure, axes = canvas(len(panels), height=4.4)
    for axis, (title, x, scale, lines) in zip(axes, panels, strict=True):
        apart = 0.006 * scale * max(point.value for points in lines.values() for point in points)
        for number, ((name, points), look) in enumerate(zip(lines.items(), _LOOKS, strict=False)):
            aside = (number - (len(lines) - 1) / 2) * apart
            groups = {point.value: point.population for point in points}
            plot_populations(axis, groups, name, *look, scale=scale, aside=aside, extremes=True)
        _publish(axis, published, limits)
        label(axis, title, x, "accuracy (%)" if axis is axes[0] else "")
    _below(figure, axes[0], 2)
    return figure


def draw_decisions(
    maps: Sequence[Sequence[Sequence[float]]], points: Sequence[Points], titles: Sequence[str], names: tuple[str, str]
) -> Figure:
    """A panel for each map: how often class 1 is said at each place, 0 to 1, rows along the second coordinate.

    points: some of them are drawn, by class. names: of the two coordinates.
    """
    figure, axes = canvas(len(maps), height=4.3)
    for axis, said, given, title in zip(axes, maps, points, titles, strict=True):
        axis.imshow(np.array(said), origin="lower", extent=(0, 1, 0, 1), cmap=_SHADES, vmin=0, vmax=1)
        side = np.linspace(0, 1, len(said))
        axis.contour(side, side, np.array(said), levels=[0.5], colors=[GREY], linewidths=1.2)
        for kind, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
            x, y = given.places[:_DRAWN][given.labels[:_DRAWN] == kind].T.tolist()
            axis.scatter(x, y, s=9, color=colour, marker=marker, linewidths=0, label=f"class {kind}")
        label(axis, title, names[0], names[1] if axis is axes[0] else "")
        axis.grid(False)
        axis.set_aspect("equal")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=TEXT - 1, frameon=False, markerscale=2)
    return figure


def draw_kinds(
    sets: Mapping[str, Mapping[str, tuple[Population, Sequence[Sequence[float]]]]],
) -> Figure:
    """A panel for every data set: accuracies of each kind of network by seed; behind them, their loss in training.

    sets: by name of the images and kind, the accuracies and the mean losses of every epoch, (seeds, epochs).
    """
    figure, axes = canvas(len(sets) + 1, height=4.4)
    last = axes[-1]
    for axis, (title, kinds), style in zip(axes, sets.items(), ("-", (0, (4, 2))), strict=False):
        for place, ((name, (group, losses)), colour) in enumerate(zip(kinds.items(), (ORANGE, BLUE), strict=True)):
            plot_members(axis, place, group, colour)
            mean = np.mean(losses, axis=0)
            last.plot(
                range(1, len(mean) + 1), mean, color=colour, linestyle=style, marker="o", markersize=3.5, linewidth=1.8,
                label=f"{title}, {name}",
            )  # fmt: skip
        axis.set_xticks(range(len(kinds)), list(kinds))
        axis.set_xlim(-0.5, len(kinds) - 0.2)
        axis.margins(y=0.25)
        axis.grid(False, axis="x")
        label(axis, title, "", "test accuracy (%)")
    last.set_yscale("log")
    last.xaxis.set_major_locator(MaxNLocator(integer=True))
    label(last, "Training", "epoch", "mean loss")
    _below(figure, last, 4)
    return figure


def draw_levels(
    sets: Mapping[str, Mapping[str, Mapping[float, Population]]], planned: Sequence[float], mark: tuple[str, float]
) -> Figure:
    """A panel for every data set: accuracy against spread (> 0, logarithmic), bars are standard deviations.

    sets: by name of the images and of the line. planned: accuracies without spread. mark: a level and what it is.
    """
    figure, axes = canvas(len(sets), height=4.4)
    for axis, (title, lines), share in zip(axes, sets.items(), planned, strict=True):
        axis.axhline(100 * share, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="as planned")
        axis.axvline(100 * mark[1], color=GREY, linewidth=1, linestyle=":", label=mark[0])
        for (name, points), (colour, marker, style) in zip(lines.items(), _LOOKS, strict=False):
            plot_populations(axis, points, name, colour, marker, style, scale=100)
        levels = [100 * level for level in next(iter(lines.values()))]
        axis.set_xscale("log")
        axis.set_xticks(levels, [f"{level:g}" for level in levels])
        axis.minorticks_off()
        axis.set_ylim(0, 102)
        label(axis, title, "spread of frequencies and powers (%)", "accuracy (%)")
    _below(figure, axes[0], 5)
    return figure


def _below(figure: Figure, axis: Axes, columns: int) -> None:
    handles, names = axis.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=columns, fontsize=TEXT - 1, frameon=False)


def _publish(axis: Axes, published: float, limits: tuple[float, float]) -> None:
    axis.axhline(published, color=GREY, linestyle=(0, (4, 3)), linewidth=1.4, label=f"published, {published:g} %")
    axis.set_ylim(*limits)
