import math

import torch
from magnets import MS, decay_and_frequency, magnet, state

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, simulate

DAMPING = torch.tensor([0.005, 0.05, 0.5], dtype=torch.float64)


def test_a_free_moment_falls_towards_the_field_exactly_as_the_closed_form():
    """tan(theta / 2) = tan(theta_0 / 2) exp(-damping gamma B t / (1 + damping^2)), at any angle."""
    thing = magnet(Applied(Constant(1e5)), damping=DAMPING)
    m = simulate(thing, state(2.5, batch=(3,)), 1e-9, 1e-12, engine="eager").final
    rate = DAMPING / (1 + DAMPING**2) * units.GAMMA0 * 1e5
    expected = 2 * torch.atan(math.tan(1.25) * torch.exp(-rate * 1e-9))
    off = (torch.acos(m[2]) / expected - 1).abs().max()
    print(f"decay at large angle: off by {off:.1e}")
    assert off <= 1e-5


def test_small_oscillations_of_a_film_decay_at_the_kittel_linewidth():
    """Both roots of (1 + damping^2) s^2 + damping (w1 + w2) s + w1 w2 = 0."""
    thing = magnet(Applied(Constant(1e5), (1, 0, 0)), Demagnetization((0.0, 0.0, 1.0)), damping=DAMPING[:2])
    m = simulate(thing, state(math.pi / 2, 1e-4, batch=(2,)), 1e-9, 1e-12, records=200, engine="eager").m
    decay, frequency = decay_and_frequency(m[:, 1], 5e-12)
    w1, w2 = units.GAMMA0 * 1e5, units.GAMMA0 * (1e5 + MS)
    a = DAMPING[:2]
    expected = a * (w1 + w2) / (2 * (1 + a**2))
    assert (decay / expected - 1).abs().max() <= 1e-4
    assert (frequency / (w1 * w2 / (1 + a**2) - expected**2).sqrt() - 1).abs().max() <= 1e-5
