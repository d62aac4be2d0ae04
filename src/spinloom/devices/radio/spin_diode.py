"""The spin diode, a resonator that turns radio-frequency power into a direct voltage: in closed form and simulated.

With the detuning x = input frequency - resonance, the half width Gam and the sensitivity K (V/W)

    V = K P [ cos(psi) 2 Gam x / (Gam^2 + x^2) + sin(psi) 2 Gam^2 / (Gam^2 + x^2) ]

**Sign: at psi = 0 the voltage is positive where x > 0, the input above the resonance.** The mixing angle psi turns one
complex Lorentzian: psi = 0 is the dispersive line of a field-like torque, zero on resonance, with extrema +-K at
x = +-Gam; psi = -+pi/2 is the absorptive line of a damping-like torque with its peak -+2 K on resonance; psi = pi is a
dispersive diode mounted the other way round (head to tail).

Sensitivity and constants as in the code published with Ross et al., Nat. Nanotechnol. 18, 1273 (2023):

    K = (dR / R) (1 / I_th) tan(gamma_p) / (8 sqrt 2) beta_s,   8.84 mV/uW for dR/R = 1, I_th = 10 uA, gamma_p = pi/4.

From the free layer: an alternating current I turns it by its torques and its field; the resistance follows the cosine
to the reference layer, and <I R> over whole periods is a direct voltage. Signs (those of `terms/torques.py`): positive
current drives m towards +reference, where R is lowest; the voltage is positive along positive current. So a
damping-like torque gives a negative peak on resonance, and a positive `field_like` a line that is positive above the
resonance; both keep their sign when the reference is reversed, since torque and read-out turn together.

The closed form is that of small power (`docs/radio.md` says where it fails) and a Lorentzian, which `linear_voltage` is
only near the resonance.
"""

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch

from spinloom.devices.contract import Design
from spinloom.devices.mtj.design import TunnelJunction
from spinloom.devices.parameters import Parameter, known, refuse
from spinloom.devices.radio.free_layer import DrivenLayer, Mode
from spinloom.errors import InputError, PhysicsError, require_finite, require_non_negative, require_positive
from spinloom.magnetism import Applied, Direction, Quantity, Sine, double, simulate

_ROUNDS = 4
_STEPS, _SAMPLES = 64, 32
"""Per period. Fourth order: a step is off by 1e-7 of a radian."""


@dataclass(frozen=True)
class SpinDiode(Design):
    """One diode or many: numbers, or tensors that broadcast with each other and with the inputs. SI units.

    frequency: of the resonance, Hz; 20 MHz to 10 GHz, from the zero of the rectified voltage.
    damping: Gilbert, 0.005 to 0.05. half_width: half width at half maximum, Hz; None is damping * frequency, which
        holds for circular precession and is too small for an elliptical one.
    resistance_change: dR/R between antiparallel and parallel, 0.5 to 2 for MgO junctions, 0.01 to 0.1 for metals.
    threshold: current that would cancel the damping, A. polarizer_angle: gamma_p of the torque, rad, 0 to below pi/2.
    impedance: beta_s, what impedance matching and ellipticity leave of the sensitivity (1: all).
    mixing_angle: psi, rad.

    Differentiable in every parameter and input.
    """

    parameters: ClassVar = {
        **known("frequency", "damping", "threshold", spread=True, sign="positive"),
        "half_width": Parameter("Hz"),
        "resistance_change": Parameter(sign="non-negative", spread="resistance_change"),
        "polarizer_angle": Parameter("rad", sign="any"),
        "impedance": Parameter(sign="non-negative"),
        "mixing_angle": Parameter("rad", sign="any"),
    }

    frequency: Quantity = 100e6
    damping: Quantity = 0.01
    half_width: Quantity | None = None
    resistance_change: Quantity = 1.0
    threshold: Quantity = 10e-6
    polarizer_angle: Quantity = math.pi / 4
    impedance: Quantity = 1.0
    mixing_angle: Quantity = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        beyond = double(self.polarizer_angle).abs() >= math.pi / 2
        refuse(beyond, "polarizer_angle must lie between -pi/2 and pi/2 rad, where its tangent is finite")

    @property
    def width(self) -> torch.Tensor:
        """Gam, half width at half maximum, Hz."""
        return double(self.damping) * self.frequency if self.half_width is None else double(self.half_width)

    @property
    def linewidth(self) -> torch.Tensor:
        """Half width at half maximum over the frequency: what a network layer takes."""
        return double(self.damping) if self.half_width is None else self.width / self.frequency

    @property
    def sensitivity(self) -> torch.Tensor:
        """K, V/W: the largest weight of a dispersive diode."""
        angle = double(self.polarizer_angle).tan() / (8 * math.sqrt(2))
        return double(self.resistance_change) / self.threshold * angle * self.impedance

    def conversion(self, frequency: Quantity) -> torch.Tensor:
        """V/W for an input at `frequency` (Hz, >= 0): the weight of this diode as a synapse, between -2 K and 2 K."""
        require_non_negative("Hz", input_frequency=frequency)
        width, x = self.width, double(frequency) - self.frequency
        psi = double(self.mixing_angle)
        line = 2 * width / (width.square() + x.square())
        return self.sensitivity * line * (psi.cos() * x + psi.sin() * width)

    def voltage(self, power: Quantity, frequency: Quantity) -> torch.Tensor:
        """V rectified from `power` (W, >= 0) at `frequency`; shapes broadcast. Waves of several frequencies add."""
        require_non_negative("W", power=power)
        return self.conversion(frequency) * double(power)


def fit_resonance(frequency: torch.Tensor, voltage: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Resonance f0 and half width Gam in Hz of curves voltage (*batch, points) at `frequency` (*batch, points) in Hz.

    The in-phase response of any damped harmonic motion, dispersive, absorptive or mixed, is with u = f^2

        V = (c0 + c1 u) / ((f0^2 - u)^2 + 4 Gam^2 u).

    Multiplied out this is linear in four unknowns: least squares, repeated with the last denominator as weight (C. K.
    Sanathanan and J. Koerner, IEEE Trans. Autom. Control 8, 56 (1963)). Exact for small power; a line that leans over
    is no such curve. Differentiable.

    Raises InputError for fewer than 5 points, PhysicsError where no resonance lies in the curve.
    """
    require_positive("Hz", frequency=frequency)
    require_finite("V", voltage=voltage)
    if frequency.shape[-1] < 5 or frequency.shape[-1] != voltage.shape[-1]:
        raise InputError(f"5 points or more are needed, got {tuple(frequency.shape)} and {tuple(voltage.shape)}")
    f, v = torch.broadcast_tensors(frequency.to(torch.float64), voltage.to(torch.float64))
    centre = f.mean(-1, keepdim=True)
    u = (f / centre).square() - 1  # centred: the powers of u are then not alike
    v = v / v.detach().abs().amax(-1, keepdim=True).clamp(min=1e-300)
    weight = torch.ones_like(u)
    for _ in range(_ROUNDS):
        columns = torch.stack((-v * u, -v, torch.ones_like(u), u), -1) * weight.unsqueeze(-1)
        target = (v * u.square() * weight).unsqueeze(-1)
        found = torch.linalg.lstsq(columns, target).solution[..., 0]
        k1, k0 = found[..., 0, None], found[..., 1, None]
        weight = 1 / (u.square() + k1 * u + k0).detach().abs().clamp(min=1e-12)
    fourth = (1 - k1 + k0)[..., 0]
    square = fourth.clamp(min=0).sqrt()
    width = k1[..., 0] - 2 + 2 * square
    if not bool(((fourth > 0) & (width > 0)).all()):
        raise PhysicsError("no resonance lies in this curve; sweep one that holds it, several points per width")
    return centre[..., 0] * square.sqrt(), centre[..., 0] * width.sqrt() / 2


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

    def linear_voltage(self, power: Quantity, frequency: Quantity) -> torch.Tensor:
        """V by linear response, exact for small power at any distance from the resonance."""
        mode, still, moving = self._linear_response()
        omega = 2 * math.pi * double(frequency)
        stiff = mode.gamma0.square() * mode.determinant - (1 + mode.damping.square()) * omega.square()
        answer = torch.complex(still + 0 * omega, omega * moving)
        answer = answer / torch.complex(stiff, omega * mode.damping * mode.gamma0 * mode.trace)
        return double(power) * self._contrast(mode) * answer.real

    def closed_form(self) -> SpinDiode:
        """The `SpinDiode` of this free layer: `linear_voltage` near the resonance. Batches carry over."""
        mode, still, moving = self._linear_response()
        contrast, width = self._contrast(mode), 2 * math.pi * mode.half_width
        # near resonance the cosine per ampere is Z / (Gam + i x)
        share = 2 * (1 + mode.damping.square())
        residue = moving / share, -still / (share * 2 * math.pi * mode.frequency)
        real, imaginary = (contrast * part / (2 * width) for part in residue)
        change = 2 * contrast.abs()
        threshold = mode.damping * mode.gamma0 * mode.trace / (2 * self.rate(0.0))
        impedance = torch.hypot(real, imaginary) * threshold * 8 * math.sqrt(2) / change
        angle = torch.atan2(real, imaginary)
        return SpinDiode(
            mode.frequency, mode.damping, mode.half_width, change, threshold, impedance=impedance, mixing_angle=angle
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
        material, fields = self.magnet.material, self.magnet.fields
        strength = math.hypot(*(float(double(part).max()) for part in self.field_per_current))
        if strength > 0:
            fields = (*fields, Applied(Sine(amplitude * strength, clock), self.field_per_current))
        torque = self.torque(Sine(amplitude / self.area, clock))
        scaled = replace(material, gamma=double(material.gamma) * (clock / f))
        magnet = replace(self.magnet, material=scaled, fields=fields, torques=(torque,))
        decays = 2 * math.pi * float((mode.half_width / f).detach().min())  # per period of the slowest member
        waiting, step = math.ceil(settling / decays) / clock, 1 / (clock * _STEPS)
        state = simulate(magnet, mode.state(shape), waiting, step).final
        run = simulate(magnet, state, periods / clock, step, start=waiting, records=periods * _SAMPLES)
        wave = torch.sin(2 * math.pi * clock * run.time).reshape(-1, *[1] * len(shape))
        x, y, z = self.fixed_layer()
        cosine = x * run.m[:, 0] + y * run.m[:, 1] + z * run.m[:, 2]
        return (amplitude * wave * self.resistance(cosine)).mean(0)

    def _linear_response(self) -> tuple[Mode, torch.Tensor, torch.Tensor]:
        """The mode, n0 in rad^2/(s^2 A) and n1 in rad/(s A), (*batch), of the cosine under a small current.

        The linearised LLGS equation in closed form. With y the deviation from equilibrium in the plane across it, R the
        rotation by a right angle in that plane and tau the torque per ampere, Gilbert's equation reads
        (1 - alpha R) dy/dt = gamma0 R h y + tau I(t). At the frequency omega

            cosine per ampere = (n0 + i omega n1) / [gamma0^2 det h - (1 + alpha^2) omega^2 + i omega alpha gamma0 tr h]
        """
        mode = self.mode()
        cosine, p1, p2 = mode.components(self.fixed_layer())
        _, h1, h2 = mode.components(tuple(torch.broadcast_tensors(*(double(part) for part in self.field_per_current))))
        a = self.rate(cosine)
        b, gamma0 = a * double(self.field_like), mode.gamma0
        first = a * p1 + b * p2 + gamma0 * h2
        second = a * p2 - b * p1 - gamma0 * h1
        h, alpha = mode.stiffness, mode.damping
        turned = (h[0, 0] * first + h[0, 1] * second) * p2 - (h[0, 1] * first + h[1, 1] * second) * p1
        return mode, gamma0 * turned, p1 * (first - alpha * second) + p2 * (second + alpha * first)

    def _contrast(self, mode: Mode) -> torch.Tensor:
        """(dR / dcosine) / R at rest; negative."""
        return -self.junction.contrast / (1 + self.junction.contrast * self.cosine(mode))
