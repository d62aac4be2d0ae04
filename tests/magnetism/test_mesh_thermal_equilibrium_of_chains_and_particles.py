"""Thermal noise of coupled cells against exact results of classical statistics; bounds are 4 standard errors.

A free chain of moments with the energy -J cos of every pair: <cos> = L(J / kT), L the Langevin function, each pair on
its own (M. E. Fisher, Am. J. Phys. 32, 343 (1964)). A stiff particle of n cells in a field H along z has <m_z> =
L(mu0 H M / kT) M / (n Ms V), where short waves lower the total moment M: its share is 1 less the mean over the cells of
kT / (J lambda + mu0 Ms V H), lambda the eigenvalues of the grid but 0.
"""

import numpy as np
import pytest
import torch
from mesh_magnets import MS, A, mesh_magnet, random_state, uniform_state

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Exchange, Mesh, Uniaxial, simulate

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
KELVIN = 300.0
THERMAL = units.KB * KELVIN


def langevin(x):
    """Mean and variance of cos under exp(x cos)."""
    x = torch.as_tensor(x, dtype=torch.float64)
    mean = 1 / torch.tanh(x) - 1 / x
    return mean, 1 - 2 * mean / x - mean**2


def diffusion_time(volume):
    """s in which a free moment of this volume loses its direction, damping 1."""
    return MS * volume / (units.GAMMA * THERMAL)


def test_neighbours_in_a_chain_are_correlated_by_the_langevin_function_whatever_their_size():
    coupling = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    side = 3e-9
    dx = (2 * A * side**2 / (THERMAL * coupling))[:, None]  # J = 2 A dy dz / dx: cells of three lengths
    mesh = Mesh((9, 1, 1), (dx, side, side))
    m = random_state(mesh, (3, 300), dtype=torch.float32)
    magnet = mesh_magnet(mesh, Exchange(A), damping=1.0)
    volume = float(dx.min()) * side**2
    duration = 3 * diffusion_time(float(dx.max()) * side**2)
    step = 0.014 * diffusion_time(volume)
    m = simulate(magnet, m, duration, step, temperature=KELVIN, seed=3, engine="compiled").final.double()
    cosine = (m[..., 1:] * m[..., :-1]).sum(0).flatten(1)
    mean, variance = langevin(coupling)
    off = (cosine.mean(1) - mean) / (variance / cosine.shape[1]).sqrt()
    print(f"{duration / step:.0f} steps, standard errors from L(J / kT) at J / kT = 1, 2, 5:", off.tolist())
    assert off.abs().max() < 4


def test_the_total_moment_of_a_stiff_particle_follows_the_langevin_function_of_its_volume():
    """Cells of two sizes, but of one Ms V so that both relax alike; mu0 Ms V H = 2 kT for the particle."""
    cells, stiff, xi, members = (2, 2, 1), 16.0, 2.0, 1500
    side = torch.tensor([2e-9, 3e-9], dtype=torch.float64)[:, None]
    mesh = Mesh(cells, (side, side, side))
    ms = MS * (2e-9 / side[..., None, None, None]) ** 3
    field = xi * THERMAL / (units.MU0 * MS * mesh.count * 8e-27)
    a = (stiff * THERMAL / (2 * side))[..., None, None, None]  # J = 2 A side
    magnet = mesh_magnet(mesh, Exchange(a), Applied(Constant(field)), damping=1.0, ms=ms)
    m = uniform_state(mesh, (1, 0, 0), (2, members), dtype=torch.float32)
    unit = diffusion_time(8e-27)
    run = simulate(magnet, m, 3.5 * mesh.count * unit, 0.5 / (4 * stiff) * unit, temperature=KELVIN, seed=7)
    waves = np.add.outer(*[2 - 2 * np.cos(np.pi * np.arange(n) / n) for n in cells[:2]]).ravel()[1:]
    lowered = 1 - (1 / (stiff * waves + xi / mesh.count)).sum() / mesh.count
    mean, variance = langevin(xi * lowered)
    for z in run.final[2].double().mean((-3, -2, -1)):
        off = float((z.mean() - lowered * mean) / (variance / members).sqrt())
        print(f"{cells}: M at {lowered:.4f}, <m_z> {float(z.mean()):.4f}, expected {lowered * mean:.4f}, {off:+.1f} SE")
        assert abs(off) < 4


@pytest.mark.parametrize("cells", [(1, 1, 1), (3, 5, 1), (7, 3, 1)])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_odd_numbers_of_cells_and_single_ones_stay_finite_and_repeat_with_their_seed(cells, batch):
    mesh = Mesh(cells, (3e-9, 3e-9, 3e-9))
    magnet = mesh_magnet(mesh, Exchange(A), Demagnetization(), Uniaxial(2e5), damping=0.5)
    m = random_state(mesh, batch, dtype=torch.float32)
    for engine in ("compiled", "eager"):
        runs = [simulate(magnet, m, 1e-13, 1e-14, temperature=KELVIN, seed=s, engine=engine).final for s in (1, 1, 2)]
        assert runs[0].isfinite().all()
        assert torch.equal(runs[0], runs[1])
        assert not torch.equal(runs[0], runs[2])
        assert (runs[0].norm(dim=0) - 1).abs().max() < 1e-5


def test_cells_and_members_have_noise_of_their_own():
    mesh = Mesh((5, 4, 3), (3e-9, 3e-9, 3e-9))
    magnet = mesh_magnet(mesh, Applied(Constant(0.0)), damping=0.5)
    up = uniform_state(mesh, (0, 0, 1), (2,))
    m = simulate(magnet, up, 1e-14, 1e-14, temperature=KELVIN, engine="compiled").final
    assert m[:2].flatten().unique().numel() == 2 * 2 * mesh.count


def test_no_noise_where_the_temperature_is_zero_or_outside_the_geometry():
    mesh = Mesh((5, 4, 3), (3e-9, 3e-9, 3e-9))
    mask = torch.arange(5).expand(mesh.shape) > 0
    magnet = mesh_magnet(mesh, Applied(Constant(0.0)), damping=0.5, geometry=mask)
    warm = torch.tensor([0.0, KELVIN], dtype=torch.float64).reshape(2, 1, 1, 1)
    up = uniform_state(mesh, (0, 0, 1), (2,))
    for engine in ("compiled", "eager"):
        m = simulate(magnet, up, 1e-13, 1e-14, temperature=warm, engine=engine).final
        assert torch.equal(m[:, 0], up[:, 0] * mask)
        assert (m[..., 0] == 0).all()
        assert (m[:2, 1, ..., 1:] != 0).all()
