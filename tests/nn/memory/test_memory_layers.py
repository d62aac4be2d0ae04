"""Layers of memories: the contract, what an array holds, pulses, and networks moved onto memories."""

import pytest
import torch
from torch import nn

from spinloom.devices import LinearMemory, WeakResetMemory, find_memory
from spinloom.errors import InputError
from spinloom.nn import Array, DeviceConv2d, DeviceLinear, count_devices, ideal, programming, resample, to_memory
from spinloom.testing import HardwareLayerContract

QUIET = LinearMemory(read_noise=0.0, cycle_noise=0.0)
NOISY = LinearMemory(read_noise=0.01, cycle_noise=0.3, retention=100.0)


class TestDeviceLinear(HardwareLayerContract):
    def layer(self):
        return DeviceLinear(12, 5, NOISY)

    def inputs(self):
        return torch.rand(4, 12, generator=torch.Generator().manual_seed(1)) - 0.5

    def wrong_inputs(self):
        return torch.rand(4, 11), torch.ones(4, 12, dtype=torch.int64)


class TestDeviceLinearOfSingleCells(TestDeviceLinear):
    def layer(self):
        return DeviceLinear(12, 5, NOISY, cells="single", device_spread=0.02, bias=False, tolerance=0.05)


class TestDeviceLinearOfSigns(TestDeviceLinear):
    tolerance = 1e-3

    def layer(self):
        return DeviceLinear(12, 5, LinearMemory(read_noise=0.03, cycle_noise=0.5), cells="binary")


class TestDeviceConv2d(HardwareLayerContract):
    def layer(self):
        return DeviceConv2d(3, 4, 3, NOISY, stride=2, padding=1)

    def inputs(self):
        return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(2)) - 0.5

    def wrong_inputs(self):
        return torch.rand(2, 4, 8, 8), torch.rand(3, 8, 8)


@pytest.mark.parametrize("cells", ["single", "pair"])
def test_an_array_holds_its_weights_within_the_tolerance(cells):
    layer = DeviceLinear(30, 20, LinearMemory(steps=1000, read_noise=0.0), cells=cells, tolerance=0.004).resample(1)
    off = (layer.realised() - layer.weight).abs().max() / layer.weight.abs().max()
    assert off <= 2 * 0.004 + 1e-6  # of a window that stands for -1 to 1; two devices of half the error each
    assert layer.ledger.missed == 0
    assert layer.ledger.devices == layer.count_devices()


def test_a_pair_computes_with_the_difference_of_its_conductances():
    layer = DeviceLinear(6, 3, QUIET, weight_range=2.0).resample(1)
    plus, minus = layer.state.reshape(2, 3, 6)
    x = torch.rand(4, 6)
    by_hand = x @ ((plus - minus) / (10e-6 - 1e-6) * 2.0).T + layer.bias
    torch.testing.assert_close(layer(x), by_hand, rtol=1e-5, atol=1e-6)


def test_the_noise_of_a_read_has_the_variance_of_all_its_devices():
    layer = DeviceLinear(8, 1, LinearMemory(read_noise=0.02, cycle_noise=0.0), bias=False, tolerance=0.2).resample(1)
    x = torch.linspace(-1, 1, 8).expand(40_000, 8)
    found = layer(x).detach().std()
    expected = float(layer.scale) * 0.02 * (2 * x[0].square().sum()).sqrt()
    assert float(found) == pytest.approx(float(expected), rel=0.02)  # 5 sigma of 40,000 normals


def test_pulses_move_weights_by_the_mean_step():
    layer = DeviceLinear(4, 2, QUIET, weight_range=1.0)
    with torch.no_grad():
        layer.weight.zero_()
    layer.resample(1)
    events = torch.tensor([[1.0, -1, 0, 3], [0, 2, -2, 0]])
    before = layer.realised().clone()
    taken = layer.pulse(events)
    torch.testing.assert_close(layer.realised() - before, events * layer.mean_step(), rtol=1e-4, atol=1e-6)
    assert layer.mean_step() == pytest.approx(2 / 100, rel=1e-4)  # both of a pair move by a hundredth
    assert taken.events == 2 * int(events.abs().sum())


def test_what_is_outdated_is_what_asks_for_another_state():
    layer = DeviceLinear(4, 2, QUIET, weight_range=1.0).resample(1)
    assert not bool(layer.outdated().any())
    with torch.no_grad():
        layer.weight[0, 1] += 0.3
        layer.weight[1, 2] += 0.001
    assert layer.outdated().nonzero().tolist() == [[0, 1]]
    layer.write(layer.outdated())
    assert not bool(layer.outdated().any())
    assert layer.realised()[0, 1] == pytest.approx(layer.weight[0, 1].item(), abs=0.05)


def test_time_moves_the_weights():
    layer = DeviceLinear(4, 2, LinearMemory(read_noise=0.0, retention=10.0)).resample(1)
    before = layer.realised().clone()
    torch.testing.assert_close(layer.age(10.0).realised(), before / torch.e, rtol=1e-4, atol=1e-7)


def test_the_heat_of_a_read_is_that_of_every_device():
    layer = DeviceLinear(5, 3, QUIET).resample(1)
    x = torch.rand(7, 5) + 0.1
    use = layer.cost(x, layer(x), 7)
    plus, minus = layer.state.reshape(2, 3, 5).double()
    volts = 0.1 * x.double() / x.double().max()
    by_hand = (volts.square() @ (plus + minus).sum(0) * 10e-9).mean()
    assert use.energy == pytest.approx(float(by_hand), rel=1e-5)
    assert (use.kind, use.devices, use.macs) == ("memory", 30, 15)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 10)
    ).eval()


def test_a_network_moves_onto_memories_and_stays_what_it_was():
    model, x = network(), torch.randn(5, 1, 6, 6)
    wanted = model(x)
    twin = to_memory(model, LinearMemory(steps=2000, read_noise=0.0), tolerance=0.001, seed=3)
    torch.testing.assert_close(twin(x), wanted, atol=0.02, rtol=0.02)
    torch.testing.assert_close(ideal(twin)(x), wanted)
    assert torch.equal(model(x), wanted)
    assert count_devices(twin) == {"0": 72, "4": 2880}
    took = programming(twin)
    assert took.keys() == {"0", "4"}
    assert all(one.energy > 0 and one.missed == 0 for one in took.values())
    again = to_memory(model, LinearMemory(steps=2000, read_noise=0.0), tolerance=0.001, seed=3)
    assert torch.equal(ideal(twin, False)(x), again(x))
    assert not torch.equal(resample(again, 4)(x), twin(x))


def test_layers_are_chosen_by_type_and_by_name():
    twin = to_memory(network(), {nn.Linear: QUIET})
    assert isinstance(twin[0], nn.Conv2d)
    assert isinstance(twin[4], DeviceLinear)
    twin = to_memory(network(), {"0": QUIET})
    assert isinstance(twin[0], DeviceConv2d)
    assert type(twin[4]) is nn.Linear


def test_a_state_dict_brings_devices_that_differ():
    layer = DeviceLinear(6, 3, NOISY, device_spread=0.1).resample(1)
    other = DeviceLinear(6, 3, NOISY, device_spread=0.1)
    other.load_state_dict(layer.state_dict())
    x = torch.rand(2, 6)
    assert torch.equal(layer.memories.most, other.memories.most)
    assert torch.equal(layer(x), other(x))
    layer.pulse(torch.ones(3, 6)), other.pulse(torch.ones(3, 6))
    assert torch.equal(layer.state, other.state)


class OneWay(LinearMemory):
    """Pulses only lower it."""

    raises = False


def test_a_memory_of_one_direction_works_in_pairs():
    with pytest.raises(InputError, match="one direction only"):
        DeviceLinear(4, 2, OneWay(), cells="single")
    layer = DeviceLinear(40, 20, OneWay(steps=1000, read_noise=0.0, cycle_noise=0.05)).resample(1)
    assert (layer.realised() - layer.weight).abs().max() < 0.05 * layer.weight.abs().max()
    before = layer.realised().clone()
    layer.pulse(torch.ones_like(before))
    assert bool((layer.realised() >= before).all())
    assert float((layer.realised() > before).float().mean()) > 0.99  # all but those at the end of the window


def test_mistakes_are_named():
    with pytest.raises(InputError, match="needs a spinloom"):
        DeviceLinear(4, 2, "hfox")
    with pytest.raises(InputError, match="kind of cells"):
        DeviceLinear(4, 2, QUIET, cells="triple")
    with pytest.raises(InputError, match="nothing to replace"):
        to_memory(nn.Sequential(nn.Tanh()), QUIET)
    with pytest.raises(InputError, match="unknown linear layer or convolution"):
        to_memory(network(), {"9": QUIET})
    with pytest.raises(InputError, match="keys are layer names"):
        to_memory(network(), {nn.Tanh: QUIET})
    with pytest.raises(InputError, match="layer '0': a tolerance"):
        to_memory(network(), LinearMemory(read_noise=0.05), tolerance=1e-6)
    with pytest.raises(InputError, match="pads with zeros"):
        to_memory(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")), QUIET)
    with pytest.raises(InputError, match="not fabricated"):
        DeviceLinear(4, 2, QUIET).pulse(torch.ones(2, 4))
    with pytest.raises(InputError, match="no device layer"):
        programming(nn.Linear(2, 2))


def test_an_array_without_imperfections_changes_nothing():
    x = torch.rand(3, 12) - 0.5
    plain = DeviceLinear(12, 5, QUIET).resample(1)
    array = Array(rows=4, columns=2, word_resistance=0.0, bit_resistance=0.0)
    torch.testing.assert_close(DeviceLinear(12, 5, QUIET, array=array).resample(1)(x), plain(x))


def test_wires_converters_and_stuck_cells_reach_the_network():
    x = torch.rand(3, 12) - 0.5
    plain = DeviceLinear(12, 5, QUIET).resample(1)(x).detach()

    def off(**parts):
        layer = DeviceLinear(12, 5, QUIET, array=Array(**{"word_resistance": 0.0, "bit_resistance": 0.0, **parts}))
        return float((layer.resample(1)(x).detach() - plain).abs().max())

    assert 0 < off(word_resistance=10.0) < off(word_resistance=1000.0)
    assert 0 < off(input_bits=8) < off(input_bits=3)
    assert 0 < off(output_bits=12, output_range=3.0) < off(output_bits=5, output_range=3.0)
    assert off(stuck_least=0.3) > 0


def test_a_convolution_in_an_array_is_its_unfolded_product():
    x = torch.rand(2, 3, 7, 7) - 0.5
    array = Array(rows=9, columns=2, word_resistance=0.0, bit_resistance=0.0, output_bits=20, output_range=27.0)
    options = {"stride": 2, "padding": 1}
    plain = DeviceConv2d(3, 4, 3, QUIET, **options).resample(1)(x)
    torch.testing.assert_close(
        DeviceConv2d(3, 4, 3, QUIET, **options, array=array).resample(1)(x), plain, atol=1e-4, rtol=1e-3
    )


def test_an_array_tells_what_a_pass_takes():
    x = torch.rand(6, 12)
    bare, around = DeviceLinear(12, 5, QUIET), DeviceLinear(12, 5, QUIET, array=Array(rows=8, columns=4))
    costs = [layer.resample(1).cost(x, layer(x), 6) for layer in (bare, around)]
    assert costs[1].energy > costs[0].energy  # converters
    assert costs[0].latency == pytest.approx(10e-9)
    assert costs[1].latency > 100e-9


class TestDeviceLinearInAnArray(TestDeviceLinear):
    def layer(self):
        return DeviceLinear(12, 5, NOISY, array=Array(rows=8, columns=4, word_resistance=20.0, input_bits=10))


def test_signs_of_pairs_follow_their_pulses_in_one_pass():
    """The weights are what the conductances say, before and after; pulses, devices and energy are counted."""
    layer = DeviceLinear(30, 8, WeakResetMemory(), cells="binary", weight_range=0.5, fresh=True).resample(1)
    events = torch.randint(-14, 15, (8, 30), generator=torch.Generator().manual_seed(2)).float()
    for _ in range(3):
        before = layer.memories.conductance(layer.state).squeeze(-1)
        taken = layer.pulse(events)
        plus, minus = layer.memories.conductance(layer.state).reshape(2, 8, 30)
        assert torch.equal(layer.realised(), torch.where(plus >= minus, 0.5, -0.5))
        assert (taken.devices, taken.events) == (int(events.count_nonzero()), int(events.abs().sum()))
        told = torch.cat([(-events).clamp_min(0).flatten(), events.clamp_min(0).flatten()])
        assert taken.energy == pytest.approx(float((told * before).sum()) * 1e-6, rel=1e-3)
    again = DeviceLinear(30, 8, WeakResetMemory(), cells="binary", weight_range=0.5)
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again.realised(), layer.realised())


def test_the_range_of_few_levels_is_that_of_least_error():
    layer = DeviceLinear(300, 100, find_memory("domain-wall"), cells="single")
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(0))
    layer.resample(1)
    levels = torch.linspace(-1, 1, 5)

    def error(scale):
        nearest = (layer.weight.clamp(-scale, scale)[..., None] / scale - levels).abs().argmin(-1)
        return float((levels[nearest] * scale - layer.weight).square().mean())

    largest = float(layer.weight.abs().max())
    assert error(float(layer.scale)) == pytest.approx(min(error(k / 20 * largest) for k in range(2, 21)), rel=1e-4)
    assert float(layer.scale) < 0.7 * largest
