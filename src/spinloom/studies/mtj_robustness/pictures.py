"""The figures of the study with their captions."""

from spinloom.devices import DeviceSource
from spinloom.report import Plot, draw_curves, draw_sweep
from spinloom.studies.mtj_robustness.imperfections import IMPERFECTIONS
from spinloom.studies.mtj_robustness.measurements import Measured

SHOWN_SPREAD = 0.05
"""Of the single junctions in the figure of curves."""


def plots(junctions: DeviceSource, found: Measured) -> tuple[Plot, ...]:
    """A figure for every sweep, then the curves of the junctions."""
    drawn = []
    for name, points in found.sweeps.items():
        kind = IMPERFECTIONS[name]
        figure = draw_sweep(points, found.software, kind.title, kind.axis, kind.scale)
        drawn.append(Plot(f"accuracy-{name}", kind.caption, figure))
    made = f"fabricated with {100 * SHOWN_SPREAD:g} % spread" if junctions.simulated else "of the file"
    caption = f"The junction's two outputs beside tanh and its derivative; thin lines are single junctions {made}."
    curves = draw_curves(junctions.nominal(), junctions.fabricated(SHOWN_SPREAD))
    return (*drawn, Plot("curves", caption, curves))
