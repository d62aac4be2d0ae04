"""Whether the columns of a table have the scale of a Response: full scale is 1, the slope is that of the value."""

import numpy as np

from spinloom.devices.csv_table import Table
from spinloom.devices.parameters import warn
from spinloom.errors import InputError

LARGEST = {"value": 2.0, "noise": 1.0}
"""Beyond full scale by noise and overshoot, not by more."""
LEAST, MOST = 0.6, 1.7
"""Of `slope_scale`. Correct curves of tanh with 5 % noise on both reads keep to 0.7 to 1.7 down to 5 points; the median
of simulated junctions, whose m_z^2 is not quite the derivative of m_x, to 0.7 to 1.5 up to a spread of 10 %."""
COARSE = 2.0
"""Steps of the network input beyond which the sum over points is not the integral: the bounds are then 2.5 times as
wide."""

LEAST_REACH = 1.8
"""Network inputs where tanh is 0.95: a sweep that ends before has not shown the extremes of its curve."""


def require_full_scale(table: Table) -> None:
    """Raise InputError at the largest value or noise that is beyond full scale."""
    for quantity, most in LARGEST.items():
        if quantity in table.columns:
            size = np.abs(table.columns[quantity])
            row = int(size.argmax()) if len(size) else 0
            if len(size) and size[row] > most:
                raise InputError(
                    f"{table.where(row, quantity)}: {table.columns[quantity][row]:g} is beyond full scale, which is -1 "
                    "to 1; divide the column by its full scale (100 for per cent)"
                )


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
