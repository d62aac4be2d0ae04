"""The auto-oscillator, a direct current in and microwave power out: in closed form and simulated.

The equation of Slavin and Tiberkevich. With the supercriticality xi = I / I_th, Gam0 the decay rate of the amplitude at
zero current (rad/s) and p the normalised power (0 at rest, 1 - cos of the cone angle over 2 for a macrospin)

    dp/dt = -2 [ Gam0 (1 + Q p) - Gam0 xi (1 - p) ] p

whose stationary state is p = (xi - 1) / (xi + Q) above threshold, and whose small deviations from it decay as
exp(-2 Gam0 (xi - 1) t): a rate of *power*, twice the Gam_p of Slavin and Tiberkevich. The frequency is f0 + N p.

Thermal noise of energy E(p) = beta p and diffusion Gam0 (1 + Q p) kB T / beta (A. Slavin and V. Tiberkevich, IEEE
Trans. Magn. 45, 1875 (2009); J.-V. Kim et al., Phys. Rev. Lett. 100, 017207 (2008)). Constants of the default: the code
published with Ross et al., Nat. Nanotechnol. 18, 1273 (2023); frequency, linewidth and energy are our choice.

From the free layer: a current drives m away from rest, with a damping-like torque against the damping, where its sign
times m.polarizer is negative (signs of `terms/torques.py`). With p = (1 - cosine to rest) / 2, circular precession
about an axis of symmetry, a polarizer along it and the torque's angular factor 1 / (A + B c), c = m.polarizer, the
power obeys exactly

    dp/dt = -2 Gam0 p (1 - p) [ 1 + q p - xi / (1 + kappa p) ],    q = N / f0,    kappa = 2 B / (A - B)

so that it is stationary where (1 + q p)(1 + kappa p) = xi, and the frequency is f0 + N p. The first equation with
Q = q + kappa - 1 agrees to first order in p; `docs/radio.md` says where it fails. The threshold is exact for any easy
axes, as long as the polarizer lies along the equilibrium.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from spinloom import units
from spinloom.devices.contract import Design
from spinloom.devices.parameters import Parameter, known, refuse
from spinloom.devices.radio.free_layer import DrivenLayer, Mode, curvature
from spinloom.errors import InputError, require_count, require_finite, require_number, require_sign
from spinloom.magnetism import Constant, Direction, Drive, Quantity, double, simulate
from spinloom.seeding import Seed

_POINTS = 4001


def stationary_power(supercriticality: torch.Tensor, nonlinear_damping: Quantity) -> torch.Tensor:
    """p = (xi - 1) / (xi + Q) for xi = I / I_th > 1, else 0; between 0 and 1. Of the device and of network layers."""
    xi = supercriticality.clamp(min=1)
    return (xi - 1) / (xi + nonlinear_damping)


@dataclass(frozen=True)
class PowerTrajectory:
    """time (records,) in s; power (records, *batch), normalised: (1 - cosine to rest) / 2 of a macrospin."""

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
        refuse(double(self.nonlinear_damping) <= -1, "nonlinear_damping must be > -1: below, the power jumps from 0")
        never = double(self.largest_current) < double(self.threshold)
        refuse(never, "largest_current must not be below the threshold: the oscillator would never start")

    @property
    def decay_rate(self) -> torch.Tensor:
        """Gam0, rad/s, of the amplitude without current; the power decays twice as fast."""
        return 2 * math.pi * double(self.linewidth) * self.frequency

    def supercriticality(self, current: Quantity) -> torch.Tensor:
        """xi = I / I_th of the clamped current (A); below 1 nothing oscillates, a negative one adds damping."""
        require_finite("A", current=current)
        return torch.minimum(double(current), double(self.largest_current)) / self.threshold

    def normalized_power(self, current: Quantity) -> torch.Tensor:
        """p, see `stationary_power`."""
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

    def full_width(self, current: Quantity, temperature: Quantity = units.ROOM_TEMPERATURE) -> torch.Tensor:
        """Full width at half maximum of the spectrum, Hz.

        Below threshold Gam0 (1 - xi) / pi, at any temperature (K); above, Gam0 (1 + Q p) kB T / (beta p) (1 + nu^2) /
        (2 pi), nu = 2 pi N / (Gam0 (xi + Q)), as long as that is small against `relaxation_rate` / (2 pi): beyond, it
        still gives the diffusion of the phase, but the line is no Lorentzian of this width. Both fail where p is not
        large against its thermal fluctuation, about |xi - 1| < sqrt(kB T / beta): the first goes to 0 there and the
        second to infinity, while the true width passes smoothly.
        """
        require_sign("K", "non-negative", temperature=temperature)
        xi, p = self.supercriticality(current), self.normalized_power(current)
        running = p > 0
        safe = torch.where(running, p, 1.0)  # the unused branch must not send NaN into gradients
        growth = self.decay_rate * (1 + self.nonlinear_damping * safe)
        restoring = self.decay_rate * (self.supercriticality(current).clamp(min=1) + self.nonlinear_damping)
        nu = 2 * math.pi * double(self.nonlinear_shift) / restoring
        above = growth * units.KB * double(temperature) / (self.energy * safe) * (1 + nu.square())
        below = 2 * self.decay_rate * (1 - xi).clamp(min=0)
        return torch.where(running, above, below) / (2 * math.pi)

    def thermal_power(self, current: Quantity, temperature: Quantity = units.ROOM_TEMPERATURE) -> torch.Tensor:
        """Mean p at `temperature` (K), below, at and above threshold; far below it kB T / (beta (1 - xi)).

        Over the stationary distribution on [0, 1] of the noisy equation, with scale = beta / (kB T)

            density(p) ~ exp( -scale * integral of 1 - xi (1 - s) / (1 + Q s) from 0 to p )

        (V. Tiberkevich, A. Slavin and J.-V. Kim, Appl. Phys. Lett. 91, 192506 (2007)). The integrals run over p = x^4,
        whose even points lie dense where a damped oscillator has its power.
        """
        require_sign("K", "positive", temperature=temperature)
        scale = double(self.energy) / (units.KB * double(temperature))
        xi, q, scale = torch.broadcast_tensors(self.supercriticality(current), double(self.nonlinear_damping), scale)
        x = torch.linspace(0, 1, _POINTS, dtype=torch.float64).reshape(-1, *[1] * xi.ndim)
        p, weight = x.pow(4), 4 * x.pow(3)
        excess = (1 - xi * (1 - p) / (1 + q * p)) * weight
        exponent = -scale * torch.cumulative_trapezoid(excess, dx=1 / (_POINTS - 1), dim=0)
        exponent = torch.cat((torch.zeros_like(exponent[:1]), exponent))
        density = (exponent - exponent.amax(0, keepdim=True)).exp() * weight
        return (p * density).sum(0) / density.sum(0)

    def transient(
        self, current: Quantity | Drive, duration: float, *, start: Quantity = 1e-3, steps: int = 1000
    ) -> PowerTrajectory:
        """p against time under a current in A, constant or a `Drive`, from p = `start`.

        start: in [0, 1]; from 0 nothing grows, as there is no noise. duration: s. Power on `steps` + 1 even instants.

        Within a step the current stands at its value in the middle and dp/dt = k p - c p^2 is solved exactly: a
        constant current has no error at any step, a varying one an error of second order, and p never leaves [0, 1].
        """
        require_number("s", "positive", duration=duration)
        require_sign("", "non-negative", start=start)
        refuse(double(start) > 1, "start is a normalised power and must be at most 1")
        require_count(steps=steps)
        time = torch.linspace(0, duration, steps + 1, dtype=torch.float64)
        h = duration / steps
        given = [current(middle) for middle in time[:-1] + h / 2] if isinstance(current, Drive) else [current]
        xis = [self.supercriticality(one) for one in given] * (steps // len(given))
        p = [double(start)]
        for xi in xis:
            rate = 2 * self.decay_rate * h
            k, c = rate * (xi - 1), rate * (xi + self.nonlinear_damping)
            falling = torch.where(k > 0, -k, k)  # its exponential cannot overflow; unlike -abs(k) it has a slope at 0
            small, grown = falling.abs() < 1e-5, torch.exp(falling)
            ratio = torch.where(small, 1 + falling / 2, torch.expm1(falling) / torch.where(small, 1.0, falling))
            rest = c * p[-1] * ratio
            p.append(torch.where(k > 0, p[-1] / (grown + rest), p[-1] * grown / (1 + rest)))
        return PowerTrajectory(time, torch.stack(torch.broadcast_tensors(*p)))


@dataclass(frozen=True)
class OscillatorRun(PowerTrajectory):
    """phase (records, *batch): rad, unwrapped."""

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
        return self._slope(self.phase) / (2 * math.pi)

    def growth_rate(self) -> torch.Tensor:
        """1/s, (*batch), of the *power*: slope of its logarithm; the amplitude grows half as fast.

        Of use while the power is small against 1 and 1 / Q; over many turns the ripple of an ellipse averages out.
        """
        return self._slope(self.power.log())

    def _slope(self, values: torch.Tensor) -> torch.Tensor:
        """Of the straight line of least squares, (*batch)."""
        t = (self.time - self.time.mean()).reshape(-1, *[1] * (values.ndim - 1))
        return (t * values).sum(0) / t.square().sum()


@dataclass(frozen=True)
class SimulatedOscillator(DrivenLayer):
    """A `DrivenLayer`; the default polarizer opposes the default rest, so that a positive current excites."""

    polarizer: Direction = (0.0, 0.0, -1.0)

    def threshold(self, mode: Mode | None = None) -> torch.Tensor:
        """Current in A at which the damping of the small oscillation vanishes; negative where that current excites.

        Exact for a polarizer along the equilibrium; else to first order in the damping, as the current then moves the
        equilibrium. Raises InputError for a polarizer across it, which never excites.
        """
        mode = mode or self.mode()
        cosine = self.cosine(mode)
        refuse(cosine.abs() < 1e-6, "a polarizer at a right angle to the free layer has no threshold; tilt one of them")
        field = 1 + mode.damping * double(self.field_like)  # its field-like part shifts frequency and damping
        return -mode.damping * mode.gamma0 * mode.trace / (2 * self.rate(cosine) * cosine * field)

    def closed_form(
        self, *, resistance: Quantity = 1e3, amplification: Quantity = 1.0, largest: float = 4.0
    ) -> AutoOscillator:
        """The `AutoOscillator` of this free layer to first order in p; `largest` current in units of the threshold.

        Raises InputError unless rest lies on an axis of symmetry, the polarizer opposes it for positive current, and
        there is no field-like torque, which would shift the frequency with the current.
        """
        mode = self.mode()
        h = mode.stiffness
        threshold, cosine = self.threshold(mode), self.cosine(mode)
        ellipse = (h[0, 0] - h[1, 1]).abs() + 2 * h[0, 1].abs() > 1e-3 * mode.trace
        refuse(ellipse, "elliptical precession has no closed form of Q and N; `fit_power_curve` fits Q to runs")
        refuse(cosine > -1 + 1e-6, "the polarizer must oppose the free layer at rest for the closed form; reverse it")
        refuse(double(self.field_like) != 0, "the closed form has no field-like torque; set field_like to 0")
        a, b = self.torque(Constant(0.0)).coefficients()
        moment = double(self.magnet.material.saturation_magnetization) * double(self.magnet.cell_volume)
        shift = mode.gamma0 * curvature(self.magnet, mode.equilibrium, mode.first) / math.pi
        q = shift / mode.frequency + 2 * b / (a - b) - 1
        own = (mode.frequency, mode.half_width / mode.frequency, shift, units.MU0 * moment * mode.trace)
        return AutoOscillator(threshold, q, largest * threshold, resistance, amplification, *own)

    def run(
        self,
        current: Quantity,
        duration: float,
        *,
        power: Quantity = 1e-3,
        temperature: Quantity = 0.0,
        seed: Seed = 0,
        records: int = 2000,
        step: float | None = None,
        batch: tuple[int, ...] = (),
    ) -> OscillatorRun:
        """Simulate `duration` (s) under constant currents (A), from the cone of normalised power `power`, 0 to 1.

        records: instants kept; more than two per turn are needed to follow the phase. step: s, None is 1/100 of a
        period at rest. batch: as many copies as this shape says, in front of the other axes, for thermal averages.
        """
        require_sign("", "positive", power=power)
        refuse(double(power) >= 1, "power must be below 1, the state opposite to rest")
        mode = self.mode()
        start, density = double(power), double(current) / self.area
        shape = torch.Size((*batch, *torch.broadcast_shapes(density.shape, start.shape, mode.frequency.shape)))
        magnet = replace(self.magnet, torques=(self.torque(Constant(density)),))
        step = step or 0.01 / float(mode.frequency.detach().max())
        state = mode.state(shape, start)
        run = simulate(magnet, state, duration, step, temperature=temperature, seed=seed, records=records)
        along, first, second = mode.components(run.m.to(torch.float64).unbind(1))
        turns = torch.atan2(second, first)
        turned = turns.diff(dim=0)
        turned = turned - 2 * math.pi * torch.round(turned / (2 * math.pi))
        phase = torch.cat((turns[:1], turns[:1] + turned.cumsum(0)))
        # 1 - cosine from the components across: at small power nothing is left of the difference itself
        across = first.square() + second.square()
        power = torch.where(along > 0, across / (1 + along.clamp(min=0)), 1 - along) / 2
        return OscillatorRun(run.time, power, phase)


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
