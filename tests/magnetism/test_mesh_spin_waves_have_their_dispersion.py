"""Small waves on a mesh: exchange waves exactly as on a lattice, dipolar-exchange waves of a film as in theory."""

import numpy as np
import pytest
import torch
from magnets import decay_and_frequency
from mesh_magnets import MS, A, member, mesh_magnet, uniform_state

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Exchange, Mesh, simulate

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
SMALL = 1e-4


def test_standing_exchange_waves_between_free_ends():
    """k = pi n / L: omega = gamma (B + 2 A k_eff^2 / Ms), k_eff = 2 / dx sin(k dx / 2), decay damping * omega."""
    mesh, damping, field = Mesh((24, 1, 1), (2.5e-9, 2e-9, 2e-9)), 0.02, 1e5
    n = torch.tensor([0, 1, 2, 7, 12, 23], dtype=torch.float64)
    wave = torch.cos(torch.pi * n[:, None] * (torch.arange(24) + 0.5) / 24)[:, None, None, :]
    k_eff = 2 / 2.5e-9 * torch.sin(torch.pi * n / 48)
    expected = units.GAMMA * (units.MU0 * field + 2 * A * k_eff**2 / MS) / (1 + damping**2)
    m = uniform_state(mesh, (0, 0, 1), (6,))
    m[0] = SMALL * wave
    magnet = mesh_magnet(mesh, Exchange(A), Applied(Constant(field)), damping=damping)
    run = simulate(magnet, m / m.norm(dim=0), 4e-12, 1e-14, method="rk4", records=40)
    amplitude = ((run.m[:, 0] + 1j * run.m[:, 1]) * wave).sum((-3, -2, -1)) / (wave**2).sum((-3, -2, -1))
    growth = (amplitude[1:] / amplitude[:-1]).log() / 1e-13
    assert growth.imag[0, -1] > 3e12
    torch.testing.assert_close(growth.imag, expected.expand_as(growth.imag), rtol=1e-6, atol=0)
    torch.testing.assert_close(-growth.real, damping * expected.expand_as(growth.imag), rtol=1e-5, atol=0)
    others = run.m[-1, 0] - amplitude[-1].real[:, None, None, None] * wave
    assert others.abs().max() < 1e-4 * SMALL  # no other wave is excited


FILM = Mesh((320, 1, 4), (12e-9, 1e-3, 5e-9))
"""Cells of 1 mm along y: what varies along x and z only, in a film that is endless along y."""
LENGTHS = (400e-9, 250e-9, 160e-9)
"""m, of the waves."""
FIELD, THICKNESS, LENGTH = 4e4, 20e-9, 320 * 12e-9


def kalinikos_slavin(k, along):
    """rad/s of the lowest branch with free surfaces; along: k parallel to the magnetisation (backward volume waves),
    else at right angles in the plane (Damon-Eshbach). B. A. Kalinikos, A. N. Slavin, J. Phys. C 19, 7013 (1986), (45).
    The charged ends of a strip that is magnetised along x lower the field in its middle.
    """
    ends = 2 / np.pi * np.arctan(THICKNESS / LENGTH) if along else 0.0
    h, m = units.GAMMA0 * (FIELD - ends * MS), units.GAMMA0 * MS
    h = h + units.GAMMA * 2 * A * k**2 / MS
    p = 1 - (1 - np.exp(-k * THICKNESS)) / (k * THICKNESS)
    return np.sqrt(h * (h + m * (1 - p))) if along else np.sqrt(h * (h + m) + m * m * p * (1 - p))


def test_dipolar_exchange_waves_of_a_film():
    """Standing waves in the middle of a strip, read before anything arrives from its ends."""
    k = torch.tensor([2 * np.pi / length for length in LENGTHS], dtype=torch.float64)
    x = FILM.coordinates()[0]
    wave = torch.cos(k[:, None, None, None] * x)
    m = torch.cat([uniform_state(FILM, (0, 1, 0), (3,)), uniform_state(FILM, (1, 0, 0), (3,))], 1)
    m[0, :3] = SMALL * wave
    m[1, 3:] = SMALL * wave
    direction = (member(0, 0, 0, 1, 1, 1), member(1, 1, 1, 0, 0, 0), 0.0)
    magnet = mesh_magnet(FILM, Exchange(A), Demagnetization(), Applied(Constant(FIELD), direction))
    run = simulate(magnet, m / m.norm(dim=0), 0.24e-9, 1e-12, method="rk4", records=24)
    window = torch.exp(-((x / 500e-9) ** 2)) * wave
    side = torch.cat([run.m[:, 0, :3], run.m[:, 1, 3:]], 1)
    signal = (side * torch.cat([window, window])).sum((-3, -2, -1))
    _, omega = decay_and_frequency(signal, 10e-12)
    for j in range(6):
        expected = kalinikos_slavin(float(k[j % 3]), j >= 3)
        kind = "backward volume" if j >= 3 else "Damon-Eshbach"
        ghz = omega[j] / 2e9 / np.pi, expected / 2e9 / np.pi
        print(f"{kind}, kd = {float(k[j % 3]) * THICKNESS:.2f}: {ghz[0]:.2f} GHz, theory {ghz[1]:.2f}")
        assert float(omega[j]) == pytest.approx(expected, rel=0.02)
