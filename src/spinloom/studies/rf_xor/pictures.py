"""The figures of the study with their captions."""

from spinloom.report import Plot, draw_radio_cost
from spinloom.studies.rf_xor.figures import draw_maps, draw_noise, draw_seeds, draw_ways
from spinloom.studies.rf_xor.measurements import Measured
from spinloom.studies.rf_xor.plan import Plan
from spinloom.studies.rf_xor.points import points_of

PUBLISHED = 97.7
"""Per cent, of the nine junctions in hardware (Ross et al., abstract)."""
WAYS = {
    "measured": "trained, by a model with the device's measured constants",
    "ideal": "trained, by an ideal twin",
    "tuned": "planned settings, resonances tuned back first",
    "copied": "planned settings as they are",
}
"""How a fabricated device gets its settings."""


def plots(found: Measured, plan: Plan, spread: float, damping: float) -> tuple[Plot, ...]:
    """All figures, in the order of the report."""
    first = (found.layouts[0], *found.others)
    tests = [points_of(layout.name, plan.points, plan.tests, layout.seed)[1] for layout in first]
    per_cent = f"{100 * spread:g} %"
    return (
        Plot(
            "decision",
            f"What one fabricated device ({per_cent} spread) says over the plane of its two input powers, thermal "
            f"noise on, for three layouts of points. Shade: share of {plan.map_reads} reads that say class 1; line: "
            "half of them. Points are test points; the accuracy of this device on all of them stands above.",
            draw_maps(first, tests),
        ),
        Plot(
            "seeds",
            f"Every dot is one fabricated device with {per_cent} spread and thermal noise, trained and tested on the "
            "points of its seed. The best straight line is chosen for the test points themselves.",
            draw_seeds(found.layouts, PUBLISHED),
        ),
        Plot(
            "spread",
            f"Accuracy against the spread of frequencies, linewidths, sensitivities and powers, {plan.sweep_devices} "
            f"devices at each point, bars from the worst to the best. {100 * damping:g} % is half a linewidth: beyond "
            "it a resonator is no longer where the plan, or an ideal twin, has it.",
            draw_ways({WAYS[way]: points for way, points in found.spread.items()}, PUBLISHED),
        ),
        Plot(
            "noise",
            "The devices of the first seed, trained at their usual noise, read at other temperatures (Johnson noise of "
            "the chains and thermal fluctuations of the oscillators together) and with other noise of the oscillators' "
            "powers.",
            draw_noise(found.layouts[0].temperature, found.layouts[0].power, PUBLISHED),
        ),
        Plot(
            "cost",
            "Energy of one inference against the diameter of the junctions, beside digital arithmetic for the same "
            "products, and the power while computing. See the assumptions.",
            draw_radio_cost(found.cost),
        ),
    )
