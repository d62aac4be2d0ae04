"""A Bloch wall in a chain under a current along it (Zhang and Li, see `ZhangLi`), against closed forms.

u = -P mu_B J / (e Ms (1 + xi^2)). With xi = damping the moving wall m(x - u t) solves the equation exactly, whatever
the fields; with another xi and a hard axis the steady velocity is u xi / damping (A. Thiaville et al., Europhys. Lett.
69, 990 (2005)) as long as the wall does not turn, |u (xi - damping) / damping| < gamma Delta K_h / Ms.
"""

import pytest
import torch
from mesh_magnets import MS, member, mesh_magnet

from spinloom import units
from spinloom.magnetism import Constant, Exchange, Mesh, Uniaxial, ZhangLi, simulate
from spinloom.magnetism.scene import domain_wall, wall_position

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
A, K, HARD, DAMPING, CURRENT, POLARIZATION = 1.6e-11, 4e5, 2e4, 0.3, 4e12, 0.6
DELTA = (A / K) ** 0.5


def speed(current, xi):
    return -POLARIZATION * units.MU_B * current / (units.E * MS * (1 + xi**2))


def walls(mesh, currents, xi, duration, step, records, azimuth=torch.pi / 2):
    """Time (records,), wall positions (records, members) and states."""
    flow = ZhangLi(Constant(member(*currents)), POLARIZATION, member(*xi))
    fields = (Exchange(A), Uniaxial(K), Uniaxial(-HARD, axis=(1, 0, 0)))
    magnet = mesh_magnet(mesh, *fields, torques=(flow,), damping=DAMPING)
    m = domain_wall(mesh, DELTA, torch.zeros(len(currents)), azimuth=azimuth)
    run = simulate(magnet, m, duration, step, method="rk4", records=records)
    return run.time, torch.stack([wall_position(m, mesh) for m in run.m]), run.m


def test_with_xi_equal_to_damping_a_wall_moves_with_u_and_keeps_its_shape():
    """Two cell sizes: what is left falls with the square of the cell. The last member runs the other way."""
    mesh = Mesh((160, 1, 1), (DELTA / torch.tensor([3.0, 6.0, 6.0]).double(), 2e-9, 2e-9))
    time, where, m = walls(mesh, (CURRENT, CURRENT, -CURRENT), [DAMPING] * 3, 0.25e-9, 0.8e-13, 5)
    assert speed(CURRENT, DAMPING) < -100
    expected = torch.tensor([speed(j, DAMPING) for j in (CURRENT, CURRENT, -CURRENT)], dtype=torch.float64)
    found = (where[-1] - where[1]) / (time[-1] - time[1])
    errors = found / expected - 1
    print(f"u = {float(expected[0]):.1f} m/s, relative errors at 3 and 6 cells per delta: {errors.tolist()}")
    assert errors[1:].abs().max() < 0.01
    assert 3.5 < float(errors[0] / errors[1]) < 4.5
    extrapolated = (4 * found[1] - found[0]) / 3
    assert float(extrapolated) == pytest.approx(float(expected[0]), rel=2e-3)
    x = mesh.coordinates()[0] - where[-1].reshape(3, 1, 1, 1)
    assert (m[-1, 2] + torch.tanh(x / DELTA))[1:].abs().max() < 0.01
    assert m[-1, 0].abs().max() < 1e-2


def test_the_velocity_is_u_xi_over_damping_with_a_hard_axis_and_no_motion_is_left_without_xi():
    """The hard axis holds it at a tilt, where it starts: sin 2 phi = (xi / damping - 1) u Ms / (gamma Delta K_h)."""
    xi = torch.tensor([0.0, 0.15, 0.45], dtype=torch.float64)
    currents = [0.08 * CURRENT] * 3
    u = torch.tensor([speed(currents[0], float(x)) for x in xi], dtype=torch.float64)
    rate = DELTA * units.GAMMA * HARD / MS
    assert ((xi - DAMPING) / DAMPING * u / rate).abs().max() < 0.6
    tilt = torch.asin((xi - DAMPING) / DAMPING * u / rate) / 2
    mesh = Mesh((120, 1, 1), (DELTA / 5, 2e-9, 2e-9))
    time, where, m = walls(mesh, currents, xi.tolist(), 0.8e-9, 1.2e-13, 4, torch.pi / 2 + tilt)
    found = (where[-1] - where[0]) / (time[-1] - time[0])
    print("m/s:", found.tolist(), "closed form:", (u * xi / DAMPING).tolist(), "tilt:", tilt.tolist())
    side = m[-1].sum((-3, -2, -1))
    torch.testing.assert_close(torch.atan2(-side[0], side[1]), tilt, rtol=0.02, atol=0)
    torch.testing.assert_close(found, u * xi / DAMPING, rtol=0.01, atol=0.01 * float(u.abs().max()))
