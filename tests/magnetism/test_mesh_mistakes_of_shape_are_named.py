"""Mistakes that once ended in an error of PyTorch, and a relaxation that once never arrived."""

import pytest
import torch
from mesh_magnets import A, mesh_magnet, uniform_state

from spinloom.errors import InputError
from spinloom.magnetism import Constant, Exchange, InterlayerExchange, Mesh, Uniaxial, ZhangLi, relax, simulate
from spinloom.magnetism.scene import domain_wall

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
MESH = Mesh((4, 3, 2), (2e-9, 2e-9, 2e-9))
UP = uniform_state(MESH, (0, 0, 1))
FIVE = torch.ones(5, 1, 1, 1, dtype=torch.float64)


def run(*fields, m=UP, torques=(), geometry=None, **settings):
    return simulate(mesh_magnet(MESH, *fields, torques=torques, geometry=geometry), m, 1e-13, **settings)


@pytest.mark.parametrize("dx", [0.8e-9, 0.4e-9])
def test_llg_relaxation_converges_on_fine_cells(dx):
    """A fixed tolerance left a torque of 1e-3 and 1e-2 T for ever."""
    mesh = Mesh((240, 1, 1), (dx, 3e-9, 2e-9))
    magnet = mesh_magnet(mesh, Exchange(1.6e-11), Uniaxial(4e5))
    found = relax(magnet, domain_wall(mesh, 8.2e-9), method="llg", most_steps=6000)
    assert found.converged, float(found.torque)


CASES = {
    "grains of a wrong rank": lambda: run(Exchange(A, torch.zeros(3, 4, dtype=torch.int64))),
    "grains of a wrong shape": lambda: run(Exchange(A, torch.zeros(2, 3, 5, dtype=torch.int64))),
    "layers that are no whole numbers": lambda: run(InterlayerExchange(1e-3, 0, 1.0)),
    "cells=3": lambda: Mesh(3, (1e-9, 1e-9, 1e-9)),
    "cell=1e-9": lambda: Mesh((3, 1, 1), 1e-9),
    "cell lengths that do not broadcast": lambda: Mesh((3, 1, 1), (1e-9, torch.ones(2) * 1e-9, torch.ones(3) * 1e-9)),
    "Zhang-Li of 5 members, one state": lambda: run(Exchange(A), torques=(ZhangLi(Constant(1e12 * FIVE), 0.5),)),
    "xi of 5 members, one state": lambda: run(Exchange(A), torques=(ZhangLi(Constant(1e12), 0.5, 0.1 * FIVE),)),
    "masks of 2 members, one state": lambda: run(Exchange(A), geometry=torch.ones(2, 2, 3, 4, dtype=torch.bool)),
    "3 first steps for one member": lambda: run(Exchange(A), step=torch.ones(3) * 1e-12),
    "a tensor of steps with a fixed-step method": lambda: run(Exchange(A), step=torch.ones(3) * 1e-13, method="rk4"),
    "energy of a state of another mesh": lambda: mesh_magnet(MESH, Exchange(A)).energy(UP[..., :3]),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_an_input_error(name):
    with pytest.raises(InputError):
        CASES[name]()
