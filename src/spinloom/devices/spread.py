"""Device-to-device spread: every physical parameter of every fabricated device is drawn."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from spinloom.devices.parameters import require_plausible
from spinloom.errors import InputError, require_number, unknown_name


class Spread:
    """Standard deviations relative to the nominal value (0.05 is 5 %), by the name of a device's parameter.

    `Spread(diameter=0.03, damping=0.2)`, or a mapping of names. Angles are relative to a right angle: polarizer_angle
    of the two-polarizer junction tilts each polarizer, independently and in both directions, 0.05 by 4.5 degrees.
    Positive parameters are log-normal, so that 20 % never makes a negative thickness; tilts are normal.

    Raises InputError for what is no number >= 0; a device raises it for a name that it does not spread.
    """

    def __init__(self, sigmas: Mapping[str, float] | None = None, /, **named: float) -> None:
        if sigmas is not None and not isinstance(sigmas, Mapping):
            raise InputError(f"a Spread must be made of parameters, Spread(diameter=0.05), got {sigmas!r}")
        self.sigmas: dict[str, float] = {**(sigmas or {}), **named}
        self.others = 0.0
        self._check(**self.sigmas)

    @classmethod
    def uniform(cls, sigma: float) -> "Spread":
        """The same relative spread on every physical parameter."""
        made = cls()
        made._check(spread=sigma)
        made.others = sigma
        return made

    def of(self, name: str) -> float:
        """The standard deviation of a parameter."""
        return self.sigmas.get(name, self.others)

    def require_known(self, names: Iterable[str]) -> None:
        """Raise InputError where a parameter is named that is not among those that spread."""
        known = set(names)
        for name in self.sigmas.keys() - known:
            raise unknown_name("parameter of the spread", name, known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spread) and (self.sigmas, self.others) == (other.sigmas, other.others)

    def __hash__(self) -> int:
        return hash((tuple(self.sigmas.items()), self.others))

    def __repr__(self) -> str:
        named = ", ".join(f"{name}={sigma!r}" for name, sigma in self.sigmas.items())
        return f"Spread.uniform({self.others!r})" if self.others else f"Spread({named})"

    def _check(self, **sigmas: float) -> None:
        require_number("(relative)", "non-negative", **sigmas)
        require_plausible(spread=max(sigmas.values(), default=0.0))


def as_spread(given: Any) -> Spread:
    """A `Spread` from one, a plain fraction for everything that spreads, or None. Raises InputError."""
    if given is None or isinstance(given, Spread):
        return given or Spread()
    try:
        return Spread.uniform(given)
    except InputError as error:
        raise InputError(f"spread must be a fraction such as 0.05 or a Spread, got {given!r} ({error})") from error


def factor(sigma: float, devices: int, source: torch.Generator) -> torch.Tensor:
    """Log-normal factors with mean 1 and standard deviation `sigma`, (devices,), float64."""
    width = math.sqrt(math.log1p(sigma**2))
    draw = torch.randn(devices, generator=source, dtype=torch.float64)
    return torch.exp(width * draw - width**2 / 2)


def tilt(sigma: float, devices: int, source: torch.Generator) -> torch.Tensor:
    """Angles in rad with standard deviation sigma * 90 degrees, (devices,), float64."""
    return sigma * math.pi / 2 * torch.randn(devices, generator=source, dtype=torch.float64)
