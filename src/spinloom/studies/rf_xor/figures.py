"""The study's own figures."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from spinloom.evaluation import SweepPoint
from spinloom.report import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend
from spinloom.studies.rf_xor.measurements import Layout
from spinloom.studies.rf_xor.points import Points

_SHADES = LinearSegmentedColormap.from_list("classes", ("#BBD7EA", "#FFFFFF", "#F6CDB0"))
_LINES = ((BLUE, "o", "-"), (ORANGE, "v", "--"), (GREEN, "s", ":"), (PURPLE, "D", "-."))
_DRAWN = 400
"""Test points drawn in a map."""


def draw_maps(layouts: Sequence[Layout], tests: Sequence[Points]) -> Figure:
    """What one device says over the plane of the two powers, a panel for each layout of points, test points on it."""
    figure, axes = canvas(len(layouts), height=4.3)
    for axis, layout, test in zip(axes, layouts, tests, strict=True):
        axis.imshow(np.array(layout.map), origin="lower", extent=(0, 1, 0, 1), cmap=_SHADES, vmin=0, vmax=1)
        side = np.linspace(0, 1, len(layout.map))
        axis.contour(side, side, np.array(layout.map), levels=[0.5], colors=[GREY], linewidths=1.2)
        for kind, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
            chosen = test.powers[:_DRAWN][test.labels[:_DRAWN] == kind]
            axis.scatter(
                chosen[:, 0].tolist(),
                chosen[:, 1].tolist(),
                s=9,
                color=colour,
                marker=marker,
                linewidths=0,
                label=f"class {kind}",
            )
        label(
            axis, f"{layout.name}: {100 * layout.devices.accuracies[0]:.1f} %", "first power (µW)", "second power (µW)"
        )
        axis.grid(False)
        axis.set_aspect("equal")
    for axis in axes[1:]:
        axis.set_ylabel("")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=TEXT - 1, frameon=False, markerscale=2)
    return figure


def draw_seeds(layouts: Sequence[Layout], published: float) -> Figure:
    """Every device of every layout of seeds, the mean, the best line for the same points. published: per cent."""
    figure, (axis,) = canvas(height=4.2)
    for number, layout in enumerate(layouts):
        found = [100 * share for share in layout.devices.accuracies]
        beside = number + np.linspace(-0.18, 0.18, len(found))
        axis.plot(beside, found, "o", color=BLUE, alpha=0.5, markersize=5, label=_once("device", number))
        mean = 100 * layout.devices.mean
        axis.plot([number - 0.28, number + 0.28], [mean, mean], color=BLUE, linewidth=2.4, label=_once("mean", number))
        line = 100 * layout.line
        axis.plot(number, line, "v", color=ORANGE, markersize=8, label=_once("best straight line", number))
    axis.axhline(published, color=GREY, linestyle=(0, (4, 3)), linewidth=1.4, label=f"published, {published:g} %")
    axis.set_xticks(range(len(layouts)), [f"seed {layout.seed}" for layout in layouts])
    axis.set_ylim(70, 101)
    axis.set_xlim(-0.5, len(layouts) - 0.5)
    label(axis, "Nine fabricated junctions, test points", "", "accuracy (%)")
    axis.legend(loc="center", bbox_to_anchor=(0.5, 0.5), ncols=2, fontsize=TEXT - 1, frameon=False)
    return figure


def draw_ways(sweeps: Mapping[str, Sequence[SweepPoint]], published: float) -> Figure:
    """Accuracy against device spread, a line for each way to set the devices; bars from the worst to the best."""
    figure, (axis,) = canvas(height=4.4)
    _sweeps(axis, sweeps, 100)
    axis.axhline(published, color=GREY, linestyle=(0, (4, 3)), linewidth=1.4, label=f"published, {published:g} %")
    label(axis, "Device spread", "standard deviation of every device parameter (%)", "accuracy (%)")
    axis.set_ylim(45, 102)
    figure.legend(loc="outside lower center", ncols=2, fontsize=TEXT - 1, frameon=False)
    return figure


def draw_noise(temperature: Sequence[SweepPoint], power: Sequence[SweepPoint], published: float) -> Figure:
    """Accuracy of trained devices read at other temperatures (K), and with other noise of their oscillators."""
    figure, (left, right) = canvas(2, height=4.2)
    for axis, points, scale in ((left, temperature, 1.0), (right, power, 100.0)):
        _sweeps(axis, {"mean, bars from the worst to the best device": points}, scale)
        axis.axhline(published, color=GREY, linestyle=(0, (4, 3)), linewidth=1.4, label=f"published, {published:g} %")
    lowest = min(p.population.worst for points in (temperature, power) for p in points)
    for axis in (left, right):
        axis.set_ylim(min(95.0, 100 * lowest - 1), 100.5)
    label(left, "Temperature", "temperature of every read (K)", "accuracy (%)")
    label(right, "Noise of the oscillators", "standard deviation of a power (%)", "")
    legend(left, "lower left")
    return figure


def _sweeps(axis: Axes, sweeps: Mapping[str, Sequence[SweepPoint]], scale: float) -> None:
    apart = 0.006 * scale * max(point.value for points in sweeps.values() for point in points)
    for number, ((name, points), (colour, marker, style)) in enumerate(zip(sweeps.items(), _LINES, strict=False)):
        aside = (number - (len(sweeps) - 1) / 2) * apart  # so that bars do not hide each other
        middle = np.array([100 * p.population.mean for p in points])
        least = np.array([100 * p.population.worst for p in points])
        most = np.array([100 * max(p.population.accuracies) for p in points])
        axis.errorbar(
            [scale * p.value + aside for p in points], middle, yerr=(middle - least, most - middle), color=colour,
            marker=marker, linestyle=style, linewidth=1.9, capsize=3, label=name,
        )  # fmt: skip


def _once(name: str, number: int) -> str:
    return name if number == 0 else "_nolegend_"
