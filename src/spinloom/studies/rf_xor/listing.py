"""The tables of the study, for people, and its raw numbers, for machines."""

from collections.abc import Sequence
from typing import Any

from spinloom.evaluation import SweepPoint
from spinloom.report import Table, radio_cost_table
from spinloom.studies.rf_xor.measurements import Layout, Measured
from spinloom.studies.rf_xor.pictures import WAYS


def tables(found: Measured) -> tuple[Table, ...]:
    """Accuracy of every layout of seeds and of points, the sweeps, the cost."""
    rows = tuple(
        (layout.name, layout.seed, *_shares(layout), len(layout.devices.accuracies), f"{100 * layout.line:.2f}")
        for layout in (*found.layouts, *found.others)
    )
    columns = ("points", "seed", "accuracy (%)", "deviation", "worst", "devices", "best line (%)")
    note = (
        "Each device is fabricated, trained and tested alone; its restart is chosen by the training points. The best "
        "line is chosen for the test points themselves, so no line does better on them."
    )
    return (
        Table("Accuracy on test points", columns, rows, note),
        *(_sweep(f"Device spread: {WAYS[way]}", "spread (%)", 100, points) for way, points in found.spread.items()),
        _sweep("Temperature, first seed", "temperature (K)", 1, found.layouts[0].temperature),
        _sweep("Noise of the oscillators, first seed", "power noise (%)", 100, found.layouts[0].power),
        radio_cost_table(found.cost),
    )


def _sweep(title: str, axis: str, scale: float, points: Sequence[SweepPoint]) -> Table:
    rows = tuple(
        (
            f"{scale * point.value:g}",
            f"{100 * point.population.mean:.2f}",
            f"{100 * point.population.worst:.2f}",
            len(point.population.accuracies),
        )
        for point in points
    )
    return Table(title, (axis, "accuracy (%)", "worst", "devices"), rows, in_print=False)


def _shares(layout: Layout) -> tuple[str, str, str]:
    found = layout.devices
    return f"{100 * found.mean:.2f}", f"{100 * found.deviation:.2f}", f"{100 * found.worst:.2f}"


def raw(found: Measured) -> dict[str, Any]:
    """Every accuracy (0..1) and the cost (SI), ready for JSON."""

    def swept(points: Sequence[SweepPoint]) -> list[dict[str, Any]]:
        return [{"value": p.value, "accuracies": list(p.population.accuracies)} for p in points]

    return {
        "layouts": [
            {
                "points": layout.name,
                "seed": layout.seed,
                "accuracies": list(layout.devices.accuracies),
                "best_line": layout.line,
                "temperature": swept(layout.temperature),
                "power_noise": swept(layout.power),
            }
            for layout in (*found.layouts, *found.others)
        ],
        "spread": {way: swept(points) for way, points in found.spread.items()},
        "cost": {
            name: getattr(found.cost, name)
            for name in ("resonators", "oscillators", "energy", "latency", "power", "direct_power", "wave_power")
        },
    }
