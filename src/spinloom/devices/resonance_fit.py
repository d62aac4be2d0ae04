"""Resonance and width from a rectified voltage against frequency."""

import torch

from spinloom.errors import InputError, PhysicsError, require_finite, require_positive

_ROUNDS = 4


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
