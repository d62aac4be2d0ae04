"""muMAG standard problem 3: a cube with uniaxial anisotropy K = 0.1 Kd is a flower below 8.47 l_ex and a vortex above.

Kd = mu0 Ms^2 / 2, l_ex = sqrt(A / Kd). There both have the energy density 0.3027 Kd: W. Rave, K. Fabian and A. Hubert,
J. Magn. Magn. Mater. 190, 332 (1998); its parts are those of the submission by Martins, Ribeiro and Freitas with 70^3
cells. All edge lengths and both states are one batch.
"""

import pytest
import torch
from mesh_magnets import MS, A, mesh_magnet

from spinloom import units
from spinloom.magnetism import Demagnetization, Exchange, Mesh, Uniaxial, relax

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
KD = units.MU0 * MS**2 / 2
EDGES = torch.tensor([8.2, 8.35, 8.5], dtype=torch.float64)
"""l_ex."""


def transition(n: int) -> tuple[float, float, dict[str, torch.Tensor], torch.Tensor]:
    """Edge length (l_ex) and energy (Kd) at which both are equal, on n^3 cells; parts (flower, vortex); <m> at 8.5."""
    edge = EDGES * (A / KD) ** 0.5
    mesh = Mesh((n, n, n), (edge / n, edge / n, edge / n))
    magnet = mesh_magnet(mesh, Exchange(A), Uniaxial(0.1 * KD), Demagnetization())
    x, y, z = torch.meshgrid(*[torch.linspace(-1, 1, n, dtype=torch.float64)] * 3, indexing="xy")
    flower = torch.stack([0.1 * x * z, 0.1 * y * z, torch.ones_like(x)])
    vortex = torch.stack([z, torch.full_like(x, 0.3), -x])
    m = torch.stack([flower, vortex], 1).permute(0, 1, 4, 2, 3)[:, :, None].expand(3, 2, len(EDGES), n, n, n)
    done = relax(magnet, m / m.norm(dim=0))
    assert bool(done.converged.all())
    unit = KD * edge**3
    parts = {name: energy / unit for name, energy in magnet.energies(done.m).items()}
    parts["Uniaxial"] = parts["Uniaxial"] + 0.1  # counted from the easy axis
    total = torch.stack(list(parts.values())).sum(0)
    gap = total[0] - total[1]
    assert bool(gap[0] < 0)
    assert bool(gap[-1] > 0)
    share = float(gap[1] / (gap[1] - gap[2]))  # straight through the last two
    at = {name: part[:, 1] + share * (part[:, 2] - part[:, 1]) for name, part in parts.items()}
    limit = float(EDGES[1] + share * (EDGES[2] - EDGES[1]))
    return limit, float(sum(at.values())[0]), at, done.m[:, :, 2].mean((-3, -2, -1))  # type: ignore[index]


def test_the_single_domain_limit_and_its_energies_extrapolate_to_the_published_ones():
    coarse, fine = transition(8), transition(12)
    weight = 8**2 / (12**2 - 8**2)  # second order in the cell
    limit = fine[0] + weight * (fine[0] - coarse[0])
    energy = fine[1] + weight * (fine[1] - coarse[1])
    assert limit == pytest.approx(8.47, abs=0.01)
    assert energy == pytest.approx(0.3027, abs=2e-4)


def test_the_parts_of_the_energy_are_near_the_published_ones():
    limit, energy, parts, mean = transition(12)
    assert limit == pytest.approx(8.47, abs=0.06)
    assert energy == pytest.approx(0.3027, abs=1e-3)
    for name, published in {
        "Demagnetization": (0.2792, 0.0780),
        "Exchange": (0.0177, 0.1724),
        "Uniaxial": (0.0056, 0.0521),
    }.items():
        assert parts[name].tolist() == pytest.approx(published, abs=1.5e-3), name
    assert float(mean[2, 0]) > 0.95  # flower along z
    assert 0.3 < float(mean[1, 1]) < 0.4  # vortex around y
