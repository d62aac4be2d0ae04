"""The compiled right-hand side and the torch operations give the same trajectories on a mesh, by every method."""

import pytest
import torch
from mesh_magnets import MS, A, holes, member, mesh_magnet, per_cell, random_state

from spinloom.magnetism import (
    Applied,
    BulkDMI,
    Constant,
    Cubic,
    Demagnetization,
    Exchange,
    InterfacialDMI,
    InterlayerExchange,
    Mesh,
    Oersted,
    Pulse,
    Sampled,
    Sine,
    SpinOrbit,
    SpinTransfer,
    Uniaxial,
    ZhangLi,
    simulate,
)

MESH = Mesh((7, 5, 3), (2e-9, 2.5e-9, 2e-9))
STEP = 0.03e-12
TIMES = torch.linspace(0, 1e-12, 5, dtype=torch.float64)
SPREAD = member(0.9, 1.1)
GRAINS = torch.arange(105).reshape(MESH.shape) % 4


def busy(geometry=None):
    """Several of everything: constants per cell, per member, per cell and member, and alike; drives in time."""
    contact = per_cell(MESH, 0.0, 1.0, 3)
    fields = (
        Exchange(per_cell(MESH, 0.5 * A, A), GRAINS, 0.3),
        InterfacialDMI(per_cell(MESH, -1e-3, 2e-3, 4)),
        BulkDMI(1e-3 * SPREAD),
        InterlayerExchange(-1e-3, 0, 2),
        InterlayerExchange(2e-3 * SPREAD),
        Cubic(4.8e4, 1e4, (1, 1, 0), (1, -1, 0)),
        Uniaxial(per_cell(MESH, 1e5, 6e5, 5, (2,)), 1e5, (0.3, -0.5, 2.0), 60e-15, voltage=Sine(0.7, 2e11, 0.1)),
        Oersted(Pulse(2e12, 0.1e-12, 0.4e-12, 0.1e-12), per_cell(MESH, -1e-8, 1e-8, 6, (3,))),
        Applied(Constant(per_cell(MESH, -1e5, 1e5, 7)), (1, 1, 0)),
        Applied(Sampled(TIMES, torch.sin(TIMES[:, None, None, None, None] * 1e13 * SPREAD), 1e5), (0, 1, 1)),
        Demagnetization(),
    )
    torques = (
        SpinTransfer(Constant(3e12 * SPREAD), 2e-9, 0.5, (1, 0.2, 0), 0.1, "mtj", contact),
        SpinTransfer(Constant(-3e12), 2e-9, 0.4, (0, 0.2, 1), contact=1 - contact),
        SpinOrbit(Sine(4e12, 3e11 * SPREAD), 2e-9, 0.1),
        ZhangLi(Sine(2e13 * SPREAD, 2e11), 0.5, 0.2, (1, 2, 3)),
    )
    ms = per_cell(MESH, 0.5 * MS, MS, 8, (2,))
    return mesh_magnet(MESH, *fields, torques=torques, damping=0.05 * SPREAD, ms=ms, geometry=geometry)


BUSY, START = busy(holes(MESH)), random_state(MESH, (2,))


def both(m, **settings):
    return [simulate(BUSY, m, 0.75e-12, STEP, engine=engine, **settings) for engine in ("compiled", "eager")]


@pytest.mark.parametrize("method", ["rk4", "heun", "abm3"])
def test_every_fixed_step(method):
    ours, reference = both(START, method=method, records=3)
    assert ours.m.shape == (3, 3, 2, *MESH.shape)
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.time, reference.time)
    assert ours.drift == pytest.approx(reference.drift, rel=1e-6)
    assert (ours.m[-1] - START * holes(MESH)).abs().max() > 0.1


@pytest.mark.parametrize("method", ["rk43", "dopri5"])
def test_every_adaptive_step(method):
    ours, reference = both(START, method=method, records=3)
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-11)
    assert torch.equal(ours.steps, reference.steps)
    assert ours.steps.shape == ours.last_step.shape == (2,)
    torch.testing.assert_close(ours.last_step, reference.last_step, rtol=1e-6, atol=0)


def test_fixed_and_adaptive_steps_agree():
    fixed, _ = both(START, method="rk4")
    for method in ("rk43", "dopri5"):
        adaptive = simulate(BUSY, START, 0.75e-12, STEP, method=method, tolerance=1e-7).final
        torch.testing.assert_close(adaptive, fixed.final, rtol=0, atol=2e-5)


def test_single_precision():
    ours, reference = both(START.float(), method="rk4")
    exact, _ = both(START, method="rk4")
    assert ours.m.dtype == reference.m.dtype == torch.float32
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.m.double(), exact.m, rtol=0, atol=1e-5)


def test_the_state_given_is_left_alone():
    before = START.clone()
    both(START)
    assert torch.equal(START, before)
