"""Dzyaloshinskii-Moriya interaction against closed forms and a boundary-value problem."""

import numpy as np
import pytest
import torch
from mesh_magnets import member, mesh_magnet
from scipy.integrate import solve_bvp

from spinloom.magnetism import BulkDMI, Exchange, InterfacialDMI, Mesh, Uniaxial, relax
from spinloom.magnetism.scene import skyrmion, skyrmion_number, skyrmion_radius

A = 1.5e-11
STEP, PAIR = 2e-9, {"interfacial": (InterfacialDMI, (2, 0)), "bulk": (BulkDMI, (1, 2))}
"""The plane in which the magnetisation turns for D > 0: from the first component towards the second along +x; the
interfacial term turns it from z to -x, the bulk term from y to z."""


@pytest.mark.parametrize("name", PAIR)
def test_a_chain_turns_by_the_angle_whose_tangent_is_d_dx_over_2a(name):
    """On the lattice, too, and up to the free ends: there the tilt of the boundary is that of the spiral."""
    term, (first, second) = PAIR[name]
    strength, mesh = member(2e-3, -4e-3), Mesh((24, 1, 1), (STEP, STEP, STEP))
    i = torch.arange(24)
    m = torch.zeros(3, 2, *mesh.shape, dtype=torch.float64)
    m[first], m[second] = torch.cos(0.05 * i), torch.sin(0.05 * i)
    magnet = mesh_magnet(mesh, Exchange(A), term(strength))
    found = relax(magnet, m, torque=1e-9)
    assert found.converged.all()
    turn = torch.atan2(found.m[second], found.m[first])[..., 0, 0, :].diff(dim=-1)
    turn = torch.remainder(turn + torch.pi, 2 * torch.pi) - torch.pi
    expected = torch.atan(strength.reshape(2, 1) * STEP / (2 * A)) * (-1 if name == "interfacial" else 1)
    torch.testing.assert_close(turn, expected.expand(2, 23), rtol=1e-6, atol=0)
    share = strength.flatten() * STEP / (2 * A)
    faces = 23 * 2 * A / STEP**2 * (1 - (1 + share**2).sqrt())
    edges = -(strength.flatten() ** 2) / (4 * A)  # of the two half cells beyond the last centres
    energy = (faces + edges) * STEP**3
    torch.testing.assert_close(magnet.energy(found.m), energy, rtol=1e-6, atol=0)


def test_the_edges_of_a_film_tilt_by_d_over_2_sqrt_ak():
    """S. Rohart and A. Thiaville, Phys. Rev. B 88, 184422 (2013): sin(theta) = D / (2 sqrt(A K)) at a far edge."""
    k, strength = 8e5, 2.5e-3
    delta = (A / k) ** 0.5
    mesh = Mesh((160, 1, 1), (delta / torch.tensor([5.0, 10.0]).double(), STEP, STEP))
    m = torch.zeros(3, 2, *mesh.shape, dtype=torch.float64)
    m[0], m[2] = 0.01, 1
    found = relax(mesh_magnet(mesh, Exchange(A), InterfacialDMI(strength), Uniaxial(k)), m / m.norm(dim=0), torque=1e-7)
    theta = torch.asin(found.m[0, :, 0, 0])
    edge = 1.5 * theta[:, -1] - 0.5 * theta[:, -2]  # half a cell beyond the last centre
    expected = np.arcsin(-strength / (2 * (A * k) ** 0.5))
    errors = edge / expected - 1
    print("relative errors of the tilt at 5 and 10 cells per delta:", errors.tolist())
    assert errors.abs().max() < 0.02
    assert 3.4 < float(errors[0] / errors[1]) < 4.6
    torch.testing.assert_close(theta[:, 0], -theta[:, -1], rtol=0, atol=1e-6)


def radius_of_a_skyrmion(k, strength):
    """m where m_z = 0, of an isolated axisymmetric skyrmion without stray field:
    theta'' + theta' / r - sin 2 theta / (2 r^2) + D / A sin^2 theta / r = K / (2 A) sin 2 theta
    (A. Bogdanov and A. Hubert, J. Magn. Magn. Mater. 138, 255 (1994)).
    """
    delta = (A / k) ** 0.5
    d = strength / (A * k) ** 0.5

    def slope(r, y):
        theta, along = y
        bend = -along / r + np.sin(2 * theta) / 2 * (1 / r**2 + 1) - d * np.sin(theta) ** 2 / r
        return np.stack([along, bend])

    r = np.geomspace(1e-3, 20, 400)
    guess = 2 * np.arctan2(np.sinh(2), np.sinh(r))

    def ends(a, b):
        return np.array([a[0] - r[0] * a[1] - np.pi, b[0]])

    found = solve_bvp(slope, ends, r, np.stack([guess, np.gradient(guess, r)]), tol=1e-6, max_nodes=20000)
    assert found.success
    fine = np.linspace(1e-3, 20, 20001)
    theta = found.sol(fine)[0]
    return delta * float(np.interp(-np.pi / 2, -theta, fine))


def test_the_radius_of_a_skyrmion_grows_with_d_as_the_radial_equation_says():
    k, strengths = 8e5, (3.4e-3, 3.7e-3, 3.9e-3)
    mesh = Mesh((88, 88, 1), (1e-9, 1e-9, 1e-9))
    expected = torch.tensor([radius_of_a_skyrmion(k, d) for d in strengths], dtype=torch.float64)
    magnet = mesh_magnet(mesh, Exchange(A), InterfacialDMI(member(*strengths)), Uniaxial(k))
    found = relax(magnet, skyrmion(mesh, expected * 1.1, 5e-9), torque=1e-4)
    assert found.converged.all()
    radius = skyrmion_radius(found.m, mesh)[:, 0]
    print("radii (nm):", [f"{float(r) * 1e9:.2f}" for r in radius], "radial equation:", (expected * 1e9).tolist())
    torch.testing.assert_close(radius, expected, rtol=0.02, atol=0)
    assert (skyrmion_number(found.m) + 1).abs().max() < 0.1  # the tilted edges add to it
