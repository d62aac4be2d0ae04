"""What the descent may change: ten parameters of the junction, each as a share of its way between two bounds."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from spinloom.devices import TwoPolarizerMTJ
from spinloom.errors import InputError
from spinloom.magnetism import Quantity
from spinloom.units import DEGREE


@dataclass(frozen=True)
class Free:
    """A parameter and its bounds, SI. name: a field of the device, or "field.0" for one of a pair; title: for people.

    logarithmic: whether equal steps are equal ratios.
    """

    name: str
    unit: str
    low: float
    high: float
    title: str
    logarithmic: bool = True

    def share(self, value: float) -> float:
        """Where between the bounds a value lies. Raises InputError outside of them."""
        if not self.low <= value <= self.high:
            raise InputError(
                f"{self.name} of the design that the descent starts from must lie between {self.low:g} and "
                f"{self.high:g} {self.unit}, got {value:g} {self.unit}"
            )
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value(self, share: torch.Tensor) -> torch.Tensor:
        if self.logarithmic:
            return self.low * (share * math.log(self.high / self.low)).exp()
        return self.low + (self.high - self.low) * share


TILT = 20 * DEGREE
FREE = (
    Free("diameter", "m", 60e-9, 160e-9, "diameter"),
    Free("thickness", "m", 1e-9, 2.5e-9, "thickness"),
    Free("residual_field", "T", -20e-3, 20e-3, "residual field", logarithmic=False),
    Free("pulse", "s", 50e-12, 400e-12, "pulse"),
    Free("reset", "s", 0.1e-9, 0.6e-9, "reset"),
    Free("reset_drive", "", 1.0, 4.0, "reset drive"),
    Free("in_plane_tilt.0", "rad", -TILT, TILT, "in-plane polarizer, towards z", logarithmic=False),
    Free("in_plane_tilt.1", "rad", -TILT, TILT, "in-plane polarizer, azimuth", logarithmic=False),
    Free("perpendicular_tilt.0", "rad", -TILT, TILT, "perp. polarizer, towards x", logarithmic=False),
    Free("perpendicular_tilt.1", "rad", -TILT, TILT, "perp. polarizer, towards y", logarithmic=False),
)


def shares_of(device: TwoPolarizerMTJ) -> list[float]:
    """The free parameters of a design. Raises InputError for one that cannot be started from."""
    for name in ("interface_anisotropy", "reset_current_density"):
        if getattr(device, name) is not None:
            raise InputError(f"{name} follows from the free parameters here: leave it out of --junction")
    return [free.share(float(_get(device, free.name))) for free in FREE]


def with_shares(device: TwoPolarizerMTJ, shares: torch.Tensor) -> TwoPolarizerMTJ:
    """`device` with the free parameters at `shares` (n,), differentiable."""
    changed: dict[str, Any] = {}
    for free, share in zip(FREE, shares, strict=True):
        name, _, place = free.name.partition(".")
        value = free.value(share)
        if place:
            pair = list(changed.get(name, getattr(device, name)))
            pair[int(place)] = value
            changed[name] = tuple(pair)
        else:
            changed[name] = value
    return replace(device, **changed)


def design_of(device: TwoPolarizerMTJ, shares: list[float]) -> TwoPolarizerMTJ:
    """The same with plain numbers, as devices are built from."""
    made = with_shares(device, torch.tensor(shares, dtype=torch.float64))
    plain: dict[str, Any] = {}
    for free in FREE:
        name, _, place = free.name.partition(".")
        value = getattr(made, name)
        plain[name] = (float(value[0]), float(value[1])) if place else float(value)
    return replace(made, **plain)


def value_of(device: TwoPolarizerMTJ, name: str) -> float:
    """One free parameter of a design with plain numbers."""
    return float(_get(device, name))


def _get(device: TwoPolarizerMTJ, name: str) -> Quantity:
    name, _, place = name.partition(".")
    value = getattr(device, name)
    return value[int(place)] if place else value
