"""How the cosine between free and reference layer answers a small alternating current: linearised LLGS in closed form.

With y the deviation from equilibrium in the plane across it, R the rotation by a right angle in that plane and tau the
torque per ampere, Gilbert's equation reads (1 - alpha R) dy/dt = gamma0 R h y + tau I(t). At the frequency omega

    cosine per ampere = (n0 + i omega n1) / [ gamma0^2 det h - (1 + alpha^2) omega^2 + i omega alpha gamma0 tr h ].
"""

import math
from dataclasses import dataclass

import torch

from spinloom.devices.macrospin_mode import Mode
from spinloom.magnetism import Quantity, double


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


def linear_response(
    mode: Mode, reference: torch.Tensor, rate: torch.Tensor, field_like: Quantity, field: torch.Tensor
) -> LinearResponse:
    """reference: unit vector (3, *batch). rate: damping-like torque per ampere, rad/(s A), angular factor included.

    field_like: ratio to it. field: A/m per ampere, (3, *batch).
    """
    _, p1, p2 = mode.components(reference)
    _, h1, h2 = mode.components(field)
    a, b, gamma0 = rate, rate * double(field_like), mode.gamma0
    first = a * p1 + b * p2 + gamma0 * h2
    second = a * p2 - b * p1 - gamma0 * h1
    h, alpha = mode.stiffness, mode.damping
    turned = (h[0, 0] * first + h[0, 1] * second) * p2 - (h[0, 1] * first + h[1, 1] * second) * p1
    moving = p1 * (first - alpha * second) + p2 * (second + alpha * first)
    return LinearResponse(mode, gamma0 * turned, moving)
