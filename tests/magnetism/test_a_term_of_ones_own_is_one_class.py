"""A field term is one class, here in no list of Spinloom's: both engines run it, on macrospins and on meshes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from magnets import MS, VOLUME, magnet, random_states
from mesh_magnets import mesh_magnet, random_state

from spinloom import units
from spinloom.magnetism import (
    Constant,
    Drive,
    Exchange,
    FieldTerm,
    Magnet,
    Mesh,
    Quantity,
    Sine,
    SpinTransfer,
    Uniaxial,
    ZhangLi,
    double,
    simulate,
)
from spinloom.magnetism.engine.rates import right_hand_side


@dataclass(frozen=True)
class Sextic(FieldTerm):
    """Anisotropy E = K m_z^6. k: J/m^3; strength: Drive (dimensionless) by which K is multiplied."""

    k: Quantity
    strength: Drive

    @property
    def drive(self) -> Drive:
        return self.strength

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        return double(self.k) * self.strength(t) * m[2] ** 6

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        return [6 * magnet.rate_per_energy * double(self.k) * double(self.strength.amplitude)]

    @staticmethod
    def act(w: Any, m: Any, rows: Any, wave: Callable[[], Any]) -> Any:
        square = m[2] * m[2]
        return w[0], w[1], w[2] - wave() * rows[0] * (square * square * m[2])


STRENGTH = Sine(0.8, 3e9, 0.4)
MINE = Sextic(torch.linspace(1e5, 3e5, 5, dtype=torch.float64), STRENGTH)
MESH = Mesh((4, 3, 2), (3e-9, 3e-9, 3e-9))
FLOW = ZhangLi(Constant(1e12), 0.5, 0.05)
PUSH = SpinTransfer(Sine(1e11, 2e9), 2e-9, 0.5, (0.0, 0.6, 0.8), 0.1, "mtj")
OTHERS = (Uniaxial(3e5, voltage=Sine(0.5, 4e9), vcma=50e-15), MINE)


def test_its_field_is_minus_the_gradient_of_its_energy():
    time = torch.tensor(0.11e-9, dtype=torch.float64)
    thing, m = magnet(MINE), random_states(5).requires_grad_()
    (slope,) = torch.autograd.grad(thing.energy(m, float(time)).sum(), m)
    expected = units.GAMMA * 1e-9 * torch.linalg.cross(m, slope / (MS * VOLUME), dim=0)
    rate = right_hand_side(thing, m).at(m, time)
    assert expected.abs().max() > 0.1
    assert (rate - expected).abs().max() <= 1e-12 * expected.abs().max()


@pytest.mark.parametrize("method", ["rk4", "heun"])
def test_both_engines_run_it_between_terms_and_torques_of_ours(method):
    thing, m = magnet(*OTHERS, torques=[PUSH], damping=0.1), random_states(5)
    assert STRENGTH in thing.drives()
    ours, plain = (simulate(thing, m, 1e-10, method=method, engine=engine) for engine in ("compiled", "eager"))
    torch.testing.assert_close(ours.m, plain.m, rtol=0, atol=1e-12)
    without = simulate(magnet(OTHERS[0], torques=[PUSH], damping=0.1), m, 1e-10, method=method, engine="eager")
    assert (plain.final - without.final).abs().max() > 1e-2


def test_both_engines_run_it_on_a_mesh_beside_a_current_in_the_texture():
    mine = Sextic(2e5, STRENGTH)
    thing, m = mesh_magnet(MESH, Exchange(1.3e-11), mine, torques=[FLOW], damping=0.1), random_state(MESH)
    assert set(thing.energies(m)) == {"Exchange", "Sextic"}
    ours, plain = (simulate(thing, m, 2e-12, 1e-13, method="rk4", engine=engine) for engine in ("compiled", "eager"))
    torch.testing.assert_close(ours.m, plain.m, rtol=0, atol=1e-12)
