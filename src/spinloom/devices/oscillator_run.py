"""What a simulated auto-oscillator did: power and phase against time, and the figures drawn from them."""

import math
from dataclasses import dataclass

import torch

from spinloom.devices.macrospin_mode import Mode
from spinloom.errors import InputError
from spinloom.magnetism import Trajectory


@dataclass(frozen=True)
class OscillatorRun:
    """time (records,): s. power (records, *batch): (1 - cosine to rest) / 2.

    phase (records, *batch): rad, unwrapped.
    """

    time: torch.Tensor
    power: torch.Tensor
    phase: torch.Tensor

    def after(self, start: float) -> "OscillatorRun":
        """The part from `start` (s) on. Raises InputError where fewer than 4 records remain."""
        kept = self.time >= start
        if int(kept.sum()) < 4:
            raise InputError(f"the run ends at {float(self.time[-1]):.3g} s; nothing is left after {start:.3g} s")
        return OscillatorRun(self.time[kept], self.power[kept], self.phase[kept])

    def mean_power(self) -> torch.Tensor:
        """(*batch)."""
        return self.power.mean(0)

    def frequency(self) -> torch.Tensor:
        """Hz, (*batch): slope of the phase."""
        return _slope(self.time, self.phase) / (2 * math.pi)

    def growth_rate(self) -> torch.Tensor:
        """1/s, (*batch), of the *power*: slope of its logarithm; the amplitude grows half as fast.

        Of use while the power is small against 1 and 1 / Q; over many turns the ripple of an ellipse averages out.
        """
        return _slope(self.time, self.power.log())


def observe(trajectory: Trajectory, mode: Mode) -> OscillatorRun:
    """Power and phase about the equilibrium of `mode`, in float64."""
    x, y, z = trajectory.m.to(torch.float64).unbind(1)
    along, first, second = mode.components((x, y, z))
    turns = torch.atan2(second, first)
    step = turns.diff(dim=0)
    step = step - 2 * math.pi * torch.round(step / (2 * math.pi))
    phase = torch.cat((turns[:1], turns[:1] + step.cumsum(0)))
    # 1 - cosine from the components across: at small power nothing is left of the difference itself
    across = first.square() + second.square()
    power = torch.where(along > 0, across / (1 + along.clamp(min=0)), 1 - along) / 2
    return OscillatorRun(trajectory.time, power, phase)


def fit_power_curve(current: torch.Tensor, power: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(I_th, Q) of p = (xi - 1) / (xi + Q) through stationary powers (points,) at currents (points,) above threshold.

    I (1 - p) / I_th - Q p = 1 is linear in 1 / I_th and Q: least squares. I_th is where p extrapolates to 0.
    Raises InputError for fewer than 2 points or powers that are not between 0 and 1.
    """
    if current.numel() < 2 or not bool(((power > 0) & (power < 1)).all()):
        raise InputError("two points or more with powers between 0 and 1 are needed: leave out what does not oscillate")
    scale = current.abs().max()
    columns = torch.stack((current / scale * (1 - power), -power), -1)
    inverse, q = torch.linalg.lstsq(columns, torch.ones_like(power).unsqueeze(-1)).solution[:, 0]
    return scale / inverse, q


def _slope(time: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Of the straight line of least squares, (*batch)."""
    t = (time - time.mean()).reshape(-1, *[1] * (values.ndim - 1))
    return (t * values).sum(0) / t.square().sum()
