"""What a person gives for the parts of a Response, as what it holds."""

from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
import torch

from spinloom.errors import InputError, require_positive

UNITS = ("A", "A/m^2", "V", "A/m", "T")
"""Of a drive."""
LEAST_REACH, MOST_REACH = 0.01, 1e5
"""Network inputs that a curve reaches: below, it never bends; beyond, no network asks."""


def as_curve(name: str, given: Any) -> torch.Tensor:
    """A tensor of floats: itself, or a float64 copy of whole numbers, an array or a list. Raises InputError."""
    if isinstance(given, torch.Tensor) and given.is_floating_point():
        return given
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"its type is {array.dtype}")
        return torch.from_numpy(array.astype(np.float64))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} must be a tensor of real numbers, got {short(given)} ({error})") from error


def as_unit_drive(given: Any, drive: torch.Tensor, unit: str) -> float:
    """As float. Raises InputError unless it is one number > 0 whose scale is that of the drive."""
    require_positive(unit, unit_drive=given)
    try:
        unit_drive = float(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"unit_drive must be one number in {unit}, got {short(given)}") from error
    reach = float(drive.detach().abs().max()) / unit_drive
    if not LEAST_REACH <= reach <= MOST_REACH:
        raise InputError(
            f"unit_drive is {unit_drive:g} {unit} and the drive reaches {reach * unit_drive:g} {unit}, {reach:.3g} in "
            "network inputs: is one of them in another unit?"
        )
    return unit_drive


def is_stuck(value: torch.Tensor) -> torch.Tensor:
    """(devices,): whose value (devices, points) moves by less than a tenth of what it moves in the liveliest one."""
    moved = value.amax(1) - value.amin(1)
    return (moved == 0) | (moved < 0.1 * moved.max())


def as_path(given: Any) -> Path:
    """Raises InputError for what is no path."""
    try:
        return Path(given)
    except TypeError as error:
        raise InputError(f"a path must be a text or a pathlib.Path, got {short(given)}") from error
