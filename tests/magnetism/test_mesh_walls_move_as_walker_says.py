"""A Bloch wall in a chain driven by a field, with a hard axis across it: steady below H_W, oscillating above.

N. L. Schryer and L. R. Walker, J. Appl. Phys. 45, 5406 (1974): with an easy axis K and a hard axis K_h along the chain
the profile tanh((x - q) / Delta), Delta = sqrt(A / (K + K_h sin^2 phi)), phi from the wall's plane, solves the Gilbert
equation exactly below H_W = damping H_h / 2, H_h = 2 K_h / (mu0 Ms). Above it phi turns, and with a Delta that follows
phi the mean velocity is an integral over one turn (A. Thiaville et al., Europhys. Lett. 69, 990 (2005)).
"""

import numpy as np
import pytest
import torch
from mesh_magnets import MS, member, mesh_magnet

from spinloom import units
from spinloom.magnetism import Applied, Constant, Exchange, Mesh, Uniaxial, simulate
from spinloom.magnetism.scene import domain_wall, wall_position

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
A, K, HARD, DAMPING = 1.6e-11, 4e5, 2e4, 0.3
DELTA = (A / K) ** 0.5
HARD_FIELD = 2 * HARD / (units.MU0 * MS)
WALKER = DAMPING * HARD_FIELD / 2
SHARES = (0.3, -0.6, 0.9, 2.0, 3.5, 0.9)
"""H over H_W, one for each member; the last has cells of twice the length."""
MESH = Mesh((240, 1, 1), (DELTA / torch.tensor([4.0, 4.0, 4.0, 4.0, 4.0, 2.0]).double(), 2e-9, 2e-9))


def tilt(share):
    """phi of a steady wall."""
    return np.arcsin(share) / 2


def steady_velocity(h):
    """m/s; the field in the direction of the domain on the left pushes the wall to the right."""
    return units.GAMMA0 * h / DAMPING * DELTA / np.sqrt(1 + HARD / K * np.sin(tilt(h / WALKER)) ** 2)


def mean_velocity_and_period(h):
    """m/s and s, above H_W, from dphi/dt (1 + damping^2) = gamma0 (H - H_W sin 2 phi)."""
    phi = (np.arange(400) + 0.5) * np.pi / 400
    turning = units.GAMMA0 * (h - WALKER * np.sin(2 * phi)) / (1 + DAMPING**2)
    delta = DELTA / np.sqrt(1 + HARD / K * np.sin(phi) ** 2)
    velocity = delta * (units.GAMMA0 * h - turning) / DAMPING
    return (velocity / turning).sum() / (1 / turning).sum(), np.pi / 400 * (1 / turning).sum()


@pytest.fixture(scope="module")
def run():
    """time (records,), position and azimuth of the walls (records, members), which start a third of the chain in."""
    fields = (Exchange(A), Uniaxial(K), Uniaxial(-HARD, axis=(1, 0, 0)))
    magnet = mesh_magnet(MESH, *fields, Applied(Constant(member(*SHARES) * WALKER)), damping=DAMPING)
    start = torch.tensor([-20.0, 20.0, -20.0, -20.0, -20.0, -20.0], dtype=torch.float64) * DELTA
    azimuth = torch.pi / 2 + torch.tensor(
        [*(tilt(share) for share in (0.3, -0.6, 0.9, 0.0, 0.0, 0.9))], dtype=torch.float64
    )
    m = domain_wall(MESH, DELTA, start, azimuth=azimuth)
    found = simulate(magnet, m, 2e-9, 2e-13, method="rk4", records=200)
    where = torch.stack([wall_position(m, MESH) for m in found.m])
    side = found.m.sum((-3, -2, -1)).numpy()
    return found.time.numpy(), where.numpy(), np.unwrap(np.arctan2(-side[:, 0], side[:, 1]), axis=0)


def velocity(run, k):
    time, where, _ = run
    half = len(time) // 2
    return (where[-1, k] - where[half, k]) / (time[-1] - time[half])


@pytest.mark.parametrize("k", [0, 1, 2])
def test_below_the_walker_field_the_wall_moves_steadily(run, k):
    found, expected, angle = velocity(run, k), steady_velocity(SHARES[k] * WALKER), tilt(SHARES[k])
    phi = run[2][-1, k]
    print(f"{SHARES[k]} H_W: {found:.2f} m/s, closed form {expected:.2f}; phi {phi:.4f}, closed form {angle:.4f}")
    assert found == pytest.approx(expected, rel=0.01)
    assert phi == pytest.approx(angle, rel=1e-3)


def test_the_velocity_converges_with_the_square_of_the_cell(run):
    expected = steady_velocity(0.9 * WALKER)
    fine, coarse = velocity(run, 2), velocity(run, 5)
    print(f"errors {fine / expected - 1:.2g} and {coarse / expected - 1:.2g}")
    assert 3.5 < (coarse - expected) / (fine - expected) < 4.5
    assert (4 * fine - coarse) / 3 == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("k", [3, 4])
def test_above_it_the_wall_turns_and_moves_on_average_as_the_closed_form_says(run, k):
    time, where, phi = run
    expected, period = mean_velocity_and_period(SHARES[k] * WALKER)
    turns = int((time[-1] - time[20]) / period)
    begin = time[-1] - turns * period
    found = (where[-1, k] - np.interp(begin, time, where[:, k])) / (turns * period)
    turned = (phi[-1, k] - np.interp(begin, time, phi[:, k])) / np.pi
    print(f"{SHARES[k]} H_W: {found:.2f} m/s, closed form {expected:.2f}; {turned:.3f} half turns of {turns}")
    assert turns >= 1
    assert turned == pytest.approx(turns, rel=0.02)
    assert found == pytest.approx(expected, rel=0.03)
    assert found < steady_velocity(WALKER)
