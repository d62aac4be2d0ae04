"""muMAG standard problem 4, field 1: a permalloy film 500 x 125 x 3 nm turns over; <m>(t) against two other programs.

The records (OOMMF, magnum.np) lie in SPINLOOM_DATA/standard-problem-4, see the README there. Between themselves they
differ by 0.022 in <m_y>. magnum.np's was made with the gyromagnetic ratio of the free electron.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Exchange, Magnet, Material, Mesh, relax, simulate
from spinloom.magnetism.scene import uniform

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
FIELD = (-24.6e-3, 4.3e-3, 0.0)
"""T."""
STATED = 2.211e5 / units.MU0
"""gyromagnetic ratio of the problem statement, rad/(s T)."""
MESH = Mesh((100, 25, 1), (5e-9, 5e-9, 3e-9))


def film(tesla: float, gamma: float = STATED) -> Magnet:
    field = Applied(Constant(tesla / units.MU0), FIELD)
    return Magnet(Material(8e5, 0.02, gamma), mesh=MESH, fields=(Exchange(1.3e-11), Demagnetization(), field))


@pytest.fixture(scope="module")
def s_state() -> torch.Tensor:
    """The equilibrium without field that saturation along (1, 1, 1) falls into."""
    done = relax(film(0.0), uniform(MESH, (1, 1, 1)), torque=1e-6)
    assert bool(done.converged)
    return done.m


def turned(s_state: torch.Tensor, gamma: float = STATED) -> np.ndarray:
    """<m> (201, 3), every 5 ps from 0 to 1 ns."""
    strength = float(torch.tensor(FIELD).norm())
    run = simulate(film(strength, gamma), s_state, 1e-9, records=200)
    return torch.cat([s_state[None], run.m]).mean((-3, -2, -1)).numpy()


def record(name: str) -> np.ndarray:
    """Columns t (s), then components; a skip where the records are not there."""
    root = os.environ.get("SPINLOOM_DATA")
    path = Path(root or "") / "standard-problem-4" / name
    if not root or not path.is_file():
        pytest.skip(f"needs {name} of standard problem 4: set SPINLOOM_DATA to the folder of the data sets")
    return np.loadtxt(path, delimiter=",", skiprows=1)


def test_the_s_state_is_that_of_the_literature(s_state):
    mean = s_state.mean((-3, -2, -1)).tolist()
    assert mean == pytest.approx([0.967, 0.125, 0.0], abs=1e-3)


def test_field_1_follows_the_records_for_a_nanosecond(s_state):
    oommf, magnumnp = record("sp4_field1_oommf_my.csv"), record("sp4_field1_magnumnp.csv")[:201]
    mean, t = turned(s_state), magnumnp[:, 0]
    zero = CubicSpline(t, mean[:, 0]).solve(0.0, extrapolate=False)[0]
    assert abs(zero - 138.5e-12) < 1e-12
    assert np.abs(mean[:, 1] - np.interp(t, oommf[:, 0], oommf[:, 1])).max() < 0.03
    assert np.abs(mean - magnumnp[:, 1:]).max() < 0.01


def test_with_its_gyromagnetic_ratio_the_record_of_magnumnp_is_met_closely(s_state):
    magnumnp = record("sp4_field1_magnumnp.csv")[:201]
    assert np.abs(turned(s_state, units.GAMMA) - magnumnp[:, 1:]).max() < 0.003
