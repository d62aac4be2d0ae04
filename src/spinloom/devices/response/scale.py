"""The scale of a measured curve: its unit drive, its derivative, and whether its slope fits its value."""

import numpy as np
from scipy.optimize import minimize_scalar

from spinloom.devices.parameters import warn
from spinloom.errors import InputError

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


def warn_of_slope(culprit: str, inputs: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
    """SpinloomWarning where the slope cannot be that of the value by the network input."""
    scale, wider = slope_scale(inputs, value, slope), 2.5 if np.diff(inputs).max() > COARSE else 1.0
    if LEAST / wider <= scale <= MOST * wider:
        return
    remedy = f"multiply it by {1 / scale:.3g}" if scale else "leave it out and it is the derivative of value"
    warn(
        f"{culprit}: the integral of slope is {scale:.3g} times the rise of value, where about 1 is expected; slope is "
        f"the change of value per network input, drive / unit_drive: check its unit or {remedy}"
    )


def warn_of_reach(culprit: str, inputs: np.ndarray) -> None:
    """SpinloomWarning where extremes were taken from a sweep, inputs (points,), that ends before it saturates."""
    reach = float(np.abs(inputs[[0, -1]]).min())
    if reach < LEAST_REACH:
        warn(
            f"{culprit}: the sweep ends at {reach:.2g} network inputs, before the resistance has settled, and its ends "
            "were taken for the parallel and the antiparallel state; pass in_plane=(R_P, R_AP) or measure further"
        )


def fit_unit_drive(drive: np.ndarray, value: np.ndarray, culprit: str) -> tuple[float, float]:
    """Least squares of value ~ tanh(drive / I0) over all devices: I0 and the root mean square that is left.

    drive: (points,), any unit. value: (devices, points). `culprit` names the curve in errors.
    Raises InputError where no positive I0 describes the curve where one hardly does.
    """
    largest = float(np.abs(drive).max())

    def residual(log_scale: float) -> float:
        return float(np.mean((value - np.tanh(drive / (largest * np.exp(log_scale)))) ** 2))

    # Scan first: far from the solution the residual is flat.
    scan = np.linspace(np.log(1e-3), np.log(1e3), 121)
    best = scan[int(np.argmin([residual(point) for point in scan]))]
    step = scan[1] - scan[0]
    fit = minimize_scalar(residual, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-10})
    left = float(fit.fun)
    if left > WORST * float(np.mean(value**2)):
        raise InputError(
            f"{culprit} does not follow tanh(drive / I0): reverse the sign of the drive if the curve falls, subtract "
            "an offset of the drive, scale a value of 0 to 1 to -1 to 1, or pass unit_drive to keep the curve as it is"
        )
    unit_drive = largest * float(np.exp(fit.x))
    off = float(np.sqrt(np.mean((value.mean(0) - np.tanh(drive / unit_drive)) ** 2)))
    if off > POOR:
        warn(
            f"{culprit}: the mean curve is {off:.2f} of full scale (rms) off tanh(drive / I0), I0 = {unit_drive:.3g}: "
            "subtract an offset of drive or value, or pass unit_drive to keep the curve as it is"
        )
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
