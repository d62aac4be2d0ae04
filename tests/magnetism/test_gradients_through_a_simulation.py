import pytest
import torch
from magnets import random_states
from torch.autograd import grad, gradcheck

from spinloom.magnetism import (
    Applied,
    Constant,
    Demagnetization,
    EllipticCylinder,
    Magnet,
    Material,
    Sampled,
    Sine,
    SpinTransfer,
    Sum,
    Uniaxial,
    simulate,
)
from spinloom.magnetism.engine.rates import llgs, reduce_magnet
from spinloom.magnetism.engine.schemes import STEPS

SI = torch.tensor([0.05, 8e5, 4e5, 1.2e-9, 3e11], dtype=torch.float64)
"""Damping, Ms, K, thickness, current."""


def free_layer(scaled: torch.Tensor) -> Magnet:
    damping, ms, k, thickness, current = scaled * SI
    shape = EllipticCylinder(60e-9, 40e-9, thickness)
    torque = SpinTransfer(Constant(current), thickness, 0.6, (1, 0, 0), 0.1, "mtj")
    return Magnet(Material(ms, damping), shape.volume, (Demagnetization(shape), Uniaxial(k)), (torque,))


def ones() -> torch.Tensor:
    return torch.ones(5, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("method", ["rk4", "heun", "abm3", "dopri5"])
def test_material_geometry_and_current_at_zero_kelvin(method):
    m = random_states(2)
    tolerance = {"tolerance": 1e-3} if method == "dopri5" else {}  # few steps, the same for every small change

    def final(scaled):
        return simulate(free_layer(scaled), m, 30e-12, 2e-12, method=method, **tolerance).final

    assert gradcheck(final, (ones(),), atol=1e-5 if method != "dopri5" else 1e-3)


def test_material_geometry_and_current_pathwise_at_300_kelvin():
    m = random_states(2)

    def final(scaled):
        thing = free_layer(scaled)
        return simulate(thing, m, 20e-12, 1e-12, method="heun", temperature=300.0 * scaled[0], seed=4).final

    assert gradcheck(final, (ones(),))


def test_the_first_state():
    m = random_states(2).requires_grad_()
    thing = free_layer(ones().detach())
    assert gradcheck(lambda m: simulate(thing, m / m.norm(dim=0), 10e-12).m, (m,))


def test_what_a_waveform_holds():
    m = random_states(2)
    times = torch.linspace(0, 2e-11, 4, dtype=torch.float64)

    def final(amplitude, frequency, samples):
        wave = Sum((Sine(amplitude * 1e5, frequency * 1e10), Sampled(times, samples * 1e5)))
        return simulate(Magnet(Material(1e6, 0.1), 1e-24, (Applied(wave, (1, 0, 1)),)), m, 2e-11).final

    start = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.7, [1.0, 2.0], [1.0, -1.0, 0.5, 2.0])]
    assert gradcheck(final, start)


def test_checkpoints_change_no_gradient():
    """100 steps against a plain loop that keeps everything."""
    m, scaled = random_states(2), ones()
    (ours,) = grad(simulate(free_layer(scaled), m, 100e-12).final[0].sum(), scaled)
    thing = free_layer(scaled)
    reduced = reduce_magnet(thing)
    layout, rows = reduced.layout, reduced.rows
    waves, state = torch.ones(len(reduced.drives), dtype=torch.float64), m
    for _ in range(100):
        new, _ = STEPS["rk4"](lambda s, _: llgs(s, None, rows, waves, layout), tuple(state), 1e-3, ())
        state = torch.stack(new)
        state = state / state.norm(dim=0)
    (plain,) = grad(state[0].sum(), scaled)
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=0)


def test_temperatures_of_zero_and_above_in_one_batch_give_finite_gradients():
    scaled = ones()
    temperature = torch.tensor([0.0, 300.0], dtype=torch.float64)
    final = simulate(free_layer(scaled), random_states(2), 5e-12, method="heun", temperature=temperature).final
    (slope,) = grad(final.sum(), scaled)
    assert torch.isfinite(slope).all()


def test_no_graph_is_built_without_gradients_or_under_no_grad():
    scaled = ones()
    with torch.no_grad():
        assert not simulate(free_layer(scaled), random_states(2), 5e-12, engine="eager").final.requires_grad
    assert simulate(free_layer(scaled), random_states(2), 5e-12).final.requires_grad
