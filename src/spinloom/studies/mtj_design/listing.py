"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict
from typing import Any

from spinloom.quantities import si
from spinloom.report import Cell, Table
from spinloom.studies.mtj_design.checking import Checked, distance, noise
from spinloom.studies.mtj_design.designing import Designed
from spinloom.studies.mtj_design.modes import Modes
from spinloom.studies.mtj_design.network import OnJunctions
from spinloom.studies.mtj_design.objective import LARGEST_INPUT, largest_voltage
from spinloom.studies.mtj_design.parameters import FREE, value_of

Pair = tuple[Any, Any]
COLUMNS = ("hand-chosen", "found")


def tables(
    design: Designed,
    checks: tuple[Checked, Checked],
    moved: tuple[OnJunctions, OnJunctions],
    energies: tuple[float, float],
    software: float,
    images: str,
) -> tuple[Table, ...]:
    """What changed, what it does, what it is worth. images: the test images in words."""
    return _design_table(design), _junction_table(design, checks, energies), _network_table(moved, software, images)


def _design_table(design: Designed) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for free in FREE:
        values = (value_of(design.start, free.name), value_of(design.found, free.name), free.low, free.high)
        start, found, low, high = (si(value, free.unit).strip() for value in values)
        rows.append((free.title, start, found, f"{low} to {high}"))
    return Table("The design", ("parameter", *COLUMNS, "bounds"), tuple(rows))


def _junction_table(design: Designed, checks: tuple[Checked, Checked], energies: tuple[float, float]) -> Table:
    def row(title: str, values: Pair) -> tuple[Cell, ...]:
        return (title, *(value if isinstance(value, str) else f"{value:.4f}" for value in values))

    def each(measure: Any) -> Pair:
        return measure(checks[0]), measure(checks[1])

    devices = design.start, design.found
    costs = [device.cost() for device in devices]
    volts = [si(float(largest_voltage(device)), "V") for device in devices]
    rows = (
        row("distance to tanh and gradient, 0 K, mesh", each(lambda check: check.ideal.distance)),
        row("the same, macrospin", each(lambda check: check.point_distance)),
        row("distance at temperature, mesh", each(lambda check: distance(check.nominal))),
        row("the same, macrospin", each(lambda check: distance(check.point))),
        row("distance at temperature with spread, mesh", each(lambda check: distance(check.fabricated))),
        row("the same, macrospins", each(lambda check: distance(check.point_fabricated))),
        row("noise of a read, mesh", each(lambda check: noise(check.nominal))),
        row("the same, macrospin", each(lambda check: noise(check.point))),
        row("energy of an operation at input 1", (si(energies[0], "J"), si(energies[1], "J"))),
        row("of it reset", (si(costs[0].reset_energy, "J"), si(costs[1].reset_energy, "J"))),
        row("time of an operation", (si(costs[0].cycle_time, "s"), si(costs[1].cycle_time, "s"))),
        row(f"largest voltage (input {LARGEST_INPUT:g}, reset)", (volts[0], volts[1])),
    )
    note = (
        "Distance: root mean square of (value - tanh, slope - sech^2) together over inputs to "
        f"{LARGEST_INPUT:g}; at 0 K over what the reset finds, too. Noise: root mean square over the inputs."
    )
    return Table("The junction", ("quantity", *COLUMNS), rows, note)


def _network_table(moved: tuple[OnJunctions, OnJunctions], software: float, images: str) -> Table:
    def both(measure: Any) -> Pair:
        return measure(moved[0]), measure(moved[1])

    rows = (
        ("software network, accuracy (%)", *[f"{100 * software:.2f}"] * 2),
        ("nominal junctions, accuracy (%)", *both(lambda one: f"{100 * one.nominal.mean:.2f}")),
        ("fabricated junctions, accuracy (%)", *both(lambda one: f"{100 * one.fabricated.mean:.2f}")),
        ("standard deviation of networks", *both(lambda one: f"{100 * one.fabricated.deviation:.2f}")),
        ("worst network (%)", *both(lambda one: f"{100 * one.fabricated.worst:.2f}")),
        ("energy of all junctions, an image", *both(lambda one: si(one.cost.neurons, "J"))),
        ("of it reset", *both(lambda one: si(one.cost.reset, "J"))),
        ("latency of the junctions, an image", *both(lambda one: si(one.cost.latency, "s"))),
    )
    counts = f"{len(moved[0].fabricated.accuracies)} fabricated networks"
    return Table("The network", ("quantity", *COLUMNS), rows, f"{images}; {counts} each.")


def raw(
    design: Designed,
    checks: tuple[Checked, Checked],
    moved: tuple[OnJunctions, OnJunctions],
    energies: tuple[float, float],
    software: float,
    space: Modes,
) -> dict[str, Any]:
    """Every figure in SI, ready for JSON."""
    return {
        "software": software,
        "designs": [
            {free.name: value_of(device, free.name) for free in FREE} for device in (design.start, design.found)
        ],
        "descent": {"macrospin": asdict(design.point), "mesh": asdict(design.mesh)},
        "distance": [check.ideal.distance for check in checks],
        "distance_macrospin": [check.point_distance for check in checks],
        "distance_nominal": [distance(check.nominal) for check in checks],
        "distance_fabricated": [distance(check.fabricated) for check in checks],
        "distance_fabricated_macrospin": [distance(check.point_fabricated) for check in checks],
        "noise": [noise(check.nominal) for check in checks],
        "energy": list(energies),
        "nominal": [list(one.nominal.accuracies) for one in moved],
        "fabricated": [list(one.fabricated.accuracies) for one in moved],
        "cost": [asdict(one.cost) for one in moved],
        "modes": asdict(space),
    }
