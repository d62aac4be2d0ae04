"""The figures of the study with their captions."""

from spinloom.report import Plot
from spinloom.studies.mtj_design.checking import Checked
from spinloom.studies.mtj_design.designing import Designed
from spinloom.studies.mtj_design.figures import draw_curves, draw_descent, draw_networks
from spinloom.studies.mtj_design.modes import Modes
from spinloom.studies.mtj_design.network import OnJunctions
from spinloom.studies.mtj_design.space_figures import draw_modes, draw_warmth


def plots(
    design: Designed,
    checks: tuple[Checked, Checked],
    space: Modes,
    moved: tuple[OnJunctions, OnJunctions],
    software: float,
) -> tuple[Plot, ...]:
    """All figures, in the order of the report."""
    return (
        Plot(
            "curves",
            "The two outputs of both junctions beside tanh and its derivative; below, what is left of a nominal device "
            "at 0 K, then of fabricated devices at temperature (thin lines are single devices). All on a mesh.",
            draw_curves(checks),
        ),
        Plot(
            "descent",
            "The objective and its parts, each relative to the hand-chosen junction, over the evaluations of the "
            "descent; right, the parameters between their bounds. The descent goes on on a mesh behind the line.",
            draw_descent(design),
        ),
        Plot(
            "macrospin",
            "Where a macrospin and a mesh differ: largest difference of either output over the inputs, and how far the "
            "magnetisation is from uniform right after the pulse, against diameter and length of the pulse, at 0 K.",
            draw_modes(space, design.start),
        ),
        Plot(
            "temperature",
            "Thermal spin waves, which a macrospin does not have, shorten the mean magnetisation of the mesh, so the "
            "gradient at small inputs reads low; the noise of a read is nearly that of a macrospin.",
            draw_warmth(checks),
        ),
        Plot(
            "networks",
            "The same trained network on both junctions: every dot is one network; right, the energy of all its "
            "junctions for one image.",
            draw_networks(moved, software),
        ),
    )
