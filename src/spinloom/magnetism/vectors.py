"""Directions in space: given by a user, used with length 1."""

from typing import Any

import torch

from spinloom.errors import InputError
from spinloom.magnetism.drives import Quantity

Direction = tuple[Quantity, Quantity, Quantity]
Triple = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

X: Direction = (1.0, 0.0, 0.0)
Y: Direction = (0.0, 1.0, 0.0)
Z: Direction = (0.0, 0.0, 1.0)


def unit(direction: Direction, name: str) -> Triple:
    """Components of `direction` scaled to length 1 (float64). Raises InputError for zero or NaN."""
    try:
        x, y, z = (torch.as_tensor(c, dtype=torch.float64) for c in direction)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} must be a vector (x, y, z) of numbers or tensors, got {direction!r}") from error
    length = (x * x + y * y + z * z).sqrt()
    if not bool((length.isfinite() & (length > 0)).all()):
        raise InputError(f"{name} must be a finite, non-zero vector, got {direction}")
    return x / length, y / length, z / length


def dot(a: Any, b: Any) -> Any:
    """Product of two vectors given by their components, first axis of a tensor or a tuple; so `cross`."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Any, b: Any) -> tuple[Any, Any, Any]:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def from_angles(polar: Quantity, azimuth: Quantity) -> Direction:
    """Unit vector from the polar angle (from +z) and the azimuth (from +x), both in rad."""
    polar, azimuth = torch.as_tensor(polar), torch.as_tensor(azimuth)
    return polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()
