import math

import pytest
import torch
from magnets import MS, decay_and_frequency, magnet, state

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Ellipsoid, simulate

RECORDS, DURATION = 400, 4e-9


def frequency(record: torch.Tensor) -> torch.Tensor:
    return decay_and_frequency(record, DURATION / RECORDS)[1]


@pytest.mark.parametrize("damping", [0.0, 0.2])
def test_a_free_moment_turns_at_gamma_b_over_one_plus_damping_squared(damping):
    field = torch.tensor([2e4, 1e5, 4e5], dtype=torch.float64)
    thing = magnet(Applied(Constant(field)), damping=damping)
    m = simulate(thing, state(1.0, batch=(3,)), DURATION, 2e-12, records=RECORDS, engine="eager").m
    turned = (m[1:, 1] * m[:-1, 0] - m[1:, 0] * m[:-1, 1], m[1:, 0] * m[:-1, 0] + m[1:, 1] * m[:-1, 1])
    measured = torch.atan2(*turned).mean(0) / (DURATION / RECORDS)  # signed: anticlockwise about the field
    off = (measured / (units.GAMMA0 * field / (1 + damping**2)) - 1).abs().max()
    print(f"Larmor, damping {damping}: off by {off:.1e}")
    assert off <= 1e-4


def test_a_film_turns_at_the_kittel_frequency():
    field = torch.tensor([1e4, 1e5, 4e5], dtype=torch.float64)
    thing = magnet(Applied(Constant(field), (1, 0, 0)), Demagnetization((0.0, 0.0, 1.0)))
    m = simulate(thing, state(math.pi / 2, 1e-3, batch=(3,)), DURATION, 2e-12, records=RECORDS, engine="eager").m
    off = (frequency(m[:, 1]) / (units.GAMMA0 * (field * (field + MS)).sqrt()) - 1).abs().max()
    print(f"Kittel, film: off by {off:.1e}")
    assert off <= 1e-4


def test_an_ellipsoid_turns_at_the_kittel_frequency_of_its_factors():
    shape = Ellipsoid(200e-9, 100e-9, 20e-9)
    nx, ny, nz = shape.demagnetizing_factors()
    thing = magnet(Applied(Constant(1e5), (1, 0, 0)), Demagnetization(shape))
    m = simulate(thing, state(math.pi / 2, 1e-3), DURATION, 2e-12, records=RECORDS, engine="eager").m
    expected = units.GAMMA0 * ((1e5 + (ny - nx) * MS) * (1e5 + (nz - nx) * MS)).sqrt()
    off = (frequency(m[:, 1]) / expected - 1).abs()
    print(f"Kittel, ellipsoid: off by {float(off):.1e}")
    assert off <= 1e-4
