"""The spin diode: a resonator that turns radio-frequency power into a direct voltage, in closed form.

With the detuning x = input frequency - resonance, the half width Gam and the sensitivity K (V/W)

    V = K P [ cos(psi) 2 Gam x / (Gam^2 + x^2) + sin(psi) 2 Gam^2 / (Gam^2 + x^2) ]

**Sign: at psi = 0 the voltage is positive where x > 0, the input above the resonance.** The mixing angle psi turns one
complex Lorentzian: psi = 0 is the dispersive line of a field-like torque, zero on resonance, with extrema +-K at
x = +-Gam; psi = -+pi/2 is the absorptive line of a damping-like torque with its peak -+2 K on resonance; psi = pi is a
dispersive diode mounted the other way round (head to tail).

Sensitivity and constants as in the code published with Ross et al., Nat. Nanotechnol. 18, 1273 (2023):

    K = (dR / R) (1 / I_th) tan(gamma_p) / (8 sqrt 2) beta_s,   8.84 mV/uW for dR/R = 1, I_th = 10 uA, gamma_p = pi/4.

The closed form is that of small power. `simulated_diode.py` derives its parameters from a free layer and says where it
ends.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom.devices.contract import Design
from spinloom.devices.parameters import Parameter, known
from spinloom.errors import InputError, PhysicsError, require_finite, require_non_negative, require_positive
from spinloom.magnetism import Quantity, double

_ROUNDS = 4


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

    Differentiable in every parameter and input. Raises InputError for a frequency, width, damping or threshold that is
    not positive, a polarizer at pi/2 or beyond, and anything that is not finite.
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
        if bool((double(self.polarizer_angle).abs() >= math.pi / 2).any()):
            raise InputError("polarizer_angle must lie between -pi/2 and pi/2 rad, where its tangent is finite")

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
        """V/W for an input at `frequency` (Hz): the weight of this diode as a synapse, between -2 K and 2 K.

        Raises InputError for a frequency below zero.
        """
        require_non_negative("Hz", input_frequency=frequency)
        width, x = self.width, double(frequency) - self.frequency
        psi = double(self.mixing_angle)
        line = 2 * width / (width.square() + x.square())
        return self.sensitivity * line * (psi.cos() * x + psi.sin() * width)

    def voltage(self, power: Quantity, frequency: Quantity) -> torch.Tensor:
        """V rectified from `power` (W) at `frequency` (Hz); shapes broadcast. Waves of several frequencies add.

        Raises InputError for a power or a frequency below zero.
        """
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
        raise PhysicsError(
            "no resonance lies in this curve; sweep a range that holds it, with several points per width"
        )
    return centre[..., 0] * square.sqrt(), centre[..., 0] * width.sqrt() / 2
