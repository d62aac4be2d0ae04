"""dm/dt = -gamma m x B - a g(m.p) [m x (m x p) + xi m x p] + damping m x dm/dt, each piece written out here."""

import pytest
import torch
from magnets import MS, magnet, random_states

from spinloom import units
from spinloom.magnetism import Applied, Constant, SpinOrbit, SpinTransfer
from spinloom.magnetism.engine.rates import llgs, reduce_magnet

ETA, J, THICKNESS, XI, DAMPING = 0.55, 3e11, 1.4e-9, 0.3, 0.17
POLE = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)


def right_hand_side(thing, m):
    reduced = reduce_magnet(thing)
    layout, rows = reduced.layout, reduced.rows
    waves = torch.ones(len(reduced.drives), dtype=torch.float64)
    return 1e9 * torch.stack(llgs(tuple(m), None, rows, waves, layout))


def factor(kind: str, c: torch.Tensor) -> torch.Tensor:
    if kind == "constant":
        return torch.full_like(c, ETA)
    if kind == "mtj":
        return ETA / (1 + ETA**2 * c)
    return 2 / (-4 + (1 + ETA) ** 3 * (3 + c) / (4 * ETA**1.5))


def cross(a, b):
    return torch.linalg.cross(a, b.reshape(3, 1).expand_as(a) if b.ndim == 1 else b, dim=0)


@pytest.mark.parametrize("kind", ["constant", "mtj", "slonczewski"])
def test_every_angular_factor_enters_as_its_formula(kind):
    m = random_states(20)
    torque = SpinTransfer(Constant(J), THICKNESS, ETA, tuple(POLE.tolist()), XI, kind)
    rate = right_hand_side(magnet(Applied(Constant(5e4), (0, 1, 0)), torques=[torque], damping=DAMPING), m)
    a = units.GAMMA * units.HBAR * J / (2 * units.E * MS * THICKNESS) * factor(kind, POLE @ m)
    field = units.GAMMA0 * torch.tensor([0, 5e4, 0], dtype=torch.float64)
    mp = cross(m, POLE)
    expected = -cross(m, field) - a * (cross(m, mp) + XI * mp) + DAMPING * cross(m, rate)
    assert (rate - expected).abs().max() <= 1e-12 * rate.abs().max()


def test_the_spin_orbit_torque_has_the_spin_hall_angle_as_its_constant_factor():
    m = random_states(20)
    hall = torch.tensor(-0.3, dtype=torch.float64)
    rate = right_hand_side(magnet(torques=[SpinOrbit(Constant(J), THICKNESS, hall, field_like=XI)]), m)
    a = units.GAMMA * units.HBAR * J / (2 * units.E * MS * THICKNESS) * hall
    mp = cross(m, torch.tensor([0.0, -1.0, 0.0], dtype=torch.float64))
    expected = -a * (cross(m, mp) + XI * mp)
    assert (rate - expected).abs().max() <= 1e-12 * rate.abs().max()


def test_one_polarizer_with_and_one_without_an_angular_factor_stand_side_by_side():
    m = random_states(20)
    first = SpinTransfer(Constant(J), THICKNESS, ETA, tuple(POLE.tolist()), XI, "mtj")
    second = SpinOrbit(Constant(J), THICKNESS, 0.1)
    both = right_hand_side(magnet(torques=[first, second]), m)
    apart = right_hand_side(magnet(torques=[first]), m) + right_hand_side(magnet(torques=[second]), m)
    assert (both - apart).abs().max() <= 1e-12 * both.abs().max()
