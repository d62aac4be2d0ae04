"""How the power of an auto-oscillator follows its current."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from spinloom.errors import InputError, require_count, require_non_negative, require_number, require_positive
from spinloom.magnetism import Drive, Quantity, double

if TYPE_CHECKING:
    from spinloom.devices.oscillator import AutoOscillator


@dataclass(frozen=True)
class PowerTrajectory:
    """time (steps + 1,) in s, from 0; power (steps + 1, *batch), normalised."""

    time: torch.Tensor
    power: torch.Tensor

    @property
    def final(self) -> torch.Tensor:
        """(*batch)."""
        return self.power[-1]


def integrate(
    oscillator: "AutoOscillator", current: Quantity | Drive, duration: float, start: Quantity, steps: int
) -> PowerTrajectory:
    """Power on `steps` + 1 even instants. Differentiable.

    Within a step the current stands at its value in the middle and dp/dt = k p - c p^2 is solved exactly: a constant
    current has no error at any step, a varying one an error of second order, and p never leaves [0, 1].

    Raises InputError for a start outside [0, 1], a duration that is not positive, fewer than 1 step.
    """
    require_number("s", duration=duration)
    require_positive("s", duration=duration)
    require_non_negative("", start=start)
    if bool((double(start) > 1).any()):
        raise InputError("start is a normalised power and must be at most 1")
    require_count(steps=steps)
    time = torch.linspace(0, duration, steps + 1, dtype=torch.float64)
    h = duration / steps
    constant = None if isinstance(current, Drive) else oscillator.supercriticality(current)
    p, kept = double(start), [double(start)]
    for middle in (time[:-1] + h / 2).unbind():
        xi = oscillator.supercriticality(current(middle)) if isinstance(current, Drive) else constant
        assert xi is not None
        p = _step(p, xi, oscillator, h)
        kept.append(p)
    return PowerTrajectory(time, torch.stack(torch.broadcast_tensors(*kept)))


def _step(p: torch.Tensor, xi: torch.Tensor, oscillator: "AutoOscillator", h: float) -> torch.Tensor:
    rate = 2 * oscillator.decay_rate * h
    k, c = rate * (xi - 1), rate * (xi + oscillator.nonlinear_damping)
    falling = torch.where(k > 0, -k, k)  # its exponential cannot overflow; unlike -abs(k) it has a slope at 0
    grown, ratio = torch.exp(falling), _ratio(falling)
    return torch.where(k > 0, p / (grown + c * p * ratio), p * grown / (1 + c * p * ratio))


def _ratio(x: torch.Tensor) -> torch.Tensor:
    """(exp(x) - 1) / x, 1 at x = 0."""
    small = x.abs() < 1e-5
    return torch.where(small, 1 + x / 2, torch.expm1(x) / torch.where(small, 1.0, x))
