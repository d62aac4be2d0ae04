"""One look for every figure: matplotlib's object interface, no global state, colours told apart by everyone."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spinloom.files import write_bytes

LineStyle = str | tuple[float, tuple[float, ...]]

BLUE, ORANGE, GREEN, PURPLE, AMBER, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#5A5A5A"
"""From the palette of Okabe and Ito (2008)."""
DASHED: LineStyle = (0, (4, 3))
TEXT = 11
"""pt; 15 pixels where a figure of 10 inches is shown 1,000 pixels wide."""


def canvas(
    columns: int = 1, rows: int = 1, height: float = 4.2, ratios: Sequence[float] | None = None, share: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure 10 inches wide and its axes, row by row. ratios: heights of the rows. share: one x axis per column."""
    figure = Figure(figsize=(10, height), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    shared: Any = "col" if rows > 1 and share else False
    grid = figure.subplots(rows, columns, squeeze=False, sharex=shared, height_ratios=ratios)
    for axis in grid.flat:
        axis.tick_params(labelsize=TEXT - 1, color=GREY)
        axis.grid(True, color="#E3E3E3", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(GREY)
    return figure, list(grid.flat)


def label(axis: Axes, title: str, x: str, y: str) -> None:
    """Title and axis labels in the common sizes; an empty text leaves one out."""
    axis.set_title(title, loc="left", fontsize=TEXT + 1, fontweight="bold")
    axis.set_xlabel(x, fontsize=TEXT)
    axis.set_ylabel(y, fontsize=TEXT)


def legend(axis: Axes, place: Any = "best", **more: Any) -> None:
    """more: as matplotlib's, before the common look."""
    axis.legend(loc=place, **{"fontsize": TEXT - 1, "frameon": False, **more})


def legend_below(figure: Figure, axis: Axes, columns: int, **more: Any) -> None:
    """One legend for all panels, below them, of what `axis` shows."""
    look = {"ncols": columns, "fontsize": TEXT - 1, "frameon": False, **more}
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", **look)


def refer(axis: Axes, level: float, name: str | None, line: LineStyle = DASHED, colour: str = GREY) -> None:
    """A line across, at a level to compare with."""
    axis.axhline(level, color=colour, linewidth=1.4, linestyle=line, label=name)


def log_ticks(axis: Axes, ticks: Sequence[float], names: Sequence[str] | None = None) -> None:
    """A logarithmic x axis with these ticks alone, as plain numbers or by name."""
    axis.set_xscale("log")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks] if names is None else names)
    axis.minorticks_off()


def png(figure: Figure) -> bytes:
    """The content of a PNG file."""
    content = BytesIO()
    figure.savefig(content, format="png", facecolor="white")
    return content.getvalue()


def save(path: Path, figure: Figure) -> None:
    """Write a PNG, whole or not at all. Raises OutputError."""
    write_bytes(path, png(figure))
