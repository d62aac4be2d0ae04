"""Populations and sweeps as tables for people and as numbers for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from spinloom.evaluation import Population, SweepPoint
from spinloom.report.tables import Table


def percent(share: float) -> str:
    """Of an accuracy 0..1, two digits."""
    return f"{100 * share:.2f}"


def error_in_percent(population: Population) -> float | None:
    """Standard error of the mean, in per cent (points); None for a single instance."""
    error = population.uncertainty
    return None if error is None else 100 * error


def percents(population: Population) -> tuple[str, str | None, str]:
    """Mean, standard deviation (None for a single instance, which has none) and worst of the instances, in per cent."""
    deviation = percent(population.deviation) if len(population.accuracies) > 1 else None
    return percent(population.mean), deviation, percent(population.worst)


def sweep_table(title: str, axis: str, scale: float, points: Sequence[SweepPoint], note: str = "") -> Table:
    """One row per point. axis: heading of the value swept. scale: from the value to the column (100 for per cent)."""
    rows = tuple((f"{scale * point.value:g}", *percents(point.population)) for point in points)
    return Table(title, (axis, "accuracy (%)", "deviation", "worst"), rows, note)


def raw_sweeps(sweeps: Mapping[str, Sequence[SweepPoint]]) -> dict[str, Any]:
    """Every accuracy (0..1) of every point, ready for JSON."""
    return {
        name: [{"value": p.value, "accuracies": list(p.population.accuracies)} for p in points]
        for name, points in sweeps.items()
    }
