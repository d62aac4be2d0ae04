"""Gyration of a vortex in three disks of one radius and several thicknesses, against the model without side charges.

The model (K. Yu. Guslienko et al., J. Appl. Phys. 91, 8037 (2002)): a core displaced by X turns the magnetisation at
(r, phi) by X / R (R / r - r / R) sin phi; the volume charge 2 Ms X / R^2 sin phi costs the energy k X^2 / 2 with

    k = 4 pi mu0 Ms^2 L F(L / R),   F(b) = int dq / q f(b q) I(q)^2,   f(x) = 1 - (1 - exp(-x)) / x,
    I(q) = int_0^1 J1(q s) s ds,

and Thiele's equation gives omega = k / G, G = 2 pi L Ms / gamma.
"""

import numpy as np
import pytest
import torch
from mesh_magnets import MS, A, mesh_magnet
from scipy.integrate import quad
from scipy.special import j0, j1, struve

from spinloom import units
from spinloom.magnetism import Applied, Demagnetization, Exchange, Mesh, Pulse, relax, simulate
from spinloom.magnetism.scene import disk, masked, vortex

RADIUS, THICKNESSES = 75e-9, (10e-9, 15e-9, 20e-9)


def model(thickness):
    """Hz."""
    b = thickness / RADIUS

    def integrand(q):
        charge = np.pi / (2 * q) * (j1(q) * struve(0, q) - j0(q) * struve(1, q))
        return (1 - (1 - np.exp(-b * q)) / (b * q)) / q * charge**2

    shape, _ = quad(integrand, 1e-6, 100, limit=500)
    return 2 * units.GAMMA0 * MS * shape / (2 * np.pi)


def test_the_model_has_the_known_limit_of_thin_disks():
    """f = 5 / (9 pi) gamma mu0 Ms b / (2 pi) for small b, quoted in the paper."""
    thin = model(0.02 * RADIUS) / (5 / (9 * np.pi) * units.GAMMA0 * MS * 0.02 / (2 * np.pi))
    assert thin == pytest.approx(1, abs=0.1)


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
@pytest.mark.parametrize("polarity", [1, -1])
def test_the_core_circles_at_the_frequency_of_the_model(polarity):
    """Held aside by a field, then let go; it turns anticlockwise where the core points up."""
    mesh = Mesh((30, 30, 1), (5e-9, 5e-9, torch.tensor(THICKNESSES, dtype=torch.float64)))
    mask = disk(mesh, 2 * RADIUS)
    field = Applied(Pulse(1.5e3, -2e-9, 2e-9), (1, 0, 0))
    magnet = mesh_magnet(mesh, Exchange(A), Demagnetization(), field, damping=0.01, geometry=mask)
    start = masked(vortex(mesh, polarity=torch.full((3,), polarity), core_radius=15e-9), mask)
    held = relax(magnet, start, at=-1e-9, torque=1e-4)
    assert held.converged.all()
    run = simulate(magnet, held.m, 0.6e-9, 1e-12, method="rk4", records=30)
    side = run.m.sum((-3, -2, -1)).numpy()
    phase = np.unwrap(np.arctan2(side[:, 1], side[:, 0]), axis=0)
    frequency = polarity * np.polyfit(run.time.numpy(), phase, 1)[0] / (2 * np.pi)
    expected = np.array([model(thickness) for thickness in THICKNESSES])
    print("GHz:", frequency / 1e9, "model:", expected / 1e9, "ratio:", frequency / expected)
    assert (np.diff(frequency) > 0).all()
    np.testing.assert_allclose(frequency, expected, rtol=0.15)
