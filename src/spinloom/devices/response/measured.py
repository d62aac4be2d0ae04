"""A user's own measured device as a Response, read from CSV.

The conductance, not the resistance, is linear in cos(theta): G = G_P (1 + cos)/2 + G_AP (1 - cos)/2
(J. C. Slonczewski, Phys. Rev. B 39, 6995 (1989)), so cos = (2 G - G_P - G_AP) / (G_P - G_AP).
"""

from pathlib import Path
from reprlib import repr as short

import numpy as np
import torch

from spinloom.devices.response.response import Response, as_path, is_stuck
from spinloom.devices.response.scale import derivative, fit_unit_drive, warn_of_reach, warn_of_slope
from spinloom.devices.response.table import Sweeps, Table, arrange, read_table
from spinloom.errors import InputError, require_positive

DRIVES = ("current", "current_density", "voltage", "drive")
READS = {"resistance_in_plane": ("resistance_perpendicular",), "value": ("slope", "noise", "slope_noise")}
"""What stands beside a drive: one of these, and, where it is known, what goes with it."""
FULL_SCALE = {"value": 2.0, "noise": 1.0}
"""Beyond full scale by noise and overshoot, not by more."""
OVERSHOOT = 0.02
"""Readings may pass an extreme by this part of the conductance span: noise, not a mistake."""

Extremes = tuple[float, float]
"""(R_P, R_AP), ohm: resistance with parallel and with antiparallel layers."""
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
        curve, see `_cosine` (a perpendicular junction that swings through both states needs them given).
    unit_drive: drive for a network input of 1, SI; by default fitted, value ~ tanh(drive / unit_drive), to devices
        that are not stuck.
    drive_unit: unit of a `drive` column whose header names none. sort: accept rows in any order.

    Raises InputError with file, line, column and remedy; SpinloomWarning for a slope of another scale (`scale.py`).
    """
    table = read_table(as_path(path))
    quantity = _drive_column(table)
    _require_extremes(in_plane=in_plane, perpendicular=perpendicular)
    unit = _unit(table, quantity, drive_unit)
    if unit_drive is not None:
        require_positive(unit, unit_drive=unit_drive)
    sweeps = arrange(table, quantity, sort=sort)
    metadata = {"source": table.path.name, "devices": ", ".join(filter(None, sweeps.devices)) or "1"}
    metadata["repeats"] = f"{sweeps.counts.min()} to {sweeps.counts.max()}"
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
    table: Table, sweeps: Sweeps, in_plane: Extremes | None, perpendicular: Extremes | None, metadata: dict[str, str]
) -> _Curves:
    """Of every device."""
    columns = table.columns
    if "value" in columns:
        return _generic(table, sweeps)
    cosine = _cosine(table, sweeps, "resistance_in_plane", in_plane)
    metadata["in_plane"] = f"R_P, R_AP = {in_plane} ohm" if in_plane else "extremes of the curve are m_x = +1, -1"
    slope = slope_noise = None
    if "resistance_perpendicular" in columns:
        squared = _cosine(table, sweeps, "resistance_perpendicular", perpendicular) ** 2
        slope, slope_noise = sweeps.mean(squared), sweeps.deviation(squared)
        given = f"R_P, R_AP = {perpendicular} ohm"
        metadata["perpendicular"] = given if perpendicular else "extremes of the curve are |m_z| = 1 and m_z = 0"
    return sweeps.mean(cosine), slope, sweeps.deviation(cosine), slope_noise


def _generic(table: Table, sweeps: Sweeps) -> _Curves:
    columns = table.columns
    beyond = "{:g} is beyond full scale, which is -1 to 1"
    for quantity, most in FULL_SCALE.items():
        size = np.abs(columns.get(quantity, np.zeros(1)))
        largest = (size > most) & (size == size.max())
        table.refuse(quantity, largest, f"{beyond}; divide the column by its full scale (100 for per cent)")
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
    table.refuse(noise, given < 0, "a standard deviation must be >= 0; correct the cell")
    return np.sqrt(sweeps.mean(given**2))


def _cosine(table: Table, sweeps: Sweeps, quantity: str, extremes: Extremes | None) -> np.ndarray:
    """m_x, or m_z up to a common sign, of every row, (rows,).

    Without `extremes`, each device's mean curve is taken to reach +1 and -1 in plane. The perpendicular one runs from
    |m_z| = 1 at the drive closest to zero to m_z = 0 where its conductance is farthest from there: the free layer
    starts along the axis and is turned into the plane, so this junction never reaches its other extreme.

    A stuck device shows no extremes, only noise: it gets the span of the others, moved no further than to hold its
    mean (one of another area is then at an end of its scale), and the majority's side to start from.
    """
    remedy = "resistance must be > 0, got {:g} ohm; subtract the offset of the meter or swap the sign of the voltage"
    table.refuse(quantity, table.columns[quantity] <= 0, remedy)
    conductance = 1 / table.columns[quantity]
    if extremes is not None:
        high, low = 1 / extremes[0], 1 / extremes[1]
        cosine = (2 * conductance - high - low) / (high - low)
        outside = f"{{:g}} ohm is outside [R_P, R_AP] = [{extremes[0]:g}, {extremes[1]:g}] ohm"
        beyond = np.abs(cosine) > 1 + 2 * OVERSHOOT
        table.refuse(quantity, beyond, f"{outside}; correct the extremes or the unit of the column")
        return cosine
    mean = sweeps.mean(conductance)
    if bool((np.ptp(mean, axis=1) <= 1e-9 * mean.mean(1)).all()):
        raise InputError(
            f"{table.path}: {quantity} does not change with the drive; pass (R_P, R_AP) or measure further"
        )
    device = sweeps.cell // len(sweeps.drive)
    # whose relative change is noise beside that of the liveliest
    stuck = is_stuck(torch.from_numpy(mean / mean.mean(1, keepdims=True))).numpy()
    lowest, highest = mean.min(1), mean.max(1)
    half = (highest - lowest)[~stuck].mean() / 2
    middle = np.clip((highest + lowest)[~stuck].mean() / 2, mean[stuck].mean(1) - half, mean[stuck].mean(1) + half)
    lowest[stuck], highest[stuck] = middle - half, middle + half
    lowest, highest = lowest[device], highest[device]
    if quantity == "resistance_in_plane":
        return (2 * conductance - highest - lowest) / (highest - lowest)
    starts_high = mean[:, np.abs(sweeps.drive).argmin()] > mean.mean(1)
    starts_high[stuck] = starts_high[~stuck].mean() > 0.5
    return np.where(starts_high[device], conductance - lowest, highest - conductance) / (highest - lowest)


def _require_extremes(**given: Extremes | None) -> None:
    """Raise InputError unless they are two numbers with 0 < R_P < R_AP."""
    for name, extremes in given.items():
        try:
            parallel, antiparallel = (float(resistance) for resistance in ((1, 2) if extremes is None else extremes))
        except (TypeError, ValueError):
            parallel = antiparallel = np.nan
        if not 0 < parallel < antiparallel < np.inf:
            raise InputError(f"{name} must be (R_P, R_AP) in ohm with 0 < R_P < R_AP, got {short(extremes)}")
