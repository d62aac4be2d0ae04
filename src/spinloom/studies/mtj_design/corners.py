"""Device spread without chance: a small set of fabricated devices that stands for a random population."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from spinloom.devices import MOST_POLARIZATION, TwoPolarizerMTJ
from spinloom.magnetism import Quantity

SCALED = ("diameter", "thickness", "interface_anisotropy", "damping", "polarization", "reset_polarization")
TILTED = ("in_plane_tilt", "perpendicular_tilt")


def corners(device: TwoPolarizerMTJ, sigma: float) -> TwoPolarizerMTJ:
    """The nominal device and 24 fabricated ones, (25, 1), every spread parameter a standard deviation up or down.

    The signs are the design of R. L. Plackett and J. P. Burman, Biometrika 33, 305 (1946) for 11 factors, and its
    mirror image: over them every parameter, and every product of two or three, averages to zero, as in a large random
    population, but without the chance of a draw that a descent would adapt to. As in `TwoPolarizerMTJ.fabricate`
    the anisotropy and the reset current are those of the design. Differentiable.
    """
    signs: Iterator[torch.Tensor] = iter(_SIGNS[:, :, None] * sigma)
    changed: dict[str, Any] = {"reset_current_density": device.reset_density}
    most = MOST_POLARIZATION[device.source]
    for name in SCALED:
        value: Quantity = device.anisotropy if name == "interface_anisotropy" else getattr(device, name)
        drawn = value * (1 + next(signs))
        changed[name] = drawn.clamp(max=most) if "polarization" in name else drawn
    for name in TILTED:
        first, second = getattr(device, name)
        changed[name] = first + math.pi / 2 * next(signs), second + math.pi / 2 * next(signs)
    return replace(device, **changed)


def _plackett_burman() -> torch.Tensor:
    """(11, 25): a column of zeros, the design, its mirror image."""
    row = torch.tensor([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1], dtype=torch.float64)
    design = torch.stack([row.roll(k) for k in range(11)] + [-torch.ones(11, dtype=torch.float64)], dim=1)
    return torch.cat([torch.zeros(11, 1, dtype=torch.float64), design, -design], dim=1)


_SIGNS = _plackett_burman()
