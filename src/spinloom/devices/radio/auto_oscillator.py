"""The auto-oscillator: a direct current in, microwave power out. Slavin and Tiberkevich's equation in closed form.

With the supercriticality xi = I / I_th, Gam0 the decay rate of the amplitude at zero current (rad/s) and p the
normalised power (0 at rest, 1 - cos of the cone angle over 2 for a macrospin)

    dp/dt = -2 [ Gam0 (1 + Q p) - Gam0 xi (1 - p) ] p

whose stationary state is p = (xi - 1) / (xi + Q) above threshold, and whose small deviations from it decay as
exp(-2 Gam0 (xi - 1) t): a rate of *power*, twice the Gam_p of Slavin and Tiberkevich. The frequency is f0 + N p.

Thermal noise of energy E(p) = beta p and diffusion Gam0 (1 + Q p) kB T / beta (A. Slavin and V. Tiberkevich, IEEE
Trans. Magn. 45, 1875 (2009); J.-V. Kim et al., Phys. Rev. Lett. 100, 017207 (2008)). Constants of the default: the code
published with Ross et al., Nat. Nanotechnol. 18, 1273 (2023); frequency, linewidth and energy are our choice.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom import units
from spinloom.devices.contract import Design
from spinloom.devices.parameters import Parameter, known
from spinloom.errors import (
    InputError,
    require_count,
    require_finite,
    require_non_negative,
    require_number,
    require_positive,
)
from spinloom.magnetism import Drive, Quantity, double

_POINTS = 4001


def stationary_power(supercriticality: torch.Tensor, nonlinear_damping: Quantity) -> torch.Tensor:
    """p = (xi - 1) / (xi + Q) for xi = I / I_th > 1, else 0; between 0 and 1. Of the device and of network layers."""
    xi = supercriticality.clamp(min=1)
    return (xi - 1) / (xi + nonlinear_damping)


@dataclass(frozen=True)
class PowerTrajectory:
    """time (steps + 1,) in s, from 0; power (steps + 1, *batch), normalised."""

    time: torch.Tensor
    power: torch.Tensor

    @property
    def final(self) -> torch.Tensor:
        """(*batch)."""
        return self.power[-1]


@dataclass(frozen=True)
class AutoOscillator(Design):
    """One oscillator or many: numbers, or tensors that broadcast with each other and with the current. SI units.

    threshold: I_th, A. nonlinear_damping: Q > -1, growth of the damping with power, 1 to 5.
    largest_current: A, currents are clamped to it. resistance: ohm. amplification: A of the emitted power A p R I^2.
    frequency: f0, Hz, at vanishing power. linewidth: half width over frequency without current, Gam0 = 2 pi linewidth
    f0; Gilbert's damping for circular precession.
    nonlinear_shift: N, Hz, frequency at p = 1 less f0; negative for a film magnetised in its plane.
    energy: beta, J, of p = 1; it sets the thermal noise. The default is 1,000 kB T at 300 K.

    Differentiable in every parameter and current. Raises InputError for values out of these bounds.
    """

    parameters: ClassVar = {
        **known("threshold", "frequency", "linewidth", spread=True),
        **known("largest_current"),
        "nonlinear_damping": Parameter(sign="any", spread="nonlinear_damping"),
        "resistance": Parameter("ohm", spread="resistance"),
        "amplification": Parameter(),
        "nonlinear_shift": Parameter("Hz", sign="any"),
        "energy": Parameter("J"),
    }

    threshold: Quantity = 10e-6
    nonlinear_damping: Quantity = 2.0
    largest_current: Quantity = 40e-6
    resistance: Quantity = 1e3
    amplification: Quantity = 1.25
    frequency: Quantity = 100e6
    linewidth: Quantity = 0.01
    nonlinear_shift: Quantity = 0.0
    energy: Quantity = 1000 * units.KB * units.ROOM_TEMPERATURE

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool((double(self.nonlinear_damping) <= -1).any()):
            raise InputError("nonlinear_damping must be > -1: below, the power jumps instead of growing from threshold")
        if bool((double(self.largest_current) < double(self.threshold)).any()):
            raise InputError("largest_current must not be below the threshold: the oscillator would never start")

    @property
    def decay_rate(self) -> torch.Tensor:
        """Gam0, rad/s, of the amplitude without current; the power decays twice as fast."""
        return 2 * math.pi * double(self.linewidth) * self.frequency

    def supercriticality(self, current: Quantity) -> torch.Tensor:
        """xi = I / I_th of the clamped current (A); below 1 nothing oscillates, a negative one adds damping."""
        require_finite("A", current=current)
        return torch.minimum(double(current), double(self.largest_current)) / self.threshold

    def normalized_power(self, current: Quantity) -> torch.Tensor:
        """p = (xi - 1) / (xi + Q) for xi > 1, else 0; between 0 and 1."""
        return stationary_power(self.supercriticality(current), self.nonlinear_damping)

    def emitted_power(self, current: Quantity) -> torch.Tensor:
        """A p R I^2 in W, the current clamped to [threshold, largest_current]."""
        clamped = self.supercriticality(current).clamp(min=1) * self.threshold
        return self.amplification * self.normalized_power(current) * self.resistance * clamped.square()

    def frequency_at(self, current: Quantity) -> torch.Tensor:
        """f0 + N p, Hz; below threshold that of the damped motion."""
        return self.frequency + self.nonlinear_shift * self.normalized_power(current)

    def relaxation_rate(self, current: Quantity) -> torch.Tensor:
        """1/s, of the power to its stationary value: 2 Gam0 |xi - 1| on both sides of the threshold."""
        return 2 * self.decay_rate * (self.supercriticality(current) - 1).abs()

    def nonlinearity(self, current: Quantity) -> torch.Tensor:
        """nu = 2 pi N / (Gam0 (xi + Q)): shift of the frequency per restoring rate; 1 + nu^2 widens the line."""
        xi = self.supercriticality(current).clamp(min=1)
        return 2 * math.pi * double(self.nonlinear_shift) / (self.decay_rate * (xi + self.nonlinear_damping))

    def full_width(self, current: Quantity, temperature: Quantity = units.ROOM_TEMPERATURE) -> torch.Tensor:
        """Full width at half maximum of the spectrum, Hz.

        Below threshold Gam0 (1 - xi) / pi, at any temperature (K); above, Gam0 (1 + Q p) kB T / (beta p) (1 + nu^2) /
        (2 pi), as long as that is small against `relaxation_rate` / (2 pi): beyond, it still gives the diffusion of the
        phase, but the line is no Lorentzian of this width. Both fail where p is not large against its thermal
        fluctuation, about |xi - 1| < sqrt(kB T / beta): the first goes to 0 there and the second to infinity, while the
        true width passes smoothly.
        """
        require_non_negative("K", temperature=temperature)
        xi, p = self.supercriticality(current), self.normalized_power(current)
        running = p > 0
        safe = torch.where(running, p, 1.0)  # the unused branch must not send NaN into gradients
        growth = self.decay_rate * (1 + self.nonlinear_damping * safe)
        above = (
            growth * units.KB * double(temperature) / (self.energy * safe) * (1 + self.nonlinearity(current).square())
        )
        below = 2 * self.decay_rate * (1 - xi).clamp(min=0)
        return torch.where(running, above, below) / (2 * math.pi)

    def thermal_power(self, current: Quantity, temperature: Quantity = units.ROOM_TEMPERATURE) -> torch.Tensor:
        """Mean p at `temperature` (K), below, at and above threshold; far below it kB T / (beta (1 - xi)).

        The mean over the stationary distribution of the noisy equation (`mean_power`).
        """
        require_positive("K", temperature=temperature)
        scale = double(self.energy) / (units.KB * double(temperature))
        return mean_power(self.supercriticality(current), double(self.nonlinear_damping), scale)

    def transient(
        self, current: Quantity | Drive, duration: float, *, start: Quantity = 1e-3, steps: int = 1000
    ) -> PowerTrajectory:
        """p against time under a current in A, constant or a `Drive`, from p = `start`.

        start: in [0, 1]; from 0 nothing grows, as there is no noise. duration: s. Power on `steps` + 1 even instants.

        Within a step the current stands at its value in the middle and dp/dt = k p - c p^2 is solved exactly: a
        constant current has no error at any step, a varying one an error of second order, and p never leaves [0, 1].

        Raises InputError for a start outside [0, 1], a duration that is not positive, fewer than 1 step.
        """
        require_number("s", "positive", duration=duration)
        require_non_negative("", start=start)
        if bool((double(start) > 1).any()):
            raise InputError("start is a normalised power and must be at most 1")
        require_count(steps=steps)
        time = torch.linspace(0, duration, steps + 1, dtype=torch.float64)
        h = duration / steps
        constant = None if isinstance(current, Drive) else self.supercriticality(current)
        p, kept = double(start), [double(start)]
        for middle in (time[:-1] + h / 2).unbind():
            xi = self.supercriticality(current(middle)) if isinstance(current, Drive) else constant
            assert xi is not None
            p = self._step(p, xi, h)
            kept.append(p)
        return PowerTrajectory(time, torch.stack(torch.broadcast_tensors(*kept)))

    def _step(self, p: torch.Tensor, xi: torch.Tensor, h: float) -> torch.Tensor:
        rate = 2 * self.decay_rate * h
        k, c = rate * (xi - 1), rate * (xi + self.nonlinear_damping)
        falling = torch.where(k > 0, -k, k)  # its exponential cannot overflow; unlike -abs(k) it has a slope at 0
        grown, ratio = torch.exp(falling), _ratio(falling)
        return torch.where(k > 0, p / (grown + c * p * ratio), p * grown / (1 + c * p * ratio))


def _ratio(x: torch.Tensor) -> torch.Tensor:
    """(exp(x) - 1) / x, 1 at x = 0."""
    small = x.abs() < 1e-5
    return torch.where(small, 1 + x / 2, torch.expm1(x) / torch.where(small, 1.0, x))


def mean_power(xi: torch.Tensor, q: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Mean of p over the stationary distribution on [0, 1]; arguments broadcast.

    density(p) ~ exp( -scale * integral of 1 - xi (1 - s) / (1 + q s) from 0 to p ) with scale = beta / (kB T):
    V. Tiberkevich, A. Slavin and J.-V. Kim, Appl. Phys. Lett. 91, 192506 (2007). The integrals run over p = x^4, whose
    even points lie dense where a damped oscillator has its power.
    """
    xi, q, scale = torch.broadcast_tensors(xi, q, scale)
    x = torch.linspace(0, 1, _POINTS, dtype=torch.float64)
    shape = (-1, *[1] * xi.ndim)
    p, weight = x.pow(4).reshape(shape), (4 * x.pow(3)).reshape(shape)
    excess = (1 - xi * (1 - p) / (1 + q * p)) * weight
    exponent = -scale * torch.cumulative_trapezoid(excess, dx=1 / (_POINTS - 1), dim=0)
    exponent = torch.cat((torch.zeros_like(exponent[:1]), exponent))
    density = (exponent - exponent.amax(0, keepdim=True)).exp() * weight
    return (p * density).sum(0) / density.sum(0)


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
