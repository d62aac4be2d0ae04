"""A spin diode from its free layer: rectified voltage simulated with the LLGS engine, and its closed form.

An alternating current I through the junction turns the free layer by its torques and its field; the resistance follows
the cosine to the reference layer, and <I R> over whole periods is a direct voltage.

Signs (those of `terms/torques.py`): positive current drives m towards +reference, where R is lowest; the voltage is
positive along positive current. So a damping-like torque gives a negative peak on resonance, and a positive
`field_like` a line that is positive above the resonance; both keep their sign when the reference is reversed, since
torque and read-out turn together.

The closed form is that of small power. The frequency shifts with the cone angle, so the line moves and leans over
(foldover) once N p, shift times normalised power, comes near the width: a perpendicular film of 100 nm with N = 4 f
keeps resonance and width within 1 % and 5 % up to 30 nW; at 100 nW its peak stands 2.8 half widths off. The distance
from the resonance is limited too: `SpinDiode` is a Lorentzian, `linear_voltage` is exact anywhere.

The cosine's answer to a small alternating current is the linearised LLGS equation in closed form. With y the deviation
from equilibrium in the plane across it, R the rotation by a right angle in that plane and tau the torque per ampere,
Gilbert's equation reads (1 - alpha R) dy/dt = gamma0 R h y + tau I(t). At the frequency omega

    cosine per ampere = (n0 + i omega n1) / [ gamma0^2 det h - (1 + alpha^2) omega^2 + i omega alpha gamma0 tr h ].
"""

import math
from dataclasses import dataclass, field, replace

import torch

from spinloom.devices.junction import TunnelJunction
from spinloom.devices.radio.free_layer import DrivenLayer, Mode
from spinloom.devices.radio.spin_diode import SpinDiode
from spinloom.errors import require_non_negative, require_positive
from spinloom.magnetism import Applied, Direction, Magnet, Quantity, Sine, double, simulate

_STEPS, _SAMPLES = 64, 32
"""Per period. Fourth order: a step is off by 1e-7 of a radian."""


@dataclass(frozen=True)
class LinearResponse:
    """mode: of the free layer. still, moving: n0 in rad^2/(s^2 A) and n1 in rad/(s A), (*batch)."""

    mode: Mode
    still: torch.Tensor
    moving: torch.Tensor

    def susceptibility(self, frequency: Quantity) -> torch.Tensor:
        """Complex amplitude of the cosine per ampere of amplitude, 1/A, at `frequency` in Hz."""
        omega, mode = 2 * math.pi * double(frequency), self.mode
        stiff = mode.gamma0.square() * mode.determinant - (1 + mode.damping.square()) * omega.square()
        return torch.complex(self.still + 0 * omega, omega * self.moving) / torch.complex(
            stiff, omega * mode.damping * mode.gamma0 * mode.trace
        )

    def residue(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Z of the susceptibility Z / (Gam + i x) near resonance, real and imaginary part, rad/(s A)."""
        share = 2 * (1 + self.mode.damping.square())
        return self.moving / share, -self.still / (share * 2 * math.pi * self.mode.frequency)


@dataclass(frozen=True)
class SimulatedDiode(DrivenLayer):
    """A `DrivenLayer` whose polarizer is also the layer that its resistance is read against.

    field_per_current: field of the current, a vector, A/m per A. junction: the barrier.
    """

    field_per_current: Direction = (0.0, 0.0, 0.0)
    junction: TunnelJunction = field(default_factory=TunnelJunction)

    def resistance(self, cosine: torch.Tensor) -> torch.Tensor:
        """ohm."""
        return 1 / (self.junction.conductance(cosine) * self.area)

    def current(self, power: Quantity, mode: Mode | None = None) -> torch.Tensor:
        """Amplitude in A of the alternating current that dissipates `power` (W) in the resting junction."""
        require_non_negative("W", power=power)
        return (2 * double(power) / self.resistance(self.cosine(mode or self.mode()))).sqrt()

    def response(self) -> LinearResponse:
        """Of the cosine to a small alternating current, closed form."""
        mode = self.mode()
        cosine, p1, p2 = mode.components(self.fixed_layer())
        _, h1, h2 = mode.components(tuple(torch.broadcast_tensors(*(double(part) for part in self.field_per_current))))
        a = self.rate(cosine)
        b, gamma0 = a * double(self.field_like), mode.gamma0
        first = a * p1 + b * p2 + gamma0 * h2
        second = a * p2 - b * p1 - gamma0 * h1
        h, alpha = mode.stiffness, mode.damping
        turned = (h[0, 0] * first + h[0, 1] * second) * p2 - (h[0, 1] * first + h[1, 1] * second) * p1
        moving = p1 * (first - alpha * second) + p2 * (second + alpha * first)
        return LinearResponse(mode, gamma0 * turned, moving)

    def linear_voltage(self, power: Quantity, frequency: Quantity) -> torch.Tensor:
        """V by linear response, exact for small power at any distance from the resonance."""
        response = self.response()
        return double(power) * self._contrast(response.mode) * response.susceptibility(frequency).real

    def closed_form(self) -> SpinDiode:
        """The `SpinDiode` of this free layer: `linear_voltage` near the resonance. Batches carry over."""
        response = self.response()
        mode, contrast = response.mode, self._contrast(response.mode)
        width = 2 * math.pi * mode.half_width
        real, imaginary = (contrast * part / (2 * width) for part in response.residue())
        change = 2 * contrast.abs()
        threshold = mode.damping * mode.gamma0 * mode.trace / (2 * self.rate(0.0))
        impedance = torch.hypot(real, imaginary) * threshold * 8 * math.sqrt(2) / change
        return SpinDiode(
            frequency=mode.frequency,
            damping=mode.damping,
            half_width=mode.half_width,
            resistance_change=change,
            threshold=threshold,
            impedance=impedance,
            mixing_angle=torch.atan2(real, imaginary),
        )

    def voltage(
        self, power: Quantity, frequency: Quantity, *, settling: float = 12.0, periods: int = 4
    ) -> torch.Tensor:
        """V, simulated at 0 K; power (W) and frequency (Hz) broadcast: one batch over both.

        settling: decay times of the amplitude before the mean over `periods` whole periods is taken; more are needed
        near the edge of a line that leans over. Differentiable only on the eager engine and slowly: use `closed_form`.

        Every member runs on one clock, in which its current has one and the same frequency: at a scaled gyromagnetic
        ratio all rates scale together, so that all members end on whole periods.
        """
        require_positive("Hz", frequency=frequency)
        require_positive("", settling=settling, periods=periods)
        mode = self.mode()
        amplitude, f = torch.broadcast_tensors(self.current(power, mode), double(frequency))
        shape = torch.broadcast_shapes(f.shape, mode.frequency.shape)
        clock = float(mode.frequency.detach().mean())
        magnet = self._driven(amplitude, clock, clock / f)
        state = mode.state(shape)
        decays = 2 * math.pi * float((mode.half_width / f).detach().min())  # per period of the slowest member
        waiting = math.ceil(settling / decays)
        step = 1 / (clock * _STEPS)
        state = simulate(magnet, state, waiting / clock, step).final
        run = simulate(magnet, state, periods / clock, step, start=waiting / clock, records=periods * _SAMPLES)
        wave = torch.sin(2 * math.pi * clock * run.time).reshape(-1, *[1] * len(shape))
        x, y, z = self.fixed_layer()
        cosine = x * run.m[:, 0] + y * run.m[:, 1] + z * run.m[:, 2]
        return (amplitude * wave * self.resistance(cosine)).mean(0)

    def _driven(self, amplitude: torch.Tensor, clock: float, slow: torch.Tensor) -> Magnet:
        material = self.magnet.material
        fields = self.magnet.fields
        strength = math.hypot(*(float(double(part).max()) for part in self.field_per_current))
        if strength > 0:
            fields = (*fields, Applied(Sine(amplitude * strength, clock), self.field_per_current))
        torque = self.torque(Sine(amplitude / self.area, clock))
        scaled = replace(material, gamma=double(material.gamma) * slow)
        return replace(self.magnet, material=scaled, fields=fields, torques=(torque,))

    def _contrast(self, mode: Mode) -> torch.Tensor:
        """(dR / dcosine) / R at rest; negative."""
        cosine = self.cosine(mode)
        return -self.junction.contrast / (1 + self.junction.contrast * cosine)
