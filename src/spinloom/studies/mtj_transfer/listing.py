"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict
from typing import Any

from spinloom.evaluation.quantities import si
from spinloom.evaluation.robustness import Population, SweepPoint
from spinloom.evaluation.tables import Cell, Table
from spinloom.studies.mtj_transfer.junctions import Junctions
from spinloom.studies.mtj_transfer.measurements import Measured
from spinloom.studies.mtj_transfer.pictures import SWEEPS


def tables(found: Measured, junctions: Junctions, images: str) -> tuple[Table, ...]:
    """Accuracy, every sweep, cost, the device. images: the test images in words."""
    rows: list[tuple[Cell, ...]] = [("software", _percent(found.software), None, None, None, None)]
    for name, group in (("nominal junctions", found.nominal), ("fabricated junctions", found.fabricated)):
        loss = _percent(found.software - group.mean)
        rows.append((name, *_percents(group), loss, len(group.accuracies)))
    columns = ("network", "accuracy (%)", "deviation", "worst", "mean loss", "instances")
    accuracy = Table("Accuracy", columns, tuple(rows), f"{images}; deviation: standard deviation of instances.")
    sweeps = [_sweep_table(name, found.sweeps[name]) for name in SWEEPS if name in found.sweeps]
    return (accuracy, *sweeps, *([_cost_table(found)] if found.cost else []), _device_table(junctions))


def _sweep_table(name: str, points: tuple[SweepPoint, ...]) -> Table:
    title, axis, scale, _ = SWEEPS[name]
    rows = tuple((f"{scale * point.value:g}", *_percents(point.population)) for point in points)
    return Table(title, (axis, "accuracy (%)", "deviation", "worst"), rows)


def _percents(population: Population) -> tuple[str, str, str]:
    """Mean, standard deviation and worst of the instances."""
    return _percent(population.mean), _percent(population.deviation), _percent(population.worst)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _device_table(junctions: Junctions) -> Table:
    title = "The simulated junction (SI units)" if junctions.simulated else "The device given"
    return Table(title, ("parameter", "value"), tuple(junctions.parameters.items()), in_print=False)


def _cost_table(found: Measured) -> Table:
    cost = found.cost
    assert cost is not None
    rows = (
        ("energy of all junctions", si(cost.neurons, "J")),
        ("of it reset, write, read", ", ".join(si(part, "J") for part in (cost.reset, cost.write, cost.read))),
        ("energy of the weights, estimate", si(cost.weights, "J")),
        ("latency of the junctions", si(cost.latency, "s")),
        ("junctions", cost.devices),
        ("multiply-accumulates", cost.macs),
        ("weights in memory (bytes)", cost.weight_bytes),
        ("activations kept for backward in software (bytes)", cost.backward_bytes),
        ("curves of the devices in this simulation (bytes)", cost.table_bytes),
    )
    return Table("Cost of one inference", ("quantity", "value"), rows, "See the assumptions for what is left out.")


def raw(found: Measured) -> dict[str, Any]:
    """Every accuracy (0..1) and the cost (SI), ready for JSON."""

    def listed(population: Population) -> list[float]:
        return list(population.accuracies)

    return {
        "software": found.software,
        "nominal": listed(found.nominal),
        "fabricated": listed(found.fabricated),
        "sweeps": {
            name: [{"value": p.value, "accuracies": listed(p.population)} for p in points]
            for name, points in found.sweeps.items()
        },
        "cost": asdict(found.cost) if found.cost else None,
    }
