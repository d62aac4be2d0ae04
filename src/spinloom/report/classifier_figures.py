"""What a classifier answers: its confusion matrix, and its decisions over a plane."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from spinloom.data import Points
from spinloom.report.style import BLUE, GREY, ORANGE, TEXT, canvas, label, legend_below

_SHADES = LinearSegmentedColormap.from_list("classes", ("#BBD7EA", "#FFFFFF", "#F6CDB0"))
_DRAWN = 400
"""Test points drawn in a map."""


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
    legend_below(figure, axes[0], 2, markerscale=2)
    return figure
