"""Tiles, converters, stuck cells and costs of an array, against each written down plainly."""

import itertools
from dataclasses import replace

import pytest
import torch
from crossbar_nodes import solve_nodes
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.nn.memory.array import ADDITION_ENERGY, INPUT_ENERGY, OUTPUT_ENERGY, Array
from spinloom.nn.memory.nodal import transfer

IDEAL = Array(word_resistance=0.0, bit_resistance=0.0)
WIRED = Array(4, 3, word_resistance=13.0, bit_resistance=5.0, driver_resistance=40.0, sense_resistance=25.0)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tiles_one_by_one(array: Array, matrix: torch.Tensor):
    """(where in the matrix, the tile) for each array."""
    for columns, rows in itertools.product(
        range(0, matrix.shape[0], array.columns), range(0, matrix.shape[1], array.rows)
    ):
        place = (slice(columns, columns + array.columns), slice(rows, rows + array.rows))
        yield place, matrix[place]


@settings(max_examples=25)
@given(outputs=st.integers(1, 10), inputs=st.integers(1, 13))
def test_every_tile_is_an_array_of_its_own(outputs, inputs):
    g = 1e-4 * draw(outputs, inputs)
    found = WIRED.effective(g)
    assert found.shape == g.shape
    count = 0
    for place, tile in tiles_one_by_one(WIRED, g):
        count += 1
        torch.testing.assert_close(found[place], transfer(tile.mT, WIRED.wires).mT, rtol=1e-12, atol=0.0)
    across, along = WIRED.tiles(outputs, inputs)
    assert count == across * along


def test_pairs_and_instances_are_solved_side_by_side():
    g = 1e-4 * draw(2, 7, 9)
    torch.testing.assert_close(WIRED.effective(g)[1], WIRED.effective(g[1]), rtol=1e-12, atol=0.0)


def test_without_wires_nothing_changes():
    g = draw(7, 9)
    assert IDEAL.effective(g) is g


def test_the_gradient_goes_through_the_tiles():
    g = 1e-4 * draw(5, 9)
    weight = draw(5, 9, seed=1)
    ours = g.clone().requires_grad_()
    (WIRED.effective(ours) * weight).sum().backward()
    for place, tile in tiles_one_by_one(WIRED, g):
        alone = tile.clone().requires_grad_()
        (transfer(alone.mT, WIRED.wires).mT * weight[place]).sum().backward()
        torch.testing.assert_close(ours.grad[place], alone.grad, rtol=1e-10, atol=0.0)


@settings(max_examples=60)
@given(bits=st.integers(2, 12), signed=st.booleans(), full=st.floats(1e-6, 1e3), seed=st.integers(0, 99))
def test_converters_give_the_nearest_level(bits, signed, full, seed):
    array = replace(IDEAL, input_bits=bits, signed_inputs=signed, input_range=full)
    steps = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    levels = torch.arange(-steps if signed else 0, steps + 1, dtype=torch.float64) * full / steps
    assert len(levels) == 2**bits - signed
    x = full * (3 * draw(200, seed=seed) - 1.5)
    nearest = levels[(x.unsqueeze(-1) - levels).abs().argmin(-1)]
    torch.testing.assert_close(array.convert_inputs(x), nearest, rtol=1e-12, atol=1e-12 * full)
    assert (array.convert_inputs(torch.zeros(3)) == 0).all()


def test_one_bit_is_off_or_on():
    array = replace(IDEAL, input_bits=1, signed_inputs=False)
    assert array.convert_inputs(torch.tensor([-1.0, 0.4, 0.6, 5.0])).tolist() == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_converters_in_every_precision(dtype):
    array = replace(IDEAL, input_bits=8)
    x = torch.linspace(-1, 1, 255, dtype=torch.float64)
    found = array.convert_inputs(x.to(dtype))
    assert found.dtype == dtype
    assert len(found.unique()) == 255


def test_the_gradient_of_a_converter_is_that_of_a_clip():
    array = replace(IDEAL, output_bits=4, output_range=2.0, input_range=3.0)
    sums = torch.tensor([-100.0, -59.0, 0.3, 59.0, 61.0], requires_grad=True)
    array.convert_outputs(sums, full_weight=10.0).sum().backward()  # full scale: 2 devices x 3 x 10
    assert sums.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_each_partial_sum_is_converted_and_then_added():
    array = replace(IDEAL, rows=4, columns=3, input_bits=5, output_bits=6, output_range=1.5, input_range=2.0)
    x, w = 4 * draw(20, 10, seed=2) - 2, 2 * draw(7, 10, seed=3) - 1
    expected = torch.zeros(20, 7, dtype=torch.float64)
    for place, tile in tiles_one_by_one(array, w):
        expected[:, place[0]] += array.convert_outputs(array.convert_inputs(x[:, place[1]]) @ tile.mT, 1.0)
    found = array.multiply(x, w, full_weight=1.0)
    torch.testing.assert_close(found, expected)
    assert (found - x @ w.mT).abs().max() > 0.1  # the converters are felt


def test_without_converters_a_pass_is_a_matrix_product():
    x, w = draw(20, 10), draw(7, 10)
    assert torch.equal(IDEAL.multiply(x, w, 1.0), x @ w.mT)


@pytest.mark.parametrize(("least", "most"), [(0.0175, 0.0904), (0.5, 0.5), (0.0, 0.02)])
def test_the_share_of_stuck_cells_is_the_one_asked_for(least, most):
    array = replace(IDEAL, stuck_least=least, stuck_most=most)
    g = torch.full((400, 500), 5e-6)
    found = array.stick(g, (1e-6, 10e-6), 0)
    for end, share in ((1e-6, least), (10e-6, most)):
        bound = 5 * (share * (1 - share) / g.numel()) ** 0.5
        assert abs(float((found == end).double().mean()) - share) <= bound
    assert torch.equal(found, array.stick(2 * g, (1e-6, 10e-6), 0)) == (least + most == 1)
    assert ((found == g) | (found == 1e-6) | (found == 10e-6)).all()


def test_stuck_cells_are_those_of_the_seed_and_remain_as_more_are_stuck():
    g = 5e-6 * torch.ones(100, 100)
    few, many = (replace(IDEAL, stuck_most=share).stick(g, (1e-6, 10e-6), 7) != g for share in (0.1, 0.3))
    assert (many | ~few).all()
    other = replace(IDEAL, stuck_most=0.1).stick(g, (1e-6, 10e-6), 8) != g
    assert not torch.equal(other, few)
    assert torch.equal(few, replace(IDEAL, stuck_most=0.1).stick(3 * g, (1e-6, 10e-6), 7) != 3 * g)


def test_gradients_do_not_reach_stuck_cells():
    array = replace(IDEAL, stuck_least=0.2, stuck_most=0.2)
    g = torch.full((50, 50), 5e-6, requires_grad=True)
    found = array.stick(g, (1e-6, 10e-6), 0)
    found.sum().backward()
    assert torch.equal(g.grad == 1, found == g)
    assert (g.grad == 0).any()


def test_heat_without_wires_is_voltage_squared_times_conductance():
    array = replace(IDEAL, read_voltage=0.3, read_time=20e-9, input_range=2.0, segment_capacitance=0.0)
    g, x = 1e-4 * draw(7, 9), 2 * draw(10, 9, seed=1)
    volts = 0.3 * x / 2
    expected = sum(float((volts[k] ** 2 * g).sum()) for k in range(10)) / 10 * 20e-9
    found = array.cost(g, x)
    assert found.devices == pytest.approx(expected, rel=1e-12)
    assert found.wires == 0


def test_heat_of_devices_and_wires_is_that_of_the_nodes():
    """Devices from the drops of the dense solution; both together from what the sources deliver."""
    array = replace(WIRED, segment_capacitance=0.0, input_bits=3)
    g, x = 1e-3 * draw(7, 9), 2 * draw(6, 9, seed=1) - 1
    volts = 0.2 * array.convert_inputs(x)
    heat, delivered = 0.0, 0.0
    for (_, rows), tile in tiles_one_by_one(array, g):
        _, word, bit = solve_nodes(tile.mT.numpy(), array.wires, volts[:, rows].mT.numpy())
        current = tile.mT.numpy()[..., None] * (word - bit)
        heat += (current * (word - bit)).sum()
        delivered += (current.sum(1) * volts[:, rows].mT.numpy()).sum()
    found = array.cost(g, x)
    assert found.devices == pytest.approx(heat / 6 * array.read_time, rel=1e-9)
    assert found.devices + found.wires == pytest.approx(delivered / 6 * array.read_time, rel=1e-9)
    assert found.wires > 0.01 * found.devices


def test_counts_of_a_layer_by_hand():
    """10 outputs of 9 inputs on arrays of 4 rows and 3 columns: 4 x 3 arrays; 5 positions of a convolution."""
    array = replace(WIRED, input_bits=6, output_bits=10, segment_capacitance=1e-15, read_time=50e-9, output_time=2e-9)
    found = array.cost(1e-6 * draw(10, 9), torch.ones(2, 5, 9))
    assert (found.arrays, found.passes) == (12, 5)
    assert found.inputs == pytest.approx(5 * 9 * 4 * 6 * INPUT_ENERGY)
    assert found.outputs == pytest.approx(5 * 10 * 3 * 4 * OUTPUT_ENERGY)
    assert found.additions == pytest.approx(5 * 10 * 2 * ADDITION_ENERGY)
    assert found.latency == pytest.approx(5 * (50e-9 + 3 * 2e-9))
    uncharged = replace(array, segment_capacitance=0.0).cost(1e-6 * draw(10, 9), torch.ones(2, 5, 9))
    assert found.wires - uncharged.wires == pytest.approx(5 * 9 * 10 * 1e-15 * 0.2**2)
    parts = found.devices + found.wires + found.inputs + found.outputs + found.additions
    assert found.energy == pytest.approx(parts)
    shared = replace(array, columns_per_converter=2).cost(1e-6 * draw(10, 9), torch.ones(2, 5, 9))
    assert shared.latency == pytest.approx(5 * (50e-9 + 2 * 2e-9))


def test_energies_that_are_set_and_their_words():
    array = replace(IDEAL, input_energy=1e-12, output_energy=3e-12)
    found = array.cost(1e-6 * draw(4, 3), torch.ones(2, 3))
    assert (found.inputs, found.outputs) == (pytest.approx(3e-12), pytest.approx(12e-12))
    text = " ".join(found.assumptions)
    assert "as set" in text
    assert "ISAAC" not in text
    assert "do not round" in text
    text = " ".join(replace(IDEAL, input_bits=4, output_bits=6).cost(1e-6 * draw(4, 3), torch.ones(2, 3)).assumptions)
    for part in ("ISAAC", "Kull", "Horowitz", "of 4 bits", "of 6 bits", "assumed"):
        assert part in text
    assert "do not round" not in text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": 0}, "rows must be a whole number >= 1"),
        ({"columns": 2.5}, "columns must be a whole number"),
        ({"word_resistance": -1.0}, "word_resistance must be finite and >= 0, got -1 ohm"),
        ({"sense_resistance": float("nan")}, "sense_resistance must be finite"),
        ({"stuck_least": 0.6, "stuck_most": 0.6}, "together at most 1, got 0.6"),
        ({"stuck_most": -0.1}, "stuck_most must be finite and >= 0"),
        ({"input_bits": 0}, "input_bits must be None or 2"),
        ({"input_bits": 1}, "zero and one level"),
        ({"output_bits": 30}, "to 24, got 30"),
        ({"output_bits": 4.0}, "got 4.0"),
        ({"input_range": 0.0}, "input_range must be finite and > 0"),
        ({"output_range": -2.0}, "output_range must be finite and > 0"),
        ({"read_voltage": 0.0}, "read_voltage must be finite and > 0, got 0 V"),
        ({"read_time": -1.0}, "read_time must be finite and > 0"),
        ({"columns_per_converter": 0}, "columns_per_converter must be a whole number"),
        ({"output_energy": -1e-12}, "output_energy must be finite and >= 0"),
    ],
)
def test_designs_that_cannot_be_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        Array(**wrong)


def test_wrong_calls_are_named():
    with pytest.raises(InputError, match="negative one or NaN"):
        WIRED.effective(-draw(3, 4))
    with pytest.raises(InputError, match="a matrix or several"):
        IDEAL.effective(draw(3))
    with pytest.raises(InputError, match=r"got \(2, 5\) and \(3, 4\)"):
        WIRED.cost(draw(3, 4), draw(2, 5))
    with pytest.raises(InputError, match="full_weight must be finite and > 0"):
        replace(IDEAL, output_bits=4).convert_outputs(draw(3), 0.0)
