"""NbOx neurons as a layer: the contract, the calibration against the device, spikes, energy, moving networks."""

import math

import pytest
import torch
from torch import nn

import spinloom as sl
from spinloom.devices import LinearMemory, NbOxNeuron, Spread
from spinloom.errors import InputError
from spinloom.nn import DeviceLinear, LeakyNeurons, NbOxNeurons, SpikingNetwork, to_memory, to_neurons
from spinloom.testing import HardwareLayerContract

NOISY = NbOxNeuron(noise=2e4)
ROOMY = NbOxNeuron(load=20e3, capacitance=150e-12)


def random(*shape, seed=1, scale=1.0):
    return scale * torch.rand(shape, generator=torch.Generator().manual_seed(seed))


class TestNbOxNeurons(HardwareLayerContract):
    derives, batch_axis = False, 1

    def layer(self):
        return NbOxNeurons(NOISY, 0.85, spread=0.05, stuck=0.1, noise=0.05)

    def inputs(self):
        return random(12, 3, 8, scale=0.8)

    def wrong_inputs(self):
        return random(12, 8), torch.ones(12, 4, 8, dtype=torch.int64)


@pytest.mark.parametrize("device", [NbOxNeuron(), ROOMY], ids=["default", "roomy"])
def test_its_threshold_and_time_stand_for_those_of_the_planned_neuron(device):
    layer, planned = NbOxNeurons(device, 0.9), LeakyNeurons(0.9, reset="value")
    steady = torch.tensor([0.97, 1.03, 1.3, 2.0, 4.0, 6.0]) * 0.1  # of the input that just fires
    drive = steady.expand(400, 1, 6).contiguous()
    mine, theirs = layer(drive)[:, 0], planned(drive)[:, 0]
    assert bool((mine[:, 0] == 0).all())
    assert bool((mine[:, 1:].sum(0) > 0).all())
    first = (mine.argmax(0)[2:5] + 0.5, theirs.argmax(0)[2:5] + 0.5)
    assert bool(((first[0] - first[1]).abs() <= 0.25 * first[1] + 1).all())
    assert layer.found.off < 0.15
    dead = LeakyNeurons(0.9, reset="value", refractory=layer.refractory)(drive)[:, 0]
    torch.testing.assert_close(mine.sum(0)[2:5], dead.sum(0)[2:5], rtol=0.4, atol=0)


def test_onset_and_largest_drive_are_those_of_the_device_itself():
    found, device = NbOxNeurons(ROOMY, 0.9).found, ROOMY
    long = 100 * device.load * device.capacitance
    sources = torch.tensor([0.99 * found.onset, 1.01 * found.onset, found.largest], dtype=torch.float64)
    rest = device.advance(device.rest((3,)), torch.tensor([found.bias]), long).state
    counts = device.advance(rest, sources[None], long).counts
    assert counts[0] == 0
    assert counts[1] > 5
    assert int(counts[2]) == pytest.approx(long / found.shortest, rel=0.05)


def test_state_that_is_kept_goes_on_where_it_was():
    drive = random(24, 2, 5, scale=0.8)
    whole, layer = NbOxNeurons(ROOMY, 0.9)(drive), NbOxNeurons(ROOMY, 0.9, keep_state=True)
    assert float(whole.sum()) > 5
    assert torch.equal(torch.cat([layer(part) for part in drive.split(8)]), whole)


def test_spikes_cost_what_their_sources_give():
    layer, drive = NbOxNeurons(NbOxNeuron(), 0.9, units=3), torch.full((200, 1, 3), 0.2)
    spikes = layer(drive)
    energy = layer.cost(drive, spikes, 1).energy
    assert energy == pytest.approx(layer.found.spike_energy * float(spikes.sum()), rel=0.15)  # at twice the onset
    assert layer.cost(drive, spikes, 1).latency == pytest.approx(200 * layer.dt)


def test_a_network_moves_trains_on_and_its_memories_too():
    source = torch.Generator().manual_seed(3)
    linear = nn.Linear(6, 4), nn.Linear(4, 3)
    for layer in linear:
        nn.init.uniform_(layer.weight, -0.2, 0.5, generator=source)
    network = SpikingNetwork(nn.Sequential(linear[0], LeakyNeurons(0.9), linear[1], LeakyNeurons(0.85)), 30)
    inputs = random(5, 6)
    devices = to_neurons(network, ROOMY, seed=1, spread=Spread(capacitance=0.02))
    assert type(network.body[1]) is LeakyNeurons
    assert devices(inputs).shape == (5, 3)
    assert sl.count_devices(devices) == {"body.1": 4, "body.3": 3}
    assert devices.body[1].dt != devices.body[3].dt
    assert sl.inference_cost(devices, inputs).neurons > 0
    devices(inputs).sum().backward()
    assert float(devices.body[0].weight.grad.abs().sum()) > 0
    held = to_memory(devices, LinearMemory(read_noise=0.0), seed=1)
    assert isinstance(held.body[2], DeviceLinear)
    one = to_neurons(network, {"body.1": ROOMY})
    assert [type(layer) for layer in one.body[1::2]] == [NbOxNeurons, LeakyNeurons]


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (
            lambda: NbOxNeurons(NbOxNeuron(), 0.3),
            r"too coarse: this device can fire every .* s; decay must be at least",
        ),
        (lambda: NbOxNeurons(NbOxNeuron(), 1.0), r"one number in \(0, 1\)"),
        (lambda: NbOxNeurons(NbOxNeuron(), torch.tensor([0.8, 0.9])), "one time step"),
        (lambda: NbOxNeurons(NbOxNeuron(activation_energy=1e-20), 0.9), "no negative differential resistance"),
        (lambda: NbOxNeurons(NbOxNeuron(load=100.0), 0.9), "does not fire on and on"),
        (lambda: NbOxNeurons(NbOxNeuron(load=torch.tensor([1e3, 2e3])), 0.9), "one design"),
        (lambda: NbOxNeurons(NbOxNeuron(), 0.9, spread=Spread(damping=0.1)), "parameter of the spread"),
        (lambda: to_neurons(nn.Linear(2, 2), NbOxNeuron()), "nothing to replace in Linear"),
        (lambda: to_neurons(nn.Sequential(LeakyNeurons(0.9)), {"1": NbOxNeuron()}), "layer of leaky neurons"),
        (lambda: to_neurons(nn.Sequential(LeakyNeurons(0.9)), 3), "give it an NbOxNeuron"),
        (lambda: to_neurons(nn.Sequential(LeakyNeurons(0.9, synapse=0.5)), NbOxNeuron()), "layer '0': .*synaptic"),
    ],
)
def test_mistakes_are_named(made, word):
    with pytest.raises(InputError, match=word):
        made()


def test_the_shortest_decay_that_is_named_works():
    found = NbOxNeurons(NbOxNeuron(), 0.9).found
    assert NbOxNeurons(NbOxNeuron(), 1.001 * math.exp(-found.shortest / found.tau)).dt < found.shortest
