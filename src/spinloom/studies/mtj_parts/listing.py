"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict
from typing import Any

from spinloom.devices import DeviceSource
from spinloom.evaluation import Population
from spinloom.quantities import si
from spinloom.report import Cell, Table, percent, percents, raw_sweeps, sweep_table
from spinloom.studies.mtj_parts.measurements import Measured
from spinloom.studies.mtj_parts.pictures import SWEEPS


def tables(found: Measured, junctions: DeviceSource, images: str, few: str) -> tuple[Table, ...]:
    """Accuracy, every sweep, cost, the device. images, few: the test images, and those of the sweeps, in words."""
    rows: list[tuple[Cell, ...]] = [("software", percent(found.software), None, None, None, None)]
    for name, group in (("nominal junctions", found.nominal), ("fabricated junctions", found.fabricated)):
        loss = percent(found.software - group.mean)
        rows.append((name, *percents(group), loss, len(group.accuracies)))
    columns = ("network", "accuracy (%)", "deviation", "worst", "mean loss", "instances")
    accuracy = Table(
        "Accuracy", columns, tuple(rows), f"{images}; deviation: standard deviation of instances; loss: points."
    )
    note = f"{few}, of which the software network classifies {percent(found.sweep_software)} %."
    sweeps = [sweep_table(*SWEEPS[name][:3], found.sweeps[name], note) for name in SWEEPS if name in found.sweeps]
    return (accuracy, *sweeps, *([_cost_table(found)] if found.cost else []), device_table(junctions))


def device_table(junctions: DeviceSource) -> Table:
    """Its parameters; in the report only."""
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
        "sweeps": raw_sweeps(found.sweeps),
        "cost": asdict(found.cost) if found.cost else None,
    }
