"""Crossbars with wire resistance against closed forms, Kirchhoff's laws and a dense solution node by node."""

import itertools

import numpy as np
import pytest
import torch
from crossbar_nodes import solve_nodes
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from spinloom.errors import InputError
from spinloom.nn.memory.nodal import Wires, drops, powers, transfer

SMALL = Wires(13.0, 5.0, 40.0, 25.0)
SHAPES = [(1, 1), (1, 6), (6, 1), (5, 8), (8, 5), (7, 7)]
SOME = [
    Wires(*(one * on for one, on in zip(SMALL, which, strict=True))) for which in itertools.product((0, 1), repeat=4)
]


def devices(*shape: int, seed: int = 0, least: float = 1e-6, most: float = 1e-3) -> torch.Tensor:
    """Conductances spread over decades, S."""
    draw = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return least * (most / least) ** draw


def volts(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.3


@pytest.mark.parametrize("wires", SOME, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_currents_and_drops_are_those_of_a_dense_solution(shape, wires):
    g, v = devices(*shape), volts(shape[0], 3)
    output, word, bit = solve_nodes(g.numpy(), wires, v.numpy())
    np.testing.assert_allclose((transfer(g, wires).mT @ v).numpy(), output, rtol=1e-10, atol=1e-18)
    np.testing.assert_allclose(drops(g[None], wires, v[None])[0].numpy(), word - bit, rtol=1e-8, atol=1e-13)


resistance = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    wires=st.builds(Wires, resistance, resistance, resistance, resistance),
    seed=st.integers(0, 1000),
    decades=st.floats(0, 5),
)
def test_any_array_agrees_with_its_nodes(shape, wires, seed, decades):
    g, v = devices(*shape, seed=seed, least=1e-3 * 10**-decades), volts(shape[0], 2)
    output, *_ = solve_nodes(g.numpy(), wires, v.numpy())
    ours = (transfer(g, wires).mT @ v).numpy()
    np.testing.assert_allclose(ours, output, rtol=1e-7, atol=1e-9 * np.abs(output).max())


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(1, 6), st.integers(1, 6)), seed=st.integers(0, 1000), r=st.floats(1e-2, 1e4))
def test_more_resistance_lets_less_through(shape, seed, r):
    """Of the whole array between sources and ground (Rayleigh); one device's share may rise by detours."""
    g = devices(*shape, seed=seed)
    less, more = transfer(g, Wires(r, r)), transfer(g, Wires(2 * r, 3 * r))
    assert (more > 0).all()
    assert more.sum() < less.sum() < g.sum()


def test_one_device_is_in_series_with_its_wires():
    g = torch.tensor([[2e-3]], dtype=torch.float64)
    assert float(transfer(g, SMALL)) == pytest.approx(1 / (1 / 2e-3 + sum(SMALL)), rel=1e-14)


def test_one_row_is_a_ladder():
    """Equal shunts g and segments r: node voltages follow cosh (Heaviside's ladder), V_j ~ cosh((n - j - 1/2) a)."""
    n, g, r = 9, 1e-3, 30.0
    a = float(np.arccosh(1 + r * g / 2))
    shape = np.cosh((n - np.arange(n) - 0.5) * a)
    entry = np.cosh((n + 0.5) * a)  # the source, one segment before the first node
    found = transfer(torch.full((1, n), g, dtype=torch.float64), Wires(r, 0.0))
    np.testing.assert_allclose(found[0].numpy(), g * shape / entry, rtol=1e-12)


def test_without_resistance_it_is_the_conductance_itself():
    g = devices(4, 5)
    assert torch.equal(transfer(g, Wires(0.0, 0.0)), g)
    assert torch.equal(transfer(g.float(), Wires(0.0, 0.0)), g.float())


def test_small_resistances_act_linearly():
    g = devices(6, 6)
    loss = [(g - transfer(g, Wires(r, r))) / r for r in (1e-6, 2e-6)]
    torch.testing.assert_close(loss[0], loss[1], rtol=1e-4, atol=0.0)
    single = torch.zeros(6, 6, dtype=torch.float64)
    single[2, 3] = g[2, 3]  # alone: four segments of its word line and four of its bit line in series
    expected = single / (1 + 1.0 * (4 + 4) * single)
    torch.testing.assert_close(transfer(single, Wires(1.0, 1.0)), expected, rtol=1e-13, atol=0.0)


def test_mirrored_arrays_are_reciprocal():
    """1 V on row i gives column j the current that 1 V on the end of column j gives row i."""
    for shape in SHAPES:
        g = devices(*shape)
        turned = transfer(g.mT.flip(-1, -2), SMALL.mirrored).flip(-1, -2).mT
        torch.testing.assert_close(transfer(g, SMALL), turned, rtol=1e-12, atol=0.0)


def test_a_symmetric_array_has_symmetric_currents():
    """Symmetric about the diagonal from the last row's first column, which maps sources onto grounds."""
    g = devices(5, 5)
    g = g + g.mT.flip(-1, -2)
    found = transfer(g, Wires(7.0, 7.0))
    torch.testing.assert_close(found, found.mT.flip(-1, -2), rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_current_is_conserved_and_voltages_close_at_every_node(shape):
    """Potentials along each word line from its driver, up each bit line from its ground, differ by the drops."""
    g, v = devices(*shape), volts(shape[0], 3)
    across = drops(g[None], SMALL, v[None])[0]
    current = g.unsqueeze(-1) * across
    onward = current.flip(1).cumsum(1).flip(1)  # in the segment before each node of a word line
    word = v.unsqueeze(1) - SMALL.driver * onward[:, :1] - SMALL.word * onward.cumsum(1)
    collected = current.cumsum(0)  # in the segment below each node of a bit line
    bit = SMALL.sense * collected[-1:] + SMALL.bit * collected.flip(0).cumsum(0).flip(0)
    torch.testing.assert_close(word - bit, across, rtol=1e-9, atol=1e-14)
    torch.testing.assert_close(collected[-1], transfer(g, SMALL).mT @ v, rtol=1e-10, atol=1e-18)


def test_what_sources_deliver_is_what_devices_and_wires_take():
    g, v = devices(6, 4), volts(6, 9)
    _, word, bit = solve_nodes(g.numpy(), SMALL, v.numpy())
    current = g.numpy()[..., None] * (word - bit)
    onward, collected = np.flip(np.flip(current, 1).cumsum(1), 1), current.cumsum(0)
    wires = SMALL.word * (onward**2).sum() + SMALL.driver * (onward[:, 0] ** 2).sum()
    wires += SMALL.bit * (collected**2).sum() + SMALL.sense * (collected[-1] ** 2).sum()
    ours = powers(g, SMALL, v)
    assert float(ours[0]) == pytest.approx((current * (word - bit)).sum(), rel=1e-10)
    assert float(ours[1]) == pytest.approx(wires, rel=1e-10)


def test_many_inputs_take_the_power_of_their_sum():
    """More inputs than rows are folded into as many as rows."""
    g, v = devices(3, 4, 5), volts(3, 4, 50)
    each = [powers(g, SMALL, v[..., k : k + 1]) for k in range(50)]
    for kind, together in enumerate(powers(g, SMALL, v)):
        torch.testing.assert_close(together, sum(one[kind] for one in each), rtol=1e-10, atol=0.0)


@pytest.mark.parametrize("least", [0.0, float("inf")], ids=["open", "short"])
def test_open_devices_and_shorts_are_the_limits_of_bad_ones(least):
    g, near = devices(5, 6), 1e-14 if least == 0 else 1e9
    broken, almost = g.clone(), g.clone()
    for place in ((0, 0), (2, 3), (2, 5), (4, 5)):
        broken[place], almost[place] = least, near
    found = transfer(broken, SMALL)
    assert found.isfinite().all()
    torch.testing.assert_close(found, transfer(almost, SMALL), rtol=1e-8, atol=1e-13)
    torch.testing.assert_close(transfer(broken.mT, SMALL).sum(), transfer(almost.mT, SMALL).sum(), rtol=1e-8, atol=0.0)


def test_a_short_leaves_the_series_resistance_of_its_lines():
    g = torch.zeros(3, 4, dtype=torch.float64)
    g[1, 2] = float("inf")
    assert float(transfer(g, Wires(2.0, 3.0))[1, 2]) == pytest.approx(1 / (3 * 2.0 + 2 * 3.0), rel=1e-14)


def test_arrays_of_a_batch_are_solved_as_if_alone():
    g = devices(2, 3, 5, 4)
    found = transfer(g, SMALL)
    for a, b in itertools.product(range(2), range(3)):
        torch.testing.assert_close(found[a, b], transfer(g[a, b], SMALL), rtol=1e-13, atol=0.0)


@pytest.mark.parametrize(
    "wires", [SMALL, Wires(13.0, 5.0), Wires(13.0, 0.0), Wires(0.0, 5.0), Wires(0.0, 0.0, 9.0, 7.0)]
)
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (4, 3), (2, 2, 3)], ids=str)
def test_gradients_are_those_of_finite_differences(shape, wires):
    """In units of 1 mS, where the numbers are of order one."""
    g = (1e3 * devices(*shape, least=1e-4)).requires_grad_()
    assert gradcheck(lambda x: 1e3 * transfer(1e-3 * x, wires), (g,), eps=1e-6, atol=1e-9, rtol=1e-6)


def test_the_gradient_reaches_an_open_device():
    g = devices(4, 3)
    g[1, 2] = 0.0
    g.requires_grad_()
    weight = volts(4, 3)
    (transfer(g, SMALL) * weight).sum().backward()
    step = torch.zeros_like(g)
    step[1, 2] = 1e-9
    rise = ((transfer(g.detach() + step, SMALL) - transfer(g.detach(), SMALL)) * weight).sum() / 1e-9
    assert float(g.grad[1, 2]) == pytest.approx(float(rise), rel=1e-4)


def test_float32_is_solved_in_float64():
    g = devices(6, 5).float()
    found = transfer(g, SMALL)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), transfer(g.double(), SMALL), rtol=1e-7, atol=0.0)


@pytest.mark.parametrize(
    ("conductance", "wires", "message"),
    [
        (torch.tensor([[1e-6, -1e-6]]), SMALL, "negative one or NaN"),
        (torch.tensor([[float("nan")]]), SMALL, "negative one or NaN"),
        (torch.tensor([1e-6]), SMALL, "a matrix or several"),
        (torch.zeros(0, 3), SMALL, "a matrix or several"),
        (torch.ones(2, 2, dtype=torch.int64), SMALL, "floating-point numbers in S, got torch.int64"),
        (torch.ones(2, 2), Wires(-1.0, 1.0), "word must be finite and >= 0, got -1 ohm"),
        (torch.ones(2, 2), Wires(1.0, float("inf")), "bit must be finite"),
        (torch.full((2, 2), float("inf")), Wires(0.0, 1.0), "infinite conductance needs"),
    ],
)
def test_mistakes_are_named(conductance, wires, message):
    with pytest.raises(InputError, match=message):
        transfer(conductance, wires)


def test_arrays_on_all_cores_are_those_on_one(two_threads):
    g = devices(6, 40, 30)  # enough for more cores to pay
    found = transfer(g, SMALL)
    for one, together in zip(g, found, strict=True):
        torch.testing.assert_close(together, transfer(one, SMALL), rtol=1e-12, atol=0.0)
