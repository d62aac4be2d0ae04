"""An auto-oscillator from its free layer: LLGS runs under direct current, and the closed form they are held against.

A current drives m away from rest, with a damping-like torque against the damping, where its sign times m.polarizer is
negative (signs of `terms/torques.py`). With p = (1 - cosine to rest) / 2, circular precession about an axis of
symmetry, a polarizer along it and the torque's angular factor 1 / (A + B c), c = m.polarizer, the power obeys exactly

    dp/dt = -2 Gam0 p (1 - p) [ 1 + q p - xi / (1 + kappa p) ],    q = N / f0,    kappa = 2 B / (A - B)

so that it is stationary where (1 + q p)(1 + kappa p) = xi, and the frequency is f0 + N p. The equation of
`auto_oscillator.py` with Q = q + kappa - 1 agrees to first order in p: its p = (xi - 1) / (xi + Q) is too low further
up (by 11 % at xi = 1.5 and 20 % at xi = 2 for q = 4, kappa = 0), and power relaxes slower by the factor 1 - p. The
threshold is exact for any easy axes, as long as the polarizer lies along the equilibrium. In elliptical precession p
swings twice per turn and Q has to be fitted; where f falls with p (a film magnetised in its plane) Q is below -1, and
the layer jumps at the threshold to a large cone or switches.
"""

import math
from dataclasses import dataclass, replace

import torch

from spinloom import units
from spinloom.devices.radio.auto_oscillator import AutoOscillator
from spinloom.devices.radio.free_layer import DrivenLayer, Mode, curvature
from spinloom.errors import InputError, require_positive
from spinloom.magnetism import Constant, Direction, Quantity, double, simulate
from spinloom.seeding import Seed


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
        if bool((cosine.abs() < 1e-6).any()):
            raise InputError("a polarizer at a right angle to the free layer has no threshold; tilt one of them")
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
        if bool(((h[0, 0] - h[1, 1]).abs() + 2 * h[0, 1].abs() > 1e-3 * mode.trace).any()):
            raise InputError(
                "the precession is elliptical: Q and N have no closed form here; `fit_power_curve` fits Q to runs"
            )
        if bool((cosine > -1 + 1e-6).any()):
            raise InputError("the polarizer must oppose the free layer at rest for the closed form; reverse it")
        if bool((double(self.field_like) != 0).any()):
            raise InputError("the closed form of the oscillator has no field-like torque; set field_like to 0")
        a, b = self.torque(Constant(0.0)).coefficients()
        moment = double(self.magnet.material.saturation_magnetization) * double(self.magnet.cell_volume)
        shift = mode.gamma0 * curvature(self.magnet, mode.equilibrium, mode.first) / math.pi
        return AutoOscillator(
            threshold=threshold,
            nonlinear_damping=shift / mode.frequency + 2 * b / (a - b) - 1,
            largest_current=largest * threshold,
            resistance=resistance,
            amplification=amplification,
            frequency=mode.frequency,
            linewidth=mode.half_width / mode.frequency,
            nonlinear_shift=shift,
            energy=units.MU0 * moment * mode.trace,
        )

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
        """Simulate `duration` (s) under constant currents (A), from the cone of normalised power `power`.

        records: instants kept; more than two per turn are needed to follow the phase. step: s, None is 1/100 of a
        period at rest. batch: as many copies as this shape says, in front of the other axes, for thermal averages
        (temperature in K). Raises InputError for a power outside (0, 1).
        """
        require_positive("", power=power)
        if bool((double(power) >= 1).any()):
            raise InputError("power must be below 1, the state opposite to rest")
        mode = self.mode()
        start, density = double(power), double(current) / self.area
        shape = torch.Size((*batch, *torch.broadcast_shapes(density.shape, start.shape, mode.frequency.shape)))
        magnet = replace(self.magnet, torques=(self.torque(Constant(density)),))
        step = step or 0.01 / float(mode.frequency.detach().max())
        trajectory = simulate(
            magnet, mode.state(shape, start), duration, step, temperature=temperature, seed=seed, records=records
        )
        along, first, second = mode.components(trajectory.m.to(torch.float64).unbind(1))
        turns = torch.atan2(second, first)
        turned = turns.diff(dim=0)
        turned = turned - 2 * math.pi * torch.round(turned / (2 * math.pi))
        phase = torch.cat((turns[:1], turns[:1] + turned.cumsum(0)))
        # 1 - cosine from the components across: at small power nothing is left of the difference itself
        across = first.square() + second.square()
        power = torch.where(along > 0, across / (1 + along.clamp(min=0)), 1 - along) / 2
        return OscillatorRun(trajectory.time, power, phase)


def _slope(time: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Of the straight line of least squares, (*batch)."""
    t = (time - time.mean()).reshape(-1, *[1] * (values.ndim - 1))
    return (t * values).sum(0) / t.square().sum()
