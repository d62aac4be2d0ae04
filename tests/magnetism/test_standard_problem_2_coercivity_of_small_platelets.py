"""muMAG standard problem 2: platelets 5d x d x 0.1d, their field along (1, 1, 1) reversed; all sizes are one batch.

The coercive field is where the magnetisation along the field vanishes. As d / l_ex goes to 0 it tends to 0.057069 Ms:
M. J. Donahue, D. G. Porter, R. D. McMichael and J. Eicke, J. Appl. Phys. 87, 5520 (2000).
"""

import math

import pytest
import torch
from mesh_magnets import MS, A, mesh_magnet
from scipy.optimize import brentq

from spinloom import units
from spinloom.magnetism import Applied, Constant, Cuboid, Demagnetization, Exchange, Mesh, relax
from spinloom.magnetism.scene import uniform

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
PUBLISHED = 0.057069
SIZES = torch.tensor([1.0, 5.0], dtype=torch.float64)
"""d / l_ex."""
FACTORS = torch.stack(Cuboid(5e-9, 1e-9, 1e-10).demagnetizing_factors())


def platelets() -> Mesh:
    d = SIZES * math.sqrt(2 * A / (units.MU0 * MS**2))
    return Mesh((20, 4, 1), (d / 4, d / 4, d / 10))


def branch(*fields: tuple[float, float]) -> list[torch.Tensor]:
    """<m> (3, member) in field after field (Ms, one per member), each from the state before, first (1, 1, 1)."""
    mesh, means = platelets(), []
    m = uniform(mesh, (1, 1, 1))[:, None].expand(3, len(SIZES), *mesh.shape)
    for field in fields:
        h = MS * torch.tensor(field, dtype=torch.float64).reshape(-1, 1, 1, 1)
        magnet = mesh_magnet(mesh, Exchange(A), Demagnetization(), Applied(Constant(h), (1, 1, 1)))
        done = relax(magnet, m)
        assert bool(done.converged.all())
        m = done.m
        means.append(m.mean((-3, -2, -1)))
    return means


def along(mean: torch.Tensor) -> torch.Tensor:
    return mean.sum(0) / math.sqrt(3)


def reversal() -> float:
    """The multiplier at which the uniform particle has no magnetisation along the field: sum 1 / (N_i + it) = 0."""
    pairs = FACTORS[0] * FACTORS[1] + FACTORS[1] * FACTORS[2] + FACTORS[2] * FACTORS[0]
    return (-1 + math.sqrt(1 - 3 * float(pairs))) / 3


def rigid(multiplier: float) -> tuple[float, float]:
    """Field (Ms) and magnetisation along it of a uniform particle: m_i = field / (sqrt(3) (N_i + multiplier))."""
    direction = 1 / (FACTORS + multiplier)
    return -math.sqrt(3) / float(direction.norm()), -float(direction.sum() / direction.norm()) / math.sqrt(3)


def rigid_branch(field: float) -> float:
    """Magnetisation of the uniform particle along (1, 1, 1) in a field (Ms) between 0 and the coercive one."""
    return rigid(brentq(lambda at: rigid(at)[0] - field, reversal(), -float(FACTORS[0]) - 1e-9))[1]


def test_the_coercive_field_of_a_uniform_particle_is_the_published_limit():
    assert rigid(reversal())[0] == pytest.approx(-PUBLISHED, abs=1e-6)


def test_the_branch_of_small_platelets_leads_to_the_published_coercive_field():
    remanent, half, before, after = map(along, branch((0, 0), (-0.03, -0.03), (-0.0565, -0.0555), (-0.0577, -0.0572)))
    assert remanent == pytest.approx(1 / math.sqrt(3), abs=1e-3)
    assert float(half[0]) == pytest.approx(rigid_branch(-0.03), abs=3e-3)
    assert float(before[0]) == pytest.approx(rigid_branch(-0.0565), abs=6e-3)
    assert bool((before > 0).all())
    assert bool((after < 0).all())
