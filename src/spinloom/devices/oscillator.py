"""The auto-oscillator: a direct current in, microwave power out. Slavin and Tiberkevich's equation in closed form.

With the supercriticality xi = I / I_th, Gam0 the decay rate of the amplitude at zero current (rad/s) and p the
normalised power (0 at rest, 1 - cos of the cone angle over 2 for a macrospin)

    dp/dt = -2 [ Gam0 (1 + Q p) - Gam0 xi (1 - p) ] p

whose stationary state is p = (xi - 1) / (xi + Q) above threshold, and whose small deviations from it decay as
exp(-2 Gam0 (xi - 1) t): a rate of *power*, twice the Gam_p of Slavin and Tiberkevich. The frequency is f0 + N p.

Thermal noise of energy E(p) = beta p and diffusion Gam0 (1 + Q p) kB T / beta (A. Slavin and V. Tiberkevich, IEEE
Trans. Magn. 45, 1875 (2009); J.-V. Kim et al., Phys. Rev. Lett. 100, 017207 (2008)). Constants of the default: the code
published with Ross et al., Nat. Nanotechnol. 18, 1273 (2023); frequency, damping and energy are our choice.
"""

import math
from dataclasses import dataclass

import torch

from spinloom import units
from spinloom.devices.oscillator_noise import mean_power
from spinloom.devices.oscillator_transient import PowerTrajectory, integrate
from spinloom.devices.plausible import require_plausible
from spinloom.errors import InputError, require_finite, require_non_negative, require_positive
from spinloom.magnetism import Drive, Quantity, double


@dataclass(frozen=True)
class AutoOscillator:
    """One oscillator or many: numbers, or tensors that broadcast with each other and with the current. SI units.

    threshold: I_th, A. nonlinear_damping: Q > -1, growth of the damping with power, 1 to 5.
    largest_current: A, currents are clamped to it. resistance: ohm. amplification: A of the emitted power A p R I^2.
    frequency: f0, Hz, at vanishing power. damping: Gilbert; Gam0 = 2 pi damping f0 (circular precession).
    nonlinear_shift: N, Hz, frequency at p = 1 less f0; negative for a film magnetised in its plane.
    energy: beta, J, of p = 1; it sets the thermal noise. The default is 1,000 kB T at 300 K.

    Differentiable in every parameter and current. Raises InputError for values out of these bounds.
    """

    threshold: Quantity = 10e-6
    nonlinear_damping: Quantity = 2.0
    largest_current: Quantity = 40e-6
    resistance: Quantity = 1e3
    amplification: Quantity = 1.25
    frequency: Quantity = 100e6
    damping: Quantity = 0.01
    nonlinear_shift: Quantity = 0.0
    energy: Quantity = 1000 * units.KB * units.ROOM_TEMPERATURE

    def __post_init__(self) -> None:
        require_positive("A", threshold=self.threshold, largest_current=self.largest_current)
        require_positive("ohm", resistance=self.resistance)
        require_positive("Hz", frequency=self.frequency)
        require_positive("", damping=self.damping, amplification=self.amplification)
        require_positive("J", energy=self.energy)
        require_finite("Hz", nonlinear_shift=self.nonlinear_shift)
        require_finite("", nonlinear_damping=self.nonlinear_damping)
        require_plausible(
            frequency=self.frequency,
            damping=self.damping,
            threshold=self.threshold,
            largest_current=self.largest_current,
        )
        if bool((double(self.nonlinear_damping) <= -1).any()):
            raise InputError("nonlinear_damping must be > -1: below, the power jumps instead of growing from threshold")
        if bool((double(self.largest_current) < double(self.threshold)).any()):
            raise InputError("largest_current must not be below the threshold: the oscillator would never start")

    @property
    def decay_rate(self) -> torch.Tensor:
        """Gam0, rad/s, of the amplitude without current; the power decays twice as fast."""
        return 2 * math.pi * double(self.damping) * self.frequency

    def supercriticality(self, current: Quantity) -> torch.Tensor:
        """xi = I / I_th of the clamped current (A); below 1 nothing oscillates, a negative one adds damping."""
        require_finite("A", current=current)
        return torch.minimum(double(current), double(self.largest_current)) / self.threshold

    def normalized_power(self, current: Quantity) -> torch.Tensor:
        """p = (xi - 1) / (xi + Q) for xi > 1, else 0; between 0 and 1."""
        xi = self.supercriticality(current).clamp(min=1)
        return (xi - 1) / (xi + self.nonlinear_damping)

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

    def linewidth(self, current: Quantity, temperature: Quantity = units.ROOM_TEMPERATURE) -> torch.Tensor:
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

        The mean over the stationary distribution of the noisy equation (`oscillator_noise.py`).
        """
        require_positive("K", temperature=temperature)
        scale = double(self.energy) / (units.KB * double(temperature))
        return mean_power(self.supercriticality(current), double(self.nonlinear_damping), scale)

    def transient(
        self, current: Quantity | Drive, duration: float, *, start: Quantity = 1e-3, steps: int = 1000
    ) -> PowerTrajectory:
        """p against time under a current in A, constant or a `Drive`, from p = `start`.

        start: in [0, 1]; from 0 nothing grows, as there is no noise. duration: s. See `oscillator_transient.integrate`.
        """
        return integrate(self, current, duration, start, steps)
