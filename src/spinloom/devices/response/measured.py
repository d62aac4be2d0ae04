"""A user's own measured device as a Response, read from CSV."""

from pathlib import Path

import numpy as np
import torch

from spinloom.devices.response.conductance import Extremes, in_plane_cosine, perpendicular_cosine, require_extremes
from spinloom.devices.response.response import Response, as_path, is_stuck
from spinloom.devices.response.scale import (
    derivative,
    fit_unit_drive,
    require_full_scale,
    warn_of_reach,
    warn_of_slope,
)
from spinloom.devices.response.sweeps import Sweeps, arrange
from spinloom.devices.response.table import Table, read_table
from spinloom.errors import InputError, require_positive

DRIVES = ("current", "current_density", "voltage", "drive")
READS = {
    "resistance_in_plane": ("resistance_perpendicular",),
    "value": ("slope", "noise", "slope_noise"),
}
"""What stands beside a drive: one of these, and, where it is known, what goes with it."""

_Curves = tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray | None]
"""value, slope (None: not measured), noise and slope_noise (None: not measured), (devices, points) each."""


def read_curve(
    path: str | Path,
    *,
    in_plane: Extremes | None = None,
    perpendicular: Extremes | None = None,
    unit_drive: float | None = None,
    drive_unit: str | None = None,
    sort: bool = False,
) -> Response:
    """Read a measured response; docs/examples/measured_junction.csv is one.

    Columns, in any order, units in the header: `current` (A or A/m^2), `voltage` (V) or `drive` (any of these, A/m, T)
    with either `resistance_in_plane` and, if measured, `resistance_perpendicular` (ohm); or `value` and, if known,
    `slope`, `noise` and `slope_noise` (dimensionless). A column `device` separates devices, rows of equal device and
    drive are repeats.

    value is the mean of m_x over repeats and noise its standard deviation (0 for single rows). slope is the
    mean of m_z^2, slope_noise its standard deviation; without the perpendicular junction slope is the derivative of
    value by drive / unit_drive, without noise.

    in_plane, perpendicular: (R_P, R_AP) of each junction, ohm; by default the extremes of each device's
        curve, see `conductance` (a perpendicular junction that swings through both states needs them given).
    unit_drive: drive for a network input of 1, SI; by default fitted, value ~ tanh(drive / unit_drive), to devices
        that are not stuck.
    drive_unit: unit of a `drive` column whose header names none. sort: accept rows in any order.

    Raises InputError with file, line, column and remedy; SpinloomWarning for a slope of another scale (`scale.py`).
    """
    table = read_table(as_path(path))
    quantity = _drive_column(table)
    require_extremes("in_plane", in_plane)
    require_extremes("perpendicular", perpendicular)
    unit = _unit(table, quantity, drive_unit)
    if unit_drive is not None:
        require_positive(unit, unit_drive=unit_drive)
    sweeps = arrange(table, quantity, sort=sort)
    metadata = {"source": table.path.name, "devices": ", ".join(filter(None, sweeps.devices)) or "1"}
    metadata["repeats"] = "{} to {}".format(*sweeps.repeats)
    value, slope, noise, slope_noise = _curves(table, sweeps, in_plane, perpendicular, metadata)
    alive = ~is_stuck(torch.from_numpy(value)).numpy()
    if unit_drive is None:
        if not alive.any():
            raise InputError(f"{table.path}: no device answers to its drive (value is constant); check the columns")
        unit_drive, left = fit_unit_drive(sweeps.drive, value[alive], str(table.path))
        metadata["unit_drive"] = f"fitted to tanh, rms residual {left:.3g}"
    if "value" not in table.columns and in_plane is None:
        warn_of_reach(str(table.path), sweeps.drive / unit_drive)
    if slope is None:
        slope = derivative(sweeps.drive / unit_drive, value)
        metadata["slope"] = "numerical derivative of value"
    elif "slope" in table.columns and alive.any():
        warn_of_slope(str(table.path), sweeps.drive / unit_drive, value[alive], slope[alive])
    return Response(
        drive=torch.from_numpy(sweeps.drive),
        value=torch.from_numpy(value),
        slope=torch.from_numpy(slope),
        noise=torch.from_numpy(noise),
        slope_noise=torch.zeros_like(torch.from_numpy(slope)) if slope_noise is None else torch.from_numpy(slope_noise),
        unit_drive=unit_drive,
        drive_unit=unit,
        metadata=metadata,
    )


def _drive_column(table: Table) -> str:
    given = [name for name in DRIVES if name in table.columns]
    if len(given) != 1:
        found = "more than one drive" if given else "no drive"
        raise InputError(f"{table.path} has {found}: exactly one column of {', '.join(DRIVES)} is needed")
    read = next((name for name in READS if name in table.columns), None)
    if read is None:
        raise InputError(f"{table.path} has no column {' or '.join(map(repr, READS))} beside {given[0]!r}; add one")
    for name in table.columns:
        if name not in (given[0], read, *READS[read]):
            raise InputError(f"{table.path}: column {name!r} does not belong beside {read!r}; remove one of them")
    return given[0]


def _unit(table: Table, quantity: str, drive_unit: str | None) -> str:
    written = table.headers[quantity].unit
    if written and drive_unit and written != drive_unit:
        raise InputError(f"{table.path}: the header gives {quantity} in {written}, drive_unit says {drive_unit!r}")
    unit = written or drive_unit
    if not unit:
        raise InputError(f"{table.path}: column 'drive' names no unit; write 'drive (A)' or pass drive_unit")
    return unit


def _curves(
    table: Table,
    sweeps: Sweeps,
    in_plane: Extremes | None,
    perpendicular: Extremes | None,
    metadata: dict[str, str],
) -> _Curves:
    """Of every device."""
    columns = table.columns
    if "value" in columns:
        return _generic(table, sweeps)
    cosine = in_plane_cosine(table, sweeps, in_plane)
    metadata["in_plane"] = f"R_P, R_AP = {in_plane} ohm" if in_plane else "extremes of the curve are m_x = +1, -1"
    slope = slope_noise = None
    if "resistance_perpendicular" in columns:
        squared = perpendicular_cosine(table, sweeps, perpendicular) ** 2
        slope, slope_noise = sweeps.mean(squared), sweeps.deviation(squared)
        given = f"R_P, R_AP = {perpendicular} ohm"
        metadata["perpendicular"] = given if perpendicular else "extremes of the curve are |m_z| = 1 and m_z = 0"
    return sweeps.mean(cosine), slope, sweeps.deviation(cosine), slope_noise


def _generic(table: Table, sweeps: Sweeps) -> _Curves:
    require_full_scale(table)
    columns = table.columns
    value, noise = sweeps.mean(columns["value"]), _deviation(table, sweeps, "value", "noise")
    if "slope" in columns:
        return value, sweeps.mean(columns["slope"]), noise, _deviation(table, sweeps, "slope", "slope_noise")
    if "slope_noise" in columns:
        raise InputError(f"{table.path} has slope_noise without slope; add the column slope or remove slope_noise")
    return value, None, noise, None


def _deviation(table: Table, sweeps: Sweeps, read: str, noise: str) -> np.ndarray:
    """Of one read: the column `noise` where there is one, else the deviation of repeats."""
    if noise not in table.columns:
        return sweeps.deviation(table.columns[read])
    given = table.columns[noise]
    wrong = np.flatnonzero(given < 0)
    if len(wrong):
        raise InputError(f"{table.where(wrong[0], noise)}: a standard deviation must be >= 0; correct the cell")
    return np.sqrt(sweeps.mean(given**2))
