"""A wall between domains along +-z, chains of three cell sizes at once: profile tanh(x / delta), energy 4 sqrt(A K)."""

import pytest
import torch
from mesh_magnets import MS, member, mesh_magnet

from spinloom import units
from spinloom.magnetism import Demagnetization, Exchange, Mesh, Uniaxial, relax
from spinloom.magnetism.scene import domain_wall

A, K = 1.6e-11, 4e5
DELTA, ENERGY = (A / K) ** 0.5, 4 * (A * K) ** 0.5
SHARES = torch.tensor([4.0, 8.0, 16.0], dtype=torch.float64)
"""Cells per delta."""
AREA = 3e-9 * 2e-9


@pytest.fixture(scope="module")
def wall():
    """The relaxed walls, their mesh and their magnet: a film whose K_eff is K."""
    mesh = Mesh((240, 1, 1), (DELTA / SHARES, 3e-9, 2e-9))
    film = Demagnetization((0.0, 0.0, 1.0))
    magnet = mesh_magnet(mesh, Exchange(A), Uniaxial(K + units.MU0 * MS**2 / 2), film)
    found = relax(magnet, domain_wall(mesh, 1.3 * DELTA), torque=1e-7)
    assert found.converged.all()
    return found.m, mesh, magnet


def errors_fall_with_the_square_of_the_cell(errors, first):
    print("relative errors at 4, 8, 16 cells per delta:", [f"{float(e):.2g}" for e in errors])
    assert errors[0].abs() < first
    for coarse, fine in ((errors[0], errors[1]), (errors[1], errors[2])):
        assert 3.8 < float(coarse / fine) < 4.2


def test_the_profile(wall):
    m, mesh, _ = wall
    expected = -torch.tanh(mesh.coordinates()[0] / DELTA)
    errors_fall_with_the_square_of_the_cell((m[2] - expected).abs().amax((-3, -2, -1)), 6e-3)
    torch.testing.assert_close(m[1], 1 / torch.cosh(mesh.coordinates()[0] / DELTA), rtol=0, atol=5e-3)
    assert m[0].abs().max() < 1e-6  # a Bloch wall stays one


def test_the_energy(wall):
    m, _, magnet = wall
    up = torch.zeros_like(m)
    up[2] = 1
    energy = (magnet.energy(m) - magnet.energy(up)) / AREA
    errors_fall_with_the_square_of_the_cell(energy / ENERGY - 1, 5e-3)
    assert float((4 * energy[2] - energy[1]) / 3) == pytest.approx(ENERGY, rel=1e-5)


def test_exchange_and_anisotropy_share_the_energy(wall):
    m, _, magnet = wall
    parts = magnet.energies(m)
    assert float(parts["Exchange"][2] / AREA) == pytest.approx(ENERGY / 2, rel=1e-3)
    assert set(parts) == {"Exchange", "Uniaxial", "Demagnetization"}


def test_the_width_goes_with_the_root_of_a_over_k():
    a, k = member(A, 4 * A, A), member(K, K, 0.25 * K)
    delta = (a / k).sqrt().flatten()
    mesh = Mesh((160, 1, 1), (delta / 8, 3e-9, 2e-9))
    found = relax(mesh_magnet(mesh, Exchange(a), Uniaxial(k), ms=MS), domain_wall(mesh, DELTA), torque=1e-6)
    slope = (found.m[2, ..., 80] - found.m[2, ..., 79]).flatten() / mesh.lengths[0]
    torch.testing.assert_close(slope, -1 / delta, rtol=5e-3, atol=0)
