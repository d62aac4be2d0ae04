"""The tables of the study, for people, and its raw numbers, for machines."""

from typing import Any

from spinloom.devices import DeviceSource
from spinloom.report import Cell, Table, percent, percents, raw_sweeps, sweep_table
from spinloom.studies.mtj_robustness.imperfections import IMPERFECTIONS
from spinloom.studies.mtj_robustness.measurements import Measured
from spinloom.studies.mtj_transfer.listing import device_table


def tables(found: Measured, junctions: DeviceSource, tolerance: float, images: str) -> tuple[Table, ...]:
    """What is borne, every sweep, the device. images: the test images in words."""
    sweeps = [
        sweep_table(IMPERFECTIONS[name].title, IMPERFECTIONS[name].axis, IMPERFECTIONS[name].scale, points)
        for name, points in found.sweeps.items()
    ]
    return (_borne_table(found, tolerance, images), *sweeps, device_table(junctions))


def _borne_table(found: Measured, tolerance: float, images: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, points in found.sweeps.items():
        kind, most = IMPERFECTIONS[name], found.borne(name, tolerance)
        hardest = min(points, key=lambda p: p.value) if kind.worst_first else max(points, key=lambda p: p.value)
        reached = "none of those measured" if most is None else f"{kind.scale * most:g}"
        end = f"{kind.scale * hardest.value:g}"
        rows.append((kind.axis, reached, end, *percents(hardest.population)))
    columns = ("imperfection", "borne", "hardest measured", "accuracy there (%)", "deviation", "worst")
    note = (
        f"Borne: the most that was measured before the mean of the networks loses more than {tolerance:.1f} points "
        f"against the software network ({percent(found.software)} %). {images}; deviation: standard deviation of the "
        "networks."
    )
    return Table("What is borne", columns, tuple(rows), note)


def raw(found: Measured) -> dict[str, Any]:
    """Every accuracy (0..1), ready for JSON."""
    return {"software": found.software, "sweeps": raw_sweeps(found.sweeps)}
