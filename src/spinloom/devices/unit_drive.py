"""The drive that stands for a network input of 1, fitted to a curve."""

import numpy as np
from scipy.optimize import minimize_scalar

from spinloom.devices.parameters import warn
from spinloom.errors import InputError

POOR = 0.15
"""Of full scale, root mean square, between the mean curve and tanh: an offset of 0.3 unit drives leaves it."""
WORST = 0.5
"""A fit that leaves more than this part of the curve's mean square is no tanh."""


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
