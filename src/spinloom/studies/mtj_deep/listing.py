"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict
from typing import Any

from spinloom.evaluation import Population
from spinloom.quantities import si
from spinloom.report import Cell, Table, memory_table, percent, percents
from spinloom.studies.mtj_deep.measured import Measured


def tables(found: Measured, images: str) -> tuple[Table, ...]:
    """Accuracy, cost, state kept for backward. images: the test images in words."""
    drawn = [_accuracy(found, images)]
    if found.cost:
        drawn.append(_cost(found))
    return (*drawn, memory_table(found.memory))


def groups(found: Measured) -> dict[str, Population]:
    """Every population on junctions that was measured, by its name."""
    named = {
        "nominal junctions": found.nominal,
        "fabricated junctions": found.fabricated,
        "the same, batch norms measured anew": found.refreshed,
        "instances to be tuned": found.before,
        "the same after one pass in place": found.tuned,
    }
    return {name: group for name, group in named.items() if group}


def _accuracy(found: Measured, images: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        ("software", percent(found.software), None, None, None, None),
        (
            "software, batch norms folded",
            percent(found.folded),
            None,
            None,
            percent(found.software - found.folded),
            None,
        ),
    ]
    for name, group in groups(found).items():
        loss = percent(found.software - group.mean)
        rows.append((name, *percents(group), loss, len(group.accuracies)))
    columns = ("network", "accuracy (%)", "deviation", "worst", "mean loss", "instances")
    note = f"{images}; deviation: standard deviation of instances; loss: points."
    if found.tuned:
        note += " Those to be tuned are the first of the fabricated ones, read anew, their batch norms not folded."
    return Table("Accuracy", columns, tuple(rows), note)


def _cost(found: Measured) -> Table:
    cost = found.cost
    assert cost is not None
    rows = (
        ("energy of all junctions", si(cost.neurons, "J")),
        ("energy of the weights, estimate", si(cost.weights, "J")),
        ("latency of the junctions", si(cost.latency, "s")),
        ("junctions", cost.devices),
        ("multiply-accumulates", cost.macs),
    )
    return Table("Cost of one inference", ("quantity", "value"), rows, "See the assumptions for what is left out.")


def raw(found: Measured) -> dict[str, Any]:
    """Every accuracy (0..1), the cost (SI) and the memory (bytes per image), ready for JSON."""
    return {
        "software": found.software,
        "folded": found.folded,
        **{name: list(group.accuracies) for name, group in groups(found).items()},
        "cost": asdict(found.cost) if found.cost else None,
        "memory": {"software": found.memory.software, "hardware": found.memory.hardware},
    }
