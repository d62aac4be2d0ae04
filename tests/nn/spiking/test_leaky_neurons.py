"""Leaky integrate-and-fire: the contract, by hand, compiled against eager, gradients, time axes and mistakes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import spinloom as sl
from spinloom.devices import LinearMemory, Spread
from spinloom.errors import InputError
from spinloom.nn import DeviceConv2d, DeviceLinear, LeakyNeurons, SpikingNetwork
from spinloom.testing import HardwareLayerContract


def random(*shape, seed=1, scale=1.0):
    return scale * torch.rand(shape, generator=torch.Generator().manual_seed(seed))


class TestLeakyNeurons(HardwareLayerContract):
    derives, batch_axis = False, 1

    def layer(self):
        return LeakyNeurons(0.9, spread=0.2, noise=0.3, stuck=0.1, energy=1e-12)

    def inputs(self):
        return random(12, 4, 10, scale=0.6)

    def wrong_inputs(self):
        return random(12, 10), torch.ones(12, 4, 10, dtype=torch.int64)


class TestLeakyNeuronsWithTimeInRows(TestLeakyNeurons):
    def layer(self):
        return LeakyNeurons(0.8, reset="value", refractory=2, synapse=0.5, spread=0.2, noise=0.3, units=(2, 5))

    def inputs(self):
        return random(12, 4, 2, 5, scale=0.6)

    def wrong_inputs(self):
        return random(12, 4, 10), random(4, 2, 5, 12)


def by_hand(drive, decay, threshold, reset, reset_to, refractory, gain, synapse):
    """One neuron, number by number."""
    v = i = late = 0.0
    held, fired = 0, []
    for x in drive:
        i = synapse * i + x
        if held:
            held -= 1
            fired.append(0.0)
            continue
        v = decay * v + gain * i - late
        late = 0.0
        if v > threshold:
            fired.append(1.0)
            held = refractory
            if reset == "value":
                v = reset_to
            elif reset == "subtract":
                v -= threshold
            else:
                late = threshold
        else:
            fired.append(0.0)
    return fired


@given(
    st.sampled_from(["value", "subtract", "delayed"]), st.integers(0, 3), st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    st.sampled_from([0.0, 0.7]), st.integers(0, 10_000),
)  # fmt: skip
def test_compiled_eager_and_a_loop_by_hand_fire_the_same_spikes(reset, refractory, decay, synapse, seed):
    refractory = 0 if reset == "delayed" else refractory
    numbers = {"decay": decay, "threshold": 1.1, "reset_to": -0.25, "gain": 0.75, "synapse": synapse}
    layer = LeakyNeurons(**numbers, reset=reset, refractory=refractory).double()
    numbers = {name: float(getattr(layer, name)) for name in numbers}
    drive = (random(30, 3, 5, seed=seed) * 1.2 - 0.2).double()
    compiled = layer(drive)
    eager = layer(drive.requires_grad_())
    expected = [
        [by_hand(drive[:, row, unit].tolist(), reset=reset, refractory=refractory, **numbers) for unit in range(5)]
        for row in range(3)
    ]
    assert torch.equal(compiled, torch.tensor(expected, dtype=torch.float64).permute(2, 0, 1))
    assert torch.equal(compiled, eager)
    assert torch.equal(layer.float()(drive.detach().float()), layer(drive.float()))


def test_many_rows_on_more_cores_give_the_same(two_threads):
    layer, drive = LeakyNeurons(0.9), random(20, 300, 64)
    assert torch.equal(layer(drive), torch.cat([layer(part) for part in drive.split(50, 1)], 1))


def test_tau_and_dt_decay_as_the_exact_solution():
    layer = LeakyNeurons(tau=torch.tensor([10e-3, 20e-3]), dt=1e-3, threshold=1e9)
    torch.testing.assert_close(layer.decay, torch.exp(torch.tensor([-0.1, -0.05])))


def test_the_gradient_is_the_surrogate_and_reaches_numbers_that_are_parameters():
    threshold = nn.Parameter(torch.tensor(1.0))
    layer = LeakyNeurons(0.5, threshold=threshold, slope=4.0)
    drive = torch.tensor([0.75]).view(1, 1, 1).requires_grad_()
    layer(drive).sum().backward()
    assert float(drive.grad) == pytest.approx(1 / (1 + 4 * 0.25) ** 2)
    assert float(threshold.grad) == pytest.approx(-0.75 / (1 + 4 * 0.25) ** 2)


def test_state_goes_on_only_where_it_is_kept_and_rewind_starts_at_rest():
    whole, layer = random(20, 3, 4), LeakyNeurons(0.9, refractory=2, synapse=0.3, keep_state=True)
    expected = LeakyNeurons(0.9, refractory=2, synapse=0.3)(whole)
    late = LeakyNeurons(0.9, reset="delayed", keep_state=True)
    assert torch.equal(torch.cat([late(part) for part in whole.split(7)]), LeakyNeurons(0.9, reset="delayed")(whole))
    assert torch.equal(torch.cat([layer(part) for part in whole.split(7)]), expected)
    assert torch.equal(layer.rewind()(whole), expected)
    with pytest.raises(InputError, match="state of 3 rows"):
        layer(whole[:, :2])


def test_stuck_neurons_never_fire_and_devices_differ_as_asked():
    layer = LeakyNeurons(0.9, spread=Spread(threshold=0.1), stuck=0.25, units=4000).resample(1)
    assert float(layer.alive.double().mean()) == pytest.approx(0.75, abs=4 * (0.25 * 0.75 / 4000) ** 0.5)
    assert float(layer.threshold_factor.std()) == pytest.approx(0.1, rel=4 / (2 * 4000) ** 0.5)
    assert bool((layer.tau_factor == 1).all())
    fired = layer(torch.full((3, 1, 4000), 2.0))
    assert torch.equal(fired[0, 0] > 0, layer.alive)
    assert bool((layer.ideal()(torch.full((3, 1, 4000), 2.0)) == 1).all())


def test_time_in_rows_stands_between_convolutions_and_memories_and_counts_energy():
    memory = LinearMemory(read_noise=0.0, cycle_noise=0.0)
    body = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), LeakyNeurons(0.8, energy=2e-12),
        DeviceConv2d(3, 2, 3, memory), LeakyNeurons(0.8),
        nn.Flatten(), DeviceLinear(8, 5, memory), LeakyNeurons(0.8, energy=1e-12),
    )  # fmt: skip
    images = random(6, 1, 4, 4)
    network = SpikingNetwork(body, steps=7)
    sl.resample(network, 1)
    spikes = network.spikes(images)
    assert spikes.shape == (7, 6, 5)
    assert torch.equal(network(images), spikes.sum(0))
    again = SpikingNetwork(body, steps=7, trains=True)(images.expand(7, *images.shape))
    assert torch.equal(again, network(images))
    assert sl.count_devices(network) == {"body.1": 48, "body.2": 108, "body.3": 8, "body.5": 80, "body.6": 5}
    network.body[3].energy = 0.0
    cost = sl.inference_cost(network, images)
    first = body[1](body[0](images.detach()).detach().expand(7, 6, 3, 4, 4).flatten(0, 1)).sum()
    assert cost.layers[0].write == pytest.approx(2e-12 * first.item() / 6)
    assert cost.layers[-1].write == pytest.approx(1e-12 * spikes.sum().item() / 6)


def test_a_network_learns_with_fit():
    train, test = sl.data.load_pair("mnist-5k", train_limit=1000, test_limit=300)
    source = torch.Generator().manual_seed(0)
    layers = nn.Linear(784, 32), nn.Linear(32, 10)
    for layer in layers:
        nn.init.uniform_(layer.weight, -0.1, 0.1, generator=source)
    network = SpikingNetwork(
        nn.Sequential(nn.Flatten(), layers[0], LeakyNeurons(0.9), layers[1], LeakyNeurons(0.9)), steps=10
    )
    test = sl.evaluation.Examples.of(test)
    before = sl.accuracy(network, test)
    sl.fit(network, train, sl.Training(epochs=3, batch=32, rate=5e-3, seed=1))
    assert before < 0.3
    assert sl.accuracy(network, test) > 0.7


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (lambda: LeakyNeurons(), "either decay, or tau"),
        (lambda: LeakyNeurons(0.9, tau=1.0), "either decay, or tau"),
        (lambda: LeakyNeurons(tau=1e-3), "either decay, or tau"),
        (lambda: LeakyNeurons(1.2), "0 to 1"),
        (lambda: LeakyNeurons(-0.1), "decay"),
        (lambda: LeakyNeurons(0.9, threshold=0.0), "threshold"),
        (lambda: LeakyNeurons(0.9, reset="subtrct"), "did you mean 'subtract'"),
        (lambda: LeakyNeurons(0.9, refractory=1.5), "refractory"),
        (lambda: LeakyNeurons(0.9, refractory=1, reset="delayed"), "no refractory time"),
        (lambda: LeakyNeurons(0.9, stuck=1.5), "share of neurons"),
        (lambda: LeakyNeurons(0.9, spread=Spread(diameter=0.1)), "parameter of the spread"),
        (lambda: LeakyNeurons(0.9, steps=0), "steps"),
        (lambda: LeakyNeurons(0.9, steps=5)(random(12, 4)), "time first"),
        (lambda: LeakyNeurons(0.9, units=4)(random(12, 4, 3)), "movedim"),
        (lambda: LeakyNeurons(0.9).count_devices(), "no size yet"),
        (lambda: SpikingNetwork(nn.Linear(3, 3), 5), "no device layer"),
        (lambda: SpikingNetwork(LeakyNeurons(0.9), 5, trains=True)(random(8, 5, 3)), r"movedim\(1, 0\)"),
    ],
)
def test_mistakes_are_named(made, word):
    with pytest.raises(InputError, match=word):
        made()
