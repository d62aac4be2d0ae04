"""From the resistance of a junction to the cosine of the angle between its layers.

The conductance, not the resistance, is linear in cos(theta): G = G_P (1 + cos)/2 + G_AP (1 - cos)/2
(J. C. Slonczewski, Phys. Rev. B 39, 6995 (1989)), so cos = (2 G - G_P - G_AP) / (G_P - G_AP).
"""

from reprlib import repr as short

import numpy as np
import torch

from spinloom.devices.response.response import is_stuck
from spinloom.devices.response.sweeps import Sweeps
from spinloom.devices.response.table import Table
from spinloom.errors import InputError

Extremes = tuple[float, float]
"""(R_P, R_AP), ohm: resistance with parallel and with antiparallel layers."""
OVERSHOOT = 0.02
"""Readings may pass an extreme by this part of the conductance span: noise, not a mistake."""


def in_plane_cosine(table: Table, sweeps: Sweeps, extremes: Extremes | None) -> np.ndarray:
    """m_x of every row, (rows,). Without `extremes`, each device's mean curve is taken to reach +1 and -1."""
    quantity = "resistance_in_plane"
    conductance = _conductance(table, quantity)
    if extremes is not None:
        return _between(table, quantity, conductance, extremes)
    lowest, highest = _span(table, quantity, sweeps, conductance)
    return (2 * conductance - highest - lowest) / (highest - lowest)


def perpendicular_cosine(table: Table, sweeps: Sweeps, extremes: Extremes | None) -> np.ndarray:
    """m_z of every row (up to a common sign), (rows,).

    Without `extremes`, each device's mean curve is taken to run from |m_z| = 1 at the drive closest to zero
    to m_z = 0 where its conductance is farthest from there: the free layer starts along the axis and is
    turned into the plane, so this junction never reaches its other extreme.
    """
    quantity = "resistance_perpendicular"
    conductance = _conductance(table, quantity)
    if extremes is not None:
        return _between(table, quantity, conductance, extremes)
    lowest, highest = _span(table, quantity, sweeps, conductance)
    mean = sweeps.mean(conductance)
    rest = mean[:, np.abs(sweeps.drive).argmin()]
    device = sweeps.cell // len(sweeps.drive)
    starts_high = _as_the_living(rest > mean.mean(1), mean)[device]
    return np.where(starts_high, conductance - lowest, highest - conductance) / (highest - lowest)


def require_extremes(name: str, extremes: Extremes | None) -> None:
    """Raise InputError unless they are two numbers with 0 < R_P < R_AP."""
    if extremes is None:
        return
    try:
        parallel, antiparallel = (float(resistance) for resistance in extremes)
    except (TypeError, ValueError):
        parallel = antiparallel = np.nan
    if not 0 < parallel < antiparallel < np.inf:
        raise InputError(f"{name} must be (R_P, R_AP) in ohm with 0 < R_P < R_AP, got {short(extremes)}")


def _conductance(table: Table, quantity: str) -> np.ndarray:
    """(rows,), S. Raises InputError at the first resistance that is not positive."""
    resistance = table.columns[quantity]
    wrong = np.flatnonzero(resistance <= 0)
    if len(wrong):
        raise InputError(
            f"{table.where(wrong[0], quantity)}: resistance must be > 0, got {resistance[wrong[0]]:g} ohm; "
            "subtract the offset of the meter or swap the sign of the voltage"
        )
    return 1 / resistance


def _between(table: Table, quantity: str, conductance: np.ndarray, extremes: Extremes) -> np.ndarray:
    high, low = 1 / extremes[0], 1 / extremes[1]
    cosine = (2 * conductance - high - low) / (high - low)
    wrong = np.flatnonzero(np.abs(cosine) > 1 + 2 * OVERSHOOT)
    if len(wrong):
        raise InputError(
            f"{table.where(wrong[0], quantity)}: {1 / conductance[wrong[0]]:g} ohm is outside "
            f"[R_P, R_AP] = [{extremes[0]:g}, {extremes[1]:g}] ohm; "
            "correct the extremes or the unit of the column"
        )
    return cosine


def _span(table: Table, quantity: str, sweeps: Sweeps, conductance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest mean conductance of each row's device, (rows,) each, S.

    A stuck device shows no extremes, only noise: it gets the span of the others, moved no further than to hold its
    mean (one of another area is then at an end of its scale).
    """
    mean = sweeps.mean(conductance)
    if bool((np.ptp(mean, axis=1) <= 1e-9 * mean.mean(1)).all()):
        raise InputError(
            f"{table.path}: {quantity} does not change with the drive; pass (R_P, R_AP) or measure further"
        )
    device, stuck = sweeps.cell // len(sweeps.drive), _stuck(mean)
    lowest, highest = mean.min(1), mean.max(1)
    half = (highest - lowest)[~stuck].mean() / 2
    middle = np.clip((highest + lowest)[~stuck].mean() / 2, mean[stuck].mean(1) - half, mean[stuck].mean(1) + half)
    lowest[stuck], highest[stuck] = middle - half, middle + half
    return lowest[device], highest[device]


def _stuck(mean: np.ndarray) -> np.ndarray:
    """(devices,), of conductances (devices, points): whose relative change is noise beside that of the liveliest."""
    return is_stuck(torch.from_numpy(mean / mean.mean(1, keepdims=True))).numpy()


def _as_the_living(flags: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Flags (devices,), those of stuck devices by the majority of the others."""
    stuck = _stuck(mean)
    return np.where(stuck, flags[~stuck].mean() > 0.5, flags)
