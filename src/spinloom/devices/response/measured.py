"""A user's own measured device as a Response, read from CSV.

The conductance, not the resistance, is linear in cos(theta): G = G_P (1 + cos)/2 + G_AP (1 - cos)/2
(J. C. Slonczewski, Phys. Rev. B 39, 6995 (1989)), so cos = (2 G - G_P - G_AP) / (G_P - G_AP).
"""

from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from spinloom.devices.parameters import warn
from spinloom.devices.response.response import Response, is_stuck
from spinloom.devices.table import NUMBER, WORDS, Quantities, Sweeps, Table, arrange, read_table
from spinloom.devices.tensor_file import as_path
from spinloom.errors import InputError, require_positive

_CURRENT = {"A": ("A", 1.0)}
_DENSITY = {"A/m^2": ("A/m^2", 1.0), "A/m2": ("A/m^2", 1.0), "A/cm^2": ("A/m^2", 1e4), "A/cm2": ("A/m^2", 1e4)}
_RESISTANCE = dict.fromkeys(("ohm", "Ohm", "\u03a9", "\u2126"), ("ohm", 1.0))
_QUANTITIES: Quantities = {
    "current_density": _DENSITY,
    "current": _CURRENT | _DENSITY,
    "voltage": {"V": ("V", 1.0)},
    **dict.fromkeys(("resistance_in_plane", "resistance_perpendicular"), _RESISTANCE),
    "drive": _CURRENT | _DENSITY | {unit: (unit, 1.0) for unit in ("V", "A/m", "T")},
    **dict.fromkeys(("value", "slope", "noise", "slope_noise"), NUMBER),
    "device": WORDS,
}
DRIVES = ("current", "current_density", "voltage", "drive")
READS = {"resistance_in_plane": ("resistance_perpendicular",), "value": ("slope", "noise", "slope_noise")}
"""What stands beside a drive: one of these, and, where it is known, what goes with it."""
FULL_SCALE = {"value": 2.0, "noise": 1.0}
"""Beyond full scale by noise and overshoot, not by more."""
OVERSHOOT = 0.02
"""Readings may pass an extreme by this part of the conductance span: noise, not a mistake."""

LEAST, MOST = 0.6, 1.7
"""Of `slope_scale`. Correct curves of tanh with 5 % noise on both reads keep to 0.7 to 1.7 down to 5 points; the median
of simulated junctions, whose m_z^2 is not quite the derivative of m_x, to 0.7 to 1.5 up to a spread of 10 %."""
COARSE = 2.0
"""Steps of the network input beyond which the sum over points is not the integral: the bounds are then 2.5 times as
wide."""

LEAST_REACH = 1.8
"""Network inputs where tanh is 0.95: a sweep that ends before has not shown the extremes of its curve."""
POOR = 0.15
"""Of full scale, root mean square, between the mean curve and tanh: an offset of 0.3 unit drives leaves it."""
WORST = 0.5
"""A fit that leaves more than this part of the curve's mean square is no tanh."""
WIDTH = 0.1
"""Network inputs over which points are averaged first: tanh loses 0.003 of its slope by it, and a curve of thousands of
noisy points does not turn into noise, which a difference of neighbours is."""

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

    Raises InputError with file, line, column and remedy; SpinloomWarning for a slope of another scale (`slope_scale`).
    """
    table = read_table(as_path(path), _QUANTITIES, "drive (A),value")
    quantity, unit = _drive(table, drive_unit)
    for name, extremes in (("in_plane", in_plane), ("perpendicular", perpendicular)):
        try:
            parallel, antiparallel = (float(resistance) for resistance in ((1, 2) if extremes is None else extremes))
        except (TypeError, ValueError):
            parallel = antiparallel = np.nan
        if not 0 < parallel < antiparallel < np.inf:
            raise InputError(f"{name} must be (R_P, R_AP) in ohm with 0 < R_P < R_AP, got {short(extremes)}")
    if unit_drive is not None:
        require_positive(unit, unit_drive=unit_drive)
    sweeps = arrange(table, quantity, sort=sort)
    culprit = str(table.path)
    metadata = {"source": table.path.name, "devices": ", ".join(filter(None, sweeps.names)) or "1"}
    metadata["repeats"] = f"{sweeps.counts.min()} to {sweeps.counts.max()}"
    value, slope, noise, slope_noise = _curves(sweeps, in_plane, perpendicular, metadata)
    alive = ~is_stuck(torch.from_numpy(value)).numpy()
    if unit_drive is None:
        if not alive.any():
            raise InputError(f"{culprit}: no device answers to its drive (value is constant); check the columns")
        unit_drive, left = fit_unit_drive(sweeps.drive, value[alive], culprit)
        metadata["unit_drive"] = f"fitted to tanh, rms residual {left:.3g}"
    inputs = sweeps.drive / unit_drive
    reach = float(np.abs(inputs[[0, -1]]).min())
    if "value" not in table.columns and in_plane is None and reach < LEAST_REACH:
        remedy = "its ends were taken for the extreme states; pass in_plane=(R_P, R_AP) or measure further"
        warn(f"{culprit}: the sweep ends at {reach:.2g} network inputs, before the resistance has settled; {remedy}")
    if slope is None:
        slope = derivative(inputs, value)
        metadata["slope"] = "numerical derivative of value"
    elif "slope" in table.columns and alive.any():
        scale, wider = slope_scale(inputs, value[alive], slope[alive]), 2.5 if np.diff(inputs).max() > COARSE else 1.0
        if not LEAST / wider <= scale <= MOST * wider:
            remedy = f"multiply it by {1 / scale:.3g}" if scale else "leave it out and it is the derivative of value"
            meant = f"slope is the change of value per network input, drive / unit_drive: check its unit or {remedy}"
            warn(f"{culprit}: the integral of slope is {scale:.3g} times the rise of value, about 1 is right; {meant}")
    curves: dict[str, Any] = {"value": value, "slope": slope, "noise": noise, "slope_noise": slope_noise}
    curves["drive"] = sweeps.drive
    return Response(**curves, unit_drive=unit_drive, drive_unit=unit, metadata=metadata)


def _drive(table: Table, drive_unit: str | None) -> tuple[str, str]:
    """The one column that is a drive, and its unit; what stands beside it belongs there."""
    given = [name for name in DRIVES if name in table.columns]
    if len(given) != 1:
        found = "more than one drive" if given else "no drive"
        raise InputError(f"{table.path} has {found}: exactly one column of {', '.join(DRIVES)} is needed")
    (quantity,) = given
    read = next((name for name in READS if name in table.columns), None)
    if read is None:
        raise InputError(f"{table.path} has no column {' or '.join(map(repr, READS))} beside {quantity!r}; add one")
    for name in table.columns:
        if name not in (quantity, read, *READS[read]):
            raise InputError(f"{table.path}: column {name!r} does not belong beside {read!r}; remove one of them")
    written = table.headers[quantity].unit
    if written and drive_unit and written != drive_unit:
        raise InputError(f"{table.path}: the header gives {quantity} in {written}, drive_unit says {drive_unit!r}")
    if not written and not drive_unit:
        raise InputError(f"{table.path}: column 'drive' names no unit; write 'drive (A)' or pass drive_unit")
    return quantity, written or drive_unit or ""


def _curves(
    sweeps: Sweeps, in_plane: Extremes | None, perpendicular: Extremes | None, metadata: dict[str, str]
) -> _Curves:
    """Of every device."""
    columns, slope, slope_noise = sweeps.columns, None, None
    if "value" not in columns:
        cosine = _cosine(sweeps, "resistance_in_plane", in_plane)
        metadata["in_plane"] = f"R_P, R_AP = {in_plane} ohm" if in_plane else "extremes of the curve are m_x = +1, -1"
        if "resistance_perpendicular" in columns:
            squared = _cosine(sweeps, "resistance_perpendicular", perpendicular) ** 2
            slope, slope_noise = sweeps.mean(squared), sweeps.deviation(squared)
            given = f"R_P, R_AP = {perpendicular} ohm"
            metadata["perpendicular"] = given if perpendicular else "extremes of the curve are |m_z| = 1 and m_z = 0"
        return sweeps.mean(cosine), slope, sweeps.deviation(cosine), slope_noise
    beyond = "{:g} is beyond full scale, which is -1 to 1"
    for quantity, most in FULL_SCALE.items():
        size = np.abs(columns.get(quantity, np.zeros(1)))
        largest = (size > most) & (size == size.max())
        sweeps.refuse(quantity, largest, f"{beyond}; divide the column by its full scale (100 for per cent)")
    value, noise = sweeps.mean(columns["value"]), _deviation(sweeps, "value", "noise")
    if "slope" in columns:
        slope, slope_noise = sweeps.mean(columns["slope"]), _deviation(sweeps, "slope", "slope_noise")
    elif "slope_noise" in columns:
        raise InputError(f"{sweeps.path} has slope_noise without slope; add the column slope or remove slope_noise")
    return value, slope, noise, slope_noise


def _deviation(sweeps: Sweeps, read: str, noise: str) -> np.ndarray:
    """Of one read: the column `noise` where there is one, else the deviation of repeats."""
    if noise not in sweeps.columns:
        return sweeps.deviation(sweeps.columns[read])
    given = sweeps.columns[noise]
    sweeps.refuse(noise, given < 0, "a standard deviation must be >= 0; correct the cell")
    return np.sqrt(sweeps.mean(given**2))


def _cosine(sweeps: Sweeps, quantity: str, extremes: Extremes | None) -> np.ndarray:
    """m_x, or m_z up to a common sign, of every row, (rows,).

    Without `extremes`, each device's mean curve is taken to reach +1 and -1 in plane. The perpendicular one runs from
    |m_z| = 1 at the drive closest to zero to m_z = 0 where its conductance is farthest from there: the free layer
    starts along the axis and is turned into the plane, so this junction never reaches its other extreme.

    A stuck device shows no extremes, only noise: it gets the span of the others, moved no further than to hold its
    mean (one of another area is then at an end of its scale), and the majority's side to start from.
    """
    remedy = "resistance must be > 0, got {:g} ohm; subtract the offset of the meter or swap the sign of the voltage"
    sweeps.refuse(quantity, sweeps.columns[quantity] <= 0, remedy)
    conductance = 1 / sweeps.columns[quantity]
    if extremes is not None:
        high, low = 1 / extremes[0], 1 / extremes[1]
        cosine = (2 * conductance - high - low) / (high - low)
        outside = f"{{:g}} ohm is outside [R_P, R_AP] = [{extremes[0]:g}, {extremes[1]:g}] ohm"
        beyond = np.abs(cosine) > 1 + 2 * OVERSHOOT
        sweeps.refuse(quantity, beyond, f"{outside}; correct the extremes or the unit of the column")
        return cosine
    mean = sweeps.mean(conductance)
    if bool((np.ptp(mean, axis=1) <= 1e-9 * mean.mean(1)).all()):
        flat = f"{quantity} does not change with the drive"
        raise InputError(f"{sweeps.path}: {flat}; pass (R_P, R_AP) or measure further")
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


def slope_scale(inputs: np.ndarray, value: np.ndarray, slope: np.ndarray) -> float:
    """By how much the slope is too large: the median over the devices, 1 where all is right.

    inputs: (points,), drive / unit drive. value, slope: (devices, points). Of each device the integral of its slope is
    fitted to its value, offset free, by least squares: all points count, so noise hardly does.
    """
    step = np.diff(inputs)
    risen = np.cumsum(step * (slope[:, 1:] + slope[:, :-1]) / 2, axis=1)
    weight = np.gradient(inputs) / np.gradient(inputs).sum()

    def centred(curve: np.ndarray) -> np.ndarray:
        return curve - (curve * weight).sum(1, keepdims=True)

    integral, curve = centred(np.pad(risen, ((0, 0), (1, 0)))), centred(value)
    square, product = (integral**2 * weight).sum(1), (integral * curve * weight).sum(1)
    return float(np.median(np.divide(square, product, out=np.zeros_like(square), where=product != 0)))


def fit_unit_drive(drive: np.ndarray, value: np.ndarray, culprit: str) -> tuple[float, float]:
    """Least squares of value ~ tanh(drive / I0) over all devices: I0 and the root mean square that is left.

    drive: (points,), any unit. value: (devices, points). `culprit` names the curve in errors.
    Raises InputError where no positive I0 describes the curve, SpinloomWarning where one hardly does.
    """
    largest = float(np.abs(drive).max())

    def residual(log_scale: float) -> float:
        return float(np.mean((value - np.tanh(drive / (largest * np.exp(log_scale)))) ** 2))

    # Scan first: far from the solution the residual is flat.
    scan = np.linspace(np.log(1e-3), np.log(1e3), 121)
    best = scan[int(np.argmin([residual(point) for point in scan]))]
    step = scan[1] - scan[0]
    fit = minimize_scalar(residual, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-10})
    left, keep = float(fit.fun), "pass unit_drive to keep the curve as it is"
    if left > WORST * float(np.mean(value**2)):
        remedy = "reverse the drive if the curve falls, subtract an offset, scale a value of 0 to 1 to -1 to 1, or"
        raise InputError(f"{culprit} does not follow tanh(drive / I0): {remedy} {keep}")
    unit_drive = largest * float(np.exp(fit.x))
    off = float(np.sqrt(np.mean((value.mean(0) - np.tanh(drive / unit_drive)) ** 2)))
    if off > POOR:
        away = f"{off:.2f} of full scale (rms) off tanh(drive / I0), I0 = {unit_drive:.3g}"
        warn(f"{culprit}: the mean curve is {away}: subtract an offset of drive or value, or {keep}")
    return unit_drive, float(np.sqrt(left))


def derivative(inputs: np.ndarray, value: np.ndarray) -> np.ndarray:
    """By the network input, (devices, points). inputs: (points,), drive / unit drive; value: (devices, points)."""
    step = (inputs[-1] - inputs[0]) / (len(inputs) - 1)
    together = max(1, min(int(WIDTH / step), len(inputs) // 2))
    starts = np.arange(0, len(inputs) - together + 1, together)
    counts = np.diff(np.append(starts, len(inputs)))
    middle = np.add.reduceat(inputs, starts) / counts
    mean = np.add.reduceat(value, starts, axis=1) / counts
    slope = np.gradient(mean, middle, axis=1)
    return np.stack([np.interp(inputs, middle, row) for row in slope])
