"""The standard problem for interfacial Dzyaloshinskii-Moriya interaction: tilted edges of a wire, a skyrmion in a disk.

D. Cortes-Ortuno et al., New J. Phys. 20, 113015 (2018), without stray field: A = 13 pJ/m, D = 3 mJ/m^2, K = 0.4 MJ/m^3,
100 nm. With the polar angle t(x) from +z towards +x (here towards -x: our D has the sign of MuMax3)

    wire:  t'' = (K/A) sin t cos t,   t' = -D / (2A) at both ends
    disk:  t'' + t'/r - sin t cos t / r^2 - (K/A) sin t cos t + (D/A) sin^2 t / r = 0,   t(0) = pi,  t'(R) = -D / (2A)

solved here by collocation, lengths in nm. S. Rohart and A. Thiaville, Phys. Rev. B 88, 184422 (2013).
"""

import math

import numpy as np
import pytest
import torch
from mesh_magnets import mesh_magnet
from scipy.integrate import solve_bvp
from scipy.optimize import brentq

from spinloom.magnetism import Exchange, InterfacialDMI, Mesh, Uniaxial, relax
from spinloom.magnetism.scene import disk, masked, skyrmion, skyrmion_radius, uniform

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
A, D, K, MS = 13e-12, 3e-3, 0.4e6, 0.86e6
TERMS = (Exchange(A), InterfacialDMI(D), Uniaxial(K))
STIFF, TWIST = K / A * 1e-18, D / A * 1e-9
"""K/A in 1/nm^2 and D/A in 1/nm."""


def solved(rate, ends, x: np.ndarray, guess: np.ndarray):
    found = solve_bvp(rate, ends, x, np.stack([guess, np.gradient(guess, x)]), tol=1e-8, max_nodes=100_000)
    assert found.success, found.message
    return lambda at: found.sol(at)[0]


def wire_angle():
    """Angle at x (nm) in the wire from -50 to 50 nm."""
    x = np.linspace(-50, 50, 401)
    return solved(
        lambda x, t: np.stack([t[1], STIFF * np.sin(t[0]) * np.cos(t[0])]),
        lambda left, right: np.array([left[1] + TWIST / 2, right[1] + TWIST / 2]),
        x,
        -0.7 * np.sinh(x / 5.7) / math.sinh(50 / 5.7),
    )


def disk_angle():
    """Angle at the distance r (nm) from the middle of the disk of radius 50 nm."""
    first, r = 1e-4, np.linspace(1e-4, 50, 1001)

    def rate(r, t):
        s, c = np.sin(t[0]), np.cos(t[0])
        return np.stack([t[1], -t[1] / r + s * c / r**2 + STIFF * s * c - TWIST * s * s / r])

    guess = 2 * np.arctan2(math.sinh(22 / 6), np.sinh(r / 6)) - 0.7 * np.exp((r - 50) / 5.7)
    return solved(rate, lambda a, b: np.array([a[0] - math.pi - first * a[1], b[1] + TWIST / 2]), r, guess)


def wire_error(cells: int) -> float:
    """Largest difference of any component from the solution, cells of 100 nm / cells."""
    mesh = Mesh((cells, 1, 1), (100e-9 / cells, 1e-9, 1e-9))
    done = relax(mesh_magnet(mesh, *TERMS, ms=MS), uniform(mesh, (0, 0, 1)))
    angle = wire_angle()(1e9 * mesh.coordinates()[0].flatten().numpy())
    exact = np.stack([np.sin(angle), np.zeros(cells), np.cos(angle)])
    return float(np.abs(done.m[:, 0, 0].numpy() - exact).max())


def test_the_solution_tilts_the_edges_by_the_closed_form():
    tilt = D / (2 * math.sqrt(A * K))
    assert np.sin(wire_angle()(np.array([-50.0, 50.0]))) == pytest.approx([tilt, -tilt], abs=1e-5)


def test_the_wire_has_the_profile_of_the_solution_to_second_order():
    coarse, fine = wire_error(50), wire_error(100)
    assert fine < 2e-3
    assert coarse / fine > 3.2


def test_the_skyrmion_in_the_disk_has_the_profile_of_the_solution():
    mesh = Mesh((80, 80, 1), (1.25e-9, 1.25e-9, 2e-9))
    mask = disk(mesh, 100e-9)
    start = masked(skyrmion(mesh, 25e-9, 6e-9), mask)
    done = relax(mesh_magnet(mesh, *TERMS, ms=MS, geometry=mask), start)
    assert bool(done.converged)
    angle = disk_angle()
    radius = brentq(lambda r: angle(r) - math.pi / 2, 5, 45)
    assert float(skyrmion_radius(done.m, mesh)) * 1e9 == pytest.approx(radius, abs=0.15)
    x, y, _ = mesh.coordinates()
    r = 1e9 * torch.hypot(x, y).numpy()
    inner = r[0] < 45
    error = done.m[2, 0].numpy() - np.cos(angle(np.maximum(r[0], 1e-3)))
    assert np.abs(error[inner]).max() < 0.02
