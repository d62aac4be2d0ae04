"""Magnets that several tests share, and the closed forms of their rates."""

import torch

from spinloom import units
from spinloom.magnetism import Constant, Magnet, Material, SpinTransfer, from_angles, rate_per_current

VOLUME = 1e-24
MS = 1e6


def magnet(*fields, torques=(), damping=0.0, ms=MS, volume=VOLUME) -> Magnet:
    return Magnet(Material(ms, damping), volume, tuple(fields), tuple(torques))


def damping_like(rate, *, polarizer=(1.0, 0.0, 0.0), thickness=1e-9, polarization=0.6, ms=MS, **settings):
    """A torque whose damping-like rate is `rate` (rad/s) under a constant current."""
    current = rate / (rate_per_current(Material(ms, 0.0), thickness) * polarization)
    return SpinTransfer(Constant(current), thickness, polarization, polarizer, **settings)


def state(polar, azimuth=0.0, batch=(), dtype=torch.float64) -> torch.Tensor:
    m = torch.stack(torch.broadcast_tensors(*from_angles(torch.as_tensor(polar, dtype=torch.float64), azimuth)))
    m = m.reshape(3, *[1] * (len(batch) - m.ndim + 1), *m.shape[1:])
    return m.expand(3, *batch).to(dtype).clone() if batch else m.to(dtype)


def random_states(*batch, seed=0, dtype=torch.float64) -> torch.Tensor:
    m = torch.randn(3, *batch, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (m / m.norm(dim=0)).to(dtype)


def field_for(rate: float) -> float:
    """A/m of the field around which a free moment turns with `rate` (rad/s)."""
    return rate / units.GAMMA0


def decay_and_frequency(signal: torch.Tensor, spacing: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Decay rate and angular frequency (1/s) of a damped sine (records, ...): s[k+1] = b s[k] - c s[k-1]."""
    before, now, after = signal[:-2], signal[1:-1], signal[2:]
    nn, nb, bb = (now * now).sum(0), (now * before).sum(0), (before * before).sum(0)
    an, ab = (after * now).sum(0), (after * before).sum(0)
    det = nn * bb - nb * nb
    b, c = (an * bb - ab * nb) / det, -(ab * nn - an * nb) / det
    return -c.log() / (2 * spacing), torch.acos(b / (2 * c.sqrt())) / spacing
