"""`relax`: both methods, every member of a batch by itself, and what it reports."""

import math

import pytest
import torch
from mesh_magnets import MS, A, holes, member, mesh_magnet, random_state, uniform_state

from spinloom import units
from spinloom.magnetism import (
    Applied,
    Constant,
    Demagnetization,
    Exchange,
    InterfacialDMI,
    Mesh,
    Pulse,
    SpinTransfer,
    Uniaxial,
    relax,
    simulate,
)

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
MESH = Mesh((12, 6, 1), (4e-9, 4e-9, 3e-9))
METHODS = ("minimize", "llg")
GOAL = {"minimize": 1e-5, "llg": 3e-4}
"""T; the motion with error control trembles at about 1e-5 of the exchange field, 8 T here."""
START = random_state(Mesh((3, 2, 1), (1, 1, 1)), (2,), 3).repeat_interleave(4, -1).repeat_interleave(3, -2)


@pytest.fixture(scope="module")
def both():
    """One energy landscape, two starts, two methods."""
    fields = (Exchange(A), InterfacialDMI(1e-3), Uniaxial(5e4, axis=(1, 0.3, 0)), Demagnetization())
    magnet = mesh_magnet(MESH, *fields, Applied(Constant(3e4), (1, 1, 1)), damping=0.1, geometry=holes(MESH, 4))
    return magnet, {method: relax(magnet, START, method=method, torque=GOAL[method]) for method in METHODS}


def test_both_methods_find_the_same_minimum(both):
    magnet, found = both
    for method, result in found.items():
        assert result.converged.all()
        assert (result.torque <= GOAL[method]).all()
        assert result.torque.shape == result.converged.shape == (2,)
    energies = [magnet.energy(found[method].m) for method in METHODS]
    torch.testing.assert_close(energies[0], energies[1], rtol=1e-4, atol=0)
    torch.testing.assert_close(found["minimize"].m, found["llg"].m, rtol=0, atol=1e-2)
    print("steps:", {method: found[method].steps for method in METHODS})


def test_the_torque_it_reports_is_that_of_the_energy_and_the_minimum_is_one(both):
    magnet, found = both
    m = found["minimize"].m.clone().requires_grad_()
    (slope,) = torch.autograd.grad(magnet.energy(m).sum(), m)
    torque = torch.linalg.cross(m.detach(), slope / (MS * MESH.cell_volume), dim=0).norm(dim=0)
    assert torque.max() < 1.1e-5
    torch.testing.assert_close(torque.amax((-3, -2, -1)), found["minimize"].torque, rtol=1e-3, atol=1e-9)
    for seed in range(3):  # every small turn costs energy
        aside = m.detach() + 0.05 * random_state(MESH, (2,), seed, geometry=magnet.geometry)
        aside = aside / aside.norm(dim=0).clamp(min=1e-9)
        assert (magnet.energy(aside) > magnet.energy(m.detach())).all()


def test_the_damped_motion_comes_to_rest_there(both):
    magnet, found = both
    start = found["minimize"].m
    run = simulate(magnet, start, 5e-11, records=2)
    torch.testing.assert_close(run.final, start, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_every_member_has_its_own_answer(method):
    """A field across the easy axis: m along it is H / H_K (Stoner and Wohlfarth), each member with its own K and H."""
    k, h = member(1e5, 2e5, 4e5), member(0.2, -0.5, 0.8)
    field = h * 2 * k / (units.MU0 * MS)
    magnet = mesh_magnet(MESH, Exchange(A), Uniaxial(k, axis=(0, 0, 1)), Applied(Constant(field), (1, 0, 0)))
    found = relax(magnet, uniform_state(MESH, (0, 0.1, 1), (3,)), method=method, torque=3e-5)
    assert found.converged.all()
    torch.testing.assert_close(found.m[0], h.expand_as(found.m[0]), rtol=0, atol=5e-4)
    torch.testing.assert_close(found.m[2], (1 - h**2).sqrt().expand_as(found.m[2]), rtol=0, atol=5e-4)


def test_a_member_that_has_arrived_does_not_move_while_others_do():
    magnet = mesh_magnet(MESH, Exchange(A), Uniaxial(2e5))
    m = torch.stack([uniform_state(MESH, (0, 0, 1)), START[:, 0]], 1)
    found = relax(magnet, m)
    assert torch.equal(found.m[:, 0], m[:, 0])
    assert found.torque[0] == 0
    assert found.converged.all()
    assert (found.m[:, 1] - m[:, 1]).abs().max() > 0.1
    again = relax(magnet, found.m)
    assert again.steps == 0
    assert torch.equal(again.m, found.m)


def test_stopping_early_is_told_by_member():
    magnet = mesh_magnet(MESH, Exchange(A), Uniaxial(2e5))
    m = torch.stack([uniform_state(MESH, (0, 0, 1)), START[:, 0]], 1)
    found = relax(magnet, m, most_steps=3)
    assert found.steps == 3
    assert found.converged.tolist() == [True, False]


def test_torques_are_left_out_and_drives_are_held_at_the_time_asked_for():
    push = SpinTransfer(Constant(1e13), 2e-9, 0.6, (1, 0, 0))
    field = Applied(Pulse(1e6, 1e-9, 1e-9), (0, 1, 0))
    magnet = mesh_magnet(MESH, Exchange(A), Uniaxial(2e5), field, torques=(push,))
    m = uniform_state(MESH, (0, 0.01, 1))
    before, during = (relax(magnet, m, at=at).m for at in (0.0, 1.5e-9))
    assert before[2].min() > 1 - 1e-6
    assert during[1].min() > 1 - 1e-6


def test_an_unstable_equilibrium_is_left_and_single_precision_serves():
    magnet = mesh_magnet(MESH, Exchange(A), Uniaxial(2e5))
    m = uniform_state(MESH, (1, 0, 1e-3), dtype=torch.float32)
    found = relax(magnet, m)
    assert found.m.dtype == torch.float32
    assert found.converged
    assert found.m[2].min() > 1 - 1e-6


def test_the_progress_rises_to_the_end():
    told = []
    magnet = mesh_magnet(MESH, Exchange(A), Uniaxial(2e5))
    relax(magnet, START, torque=1e-9, progress=told.append)
    assert told
    assert all(0 <= share <= 1 and math.isfinite(share) for share in told)
    assert told[-1] > 0.5
