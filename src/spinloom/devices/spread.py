"""Device-to-device spread: every physical parameter of every fabricated device is drawn."""

import math
from dataclasses import dataclass, fields

import torch

from spinloom.devices.plausible import require_plausible
from spinloom.errors import require_non_negative, require_number


@dataclass(frozen=True)
class Spread:
    """Standard deviations relative to the nominal value (0.05 is 5 %); angles relative to a right angle.

    polarizer_angle tilts each polarizer, independently and in both directions: 0.05 is 4.5 degrees.
    Positive parameters are log-normal, so that 20 % never makes a negative thickness; tilts are normal.
    """

    diameter: float = 0.0
    thickness: float = 0.0
    anisotropy: float = 0.0
    damping: float = 0.0
    polarization: float = 0.0
    polarizer_angle: float = 0.0

    def __post_init__(self) -> None:
        require_number("(relative)", **{part.name: getattr(self, part.name) for part in fields(self)})
        require_non_negative("(relative)", **{part.name: getattr(self, part.name) for part in fields(self)})
        require_plausible(spread=max(getattr(self, part.name) for part in fields(self)))

    @classmethod
    def uniform(cls, sigma: float) -> "Spread":
        """The same relative spread on every physical parameter."""
        return cls(*[sigma] * len(fields(cls)))


def factor(sigma: float, devices: int, source: torch.Generator) -> torch.Tensor:
    """Log-normal factors with mean 1 and standard deviation `sigma`, (devices,), float64."""
    width = math.sqrt(math.log1p(sigma**2))
    draw = torch.randn(devices, generator=source, dtype=torch.float64)
    return torch.exp(width * draw - width**2 / 2)


def tilt(sigma: float, devices: int, source: torch.Generator) -> torch.Tensor:
    """Angles in rad with standard deviation sigma * 90 degrees, (devices,), float64."""
    return sigma * math.pi / 2 * torch.randn(devices, generator=source, dtype=torch.float64)
