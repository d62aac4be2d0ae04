"""Tables for people, printed and in the report, and the same as numbers for machines; sweeps, and how they show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spinloom.devices import DeviceSource
from spinloom.evaluation import BackwardMemory, InferenceCost, Population
from spinloom.quantities import si

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """A titled table; every row has one cell per column. note: sentences below it, in lines.

    in_print: whether it is printed too, or stands in the report only.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    in_print: bool = True


def is_number(value: Cell) -> bool:
    """Whether a cell is a number, or a text that reads as one (a rounded figure)."""
    try:
        float(value if value is not None else "none")
    except ValueError:
        return False
    return True


def cell(value: Cell) -> str:
    """A table cell as text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value


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


@dataclass(frozen=True)
class Sweep:
    """title, axis, scale (from the value to the axis) and caption of a sweep; unit: of the axis, in words.

    none: the value that stands for nominal devices as they are, if one does. worst_first: whether small values hurt.
    """

    name: str
    title: str
    axis: str
    scale: float
    caption: str
    unit: str = "%"
    none: float | None = 0.0
    worst_first: bool = False


SWEEPS = {one.name: one for one in (
    Sweep("spread", "Accuracy against device spread", "standard deviation of every physical parameter (%)", 100,
          "Fabricated networks: every junction differs in diameter, thickness, anisotropy, damping, polarization and "
          "direction of its polarizers. Thermal noise of the reads is included."),
    Sweep("noise", "Accuracy against read noise", "added noise of one read (% of full scale)", 100,
          "Nominal junctions, with noise added to their own in every read of every neuron."),
    Sweep("resolution", "Accuracy against resolution", "bits of the converter behind each neuron", 1,
          "Nominal junctions whose every output is rounded to 2^bits levels from -1 to 1.",
          unit="bit", none=None, worst_first=True),
    Sweep("temperature", "Accuracy against temperature", "temperature (K)", 1,
          "Nominal junctions; only the thermal motion and the Johnson noise change, material parameters do not.",
          unit="K", none=None),
    Sweep("diameter", "Accuracy against diameter", "diameter of the junction (nm)", 1e9,
          "Nominal junctions: a smaller free layer moves more at room temperature.", unit="nm", none=None),
    Sweep("stuck", "Accuracy against dead junctions", "junctions that no longer answer (%)", 100,
          "Nominal junctions, some of which are stuck at the lowest or the highest value of their curve, half of "
          "them each, at random places."),
)}  # fmt: skip
"""By name, in the order of the reports."""


def sweep_table(title: str, axis: str, scale: float, points: Mapping[float, Population], note: str = "") -> Table:
    """One row per value. axis: heading of the values. scale: from the value to the column (100 for per cent)."""
    rows = tuple((f"{scale * value:g}", *percents(group)) for value, group in points.items())
    return Table(title, (axis, "accuracy (%)", "deviation", "worst"), rows, note)


def raw_sweeps(sweeps: Mapping[str, Mapping[float, Population]]) -> dict[str, Any]:
    """Every accuracy (0..1) of every point, ready for JSON."""
    return {
        name: [{"value": value, "accuracies": list(group.accuracies)} for value, group in points.items()]
        for name, points in sweeps.items()
    }


def memory_table(found: BackwardMemory) -> Table:
    """One row per layer, and the total."""
    total = ("total", "", si(found.software, "B"), si(found.hardware, "B"))
    rows = tuple((m.name, m.kind, si(m.software, "B"), si(m.hardware, "B")) for m in found.layers)
    share = f"{found.hardware / found.software:.0%}" if found.software else "none"
    note = (
        f"Hardware keeps {share} of it: junctions hold the outputs and slopes of neurons, which are read again. "
        "Parameters are not counted."
    )
    columns = ("layer", "type", "software", "hardware")
    return Table("State kept for the backward pass, per image", columns, (*rows, total), note)


def cost_table(cost: InferenceCost) -> Table:
    """Energies, latency, counts and memory of one inference."""
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


def device_table(source: DeviceSource) -> Table:
    """Parameters of the device; in the report only."""
    title = "The simulated junction (SI units)" if source.simulated else "The device given"
    return Table(title, ("parameter", "value"), tuple(source.parameters.items()), in_print=False)
