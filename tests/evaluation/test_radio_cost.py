"""Counts and energies of radio-frequency networks against closed forms."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.evaluation import FLOAT32, INT8, Digital, radio_cost
from spinloom.evaluation.radio import CORTEX_M4
from spinloom.nn.radio import Band, Oscillators, RadioLayer, RadioNetwork, ResonatorChains, RFConv2d, multilayer, plan


def flat(*sizes: int, **changed: object) -> RadioNetwork:
    return multilayer(sizes, **changed)  # type: ignore[arg-type]


def powers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def drone():
    """The published network, 256-128-10."""
    return radio_cost(flat(256, 128, 10), powers(4, 256))


def test_the_published_network_has_its_published_size(drone):
    assert (drone.resonators, drone.oscillators) == (256 * 128 + 128 * 10, 128)
    assert (drone.synaptic_operations, drone.neuron_operations) == (34_048, 128)
    assert drone.macs == 34_048  # as many resonators in a chain as there are inputs


def test_energy_at_20_nm_is_that_of_the_published_operations(drone):
    assert drone.synapse_energy == pytest.approx(34_048 * 10e-15)
    assert drone.neuron_energy == pytest.approx(128 * 100e-15)
    assert drone.energy == pytest.approx(353.28e-12)


def test_a_layer_takes_five_response_times_of_its_slowest_resonator():
    network = flat(8, 4, 2, linewidth=0.05)
    for layer in network:
        if isinstance(layer, ResonatorChains):
            nn.init.zeros_(layer.shift)  # all resonators at the planned 20 to 120 MHz
    cost = radio_cost(network, powers(3, 8))
    response = 1 / (2 * math.pi * 0.05 * 20e6)
    assert cost.latency == pytest.approx(3 * 5 * response, rel=1e-5)  # chains, oscillators, chains
    assert cost.bandwidth == pytest.approx(100e6, rel=1e-5)
    assert cost.power == pytest.approx(cost.energy / cost.latency)
    assert radio_cost(network, powers(3, 8), settling=1.0).latency == pytest.approx(cost.latency / 5)


def test_powers_of_the_model_are_those_of_its_constants():
    chains = ResonatorChains(plan("linear", 3, Band()), 2, shift=0.0, offset=0.0, bias=False)
    network = RadioNetwork([chains, Oscillators(2)], power=2e-6)
    x = powers(5, 3)
    cost = radio_cost(network, x)
    assert cost.wave_power == pytest.approx(2 * 2e-6 * float(x.sum(-1).mean()), rel=1e-5)  # two chains see all inputs
    current = (3.388e-3 * (chains(2e-6 * x) + 11.08e-3)).clamp(10e-6, 40e-6)
    assert cost.model_energy == pytest.approx((cost.direct_power + cost.wave_power) * cost.latency)
    assert cost.direct_power == pytest.approx(1e3 * current.square().sum(-1).mean().item(), rel=1e-5)


def test_energy_grows_with_the_area_and_with_the_network(drone):
    energies = [drone.at(diameter).energy for diameter in (10e-9, 20e-9, 40e-9, 200e-9)]
    assert energies == pytest.approx([drone.energy * factor for factor in (0.25, 1, 4, 100)])
    assert radio_cost(flat(4, 2), powers(1, 4), diameter=40e-9, exponent=3.0).energy == pytest.approx(8 * 8 * 10e-15)
    sizes = [radio_cost(flat(*size), powers(1, size[0])) for size in ((4, 2), (4, 3), (8, 3), (8, 3, 2), (8, 4, 2))]
    assert all(small.energy < large.energy for small, large in pairwise(sizes))


def test_copies_trained_side_by_side_count_once():
    one, many = flat(6, 4, 3), flat(6, 4, 3, members=(5,))
    x = powers(7, 6)
    alone, together = radio_cost(one, x), radio_cost(many, x)
    for name in ("resonators", "oscillators", "synaptic_operations", "neuron_operations", "macs", "energy"):
        assert getattr(alone, name) == getattr(together, name)
    assert together.wave_power == pytest.approx(alone.wave_power, rel=0.5)  # other weights, the same order


def test_a_short_chain_saves_resonators_but_not_products():
    grid = plan("geometric", 64, Band())
    chains = ResonatorChains(grid, 10, plan("geometric", 8, Band()))
    cost = radio_cost(RadioNetwork([chains]), powers(2, 64))
    assert (cost.resonators, cost.macs, cost.oscillators) == (80, 640, 0)


def test_a_filter_that_slides_works_once_per_position():
    layer = RFConv2d(1, 3, 2, linewidth=0.01)
    cost = radio_cost(layer, 1e-6 * powers(2, 1, 5, 5))
    assert (cost.resonators, cost.synaptic_operations, cost.macs) == (3 * 4, 3 * 4 * 16, 3 * 4 * 16)
    assert cost.layers[0].steps == 16
    assert cost.latency == pytest.approx(16 * 5 * cost.layers[0].response)


def test_a_filter_at_all_positions_at_once_has_more_devices_and_one_step():
    layer = RFConv2d(1, 3, 2, layout="parallel", image=(4, 4), linewidth=0.01)
    cost = radio_cost(layer, 1e-6 * powers(2, 1, 4, 4))
    assert (cost.resonators, cost.synaptic_operations, cost.layers[0].steps) == (3 * 9 * 4, 3 * 9 * 4, 1)
    assert cost.macs == 3 * 9 * 4


def test_taps_in_the_padding_have_no_resonator():
    layer = RFConv2d(1, 2, 3, padding=1, layout="parallel", image=(4, 4), linewidth=0.01)
    inside = 2 * (2 + 3 + 3 + 2) ** 2  # pixels under the windows along one side of the image
    assert radio_cost(layer, 1e-6 * powers(1, 1, 4, 4)).resonators == inside


def test_one_oscillator_serves_all_positions_of_its_channel():
    network = RadioNetwork([RFConv2d(1, 3, 2, linewidth=0.01), Oscillators(3, dimension=-3)])
    cost = radio_cost(network, powers(2, 1, 5, 5))
    assert (cost.oscillators, cost.neuron_operations) == (3, 3 * 16)


def test_digital_figures_are_products_of_the_constants(drone):
    assert drone.digital_energy == pytest.approx(34_048 * 39e-12 * 3.3)
    assert drone.digital_latency == pytest.approx(34_048 / 80e6)
    assert drone.advantage == pytest.approx(drone.digital_energy / drone.energy)
    assert replace(drone, digital=INT8).digital_energy == pytest.approx(34_048 * 0.23e-12)
    assert INT8.mac_energy < FLOAT32.mac_energy < CORTEX_M4.mac_energy


def test_every_constant_is_named_in_the_assumptions(drone):
    text = " ".join(drone.assumptions)
    for said in ("10 fJ", "100 fJ", "assumed", "data sheet", "39 uA/MHz", "power of 2"):
        assert said in text


def test_counting_leaves_no_hooks_behind():
    network = flat(4, 2)
    radio_cost(network, powers(1, 4))
    assert not any(layer._forward_hooks for layer in network.modules())


@pytest.mark.parametrize("wrong", [{"diameter": -20e-9}, {"diameter": 0.0}, {"settling": 0.0}, {"exponent": -1.0}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        radio_cost(flat(4, 2), powers(1, 4), **wrong)


def test_another_diameter_must_be_positive(drone):
    with pytest.raises(InputError, match="diameter"):
        drone.at(-1e-9)
    with pytest.raises(InputError, match="mac_energy"):
        Digital("wrong", 0.0, 0.0, ())


@pytest.mark.parametrize("network", [nn.Linear(4, 2), RadioNetwork([Oscillators(4)])])
def test_a_network_without_chains_is_refused(network):
    with pytest.raises(InputError, match="no chains"):
        radio_cost(network, powers(1, 4))


def test_a_layer_that_cannot_be_counted_is_named():
    class Strange(RadioLayer):
        def forward(self, x):
            return x

    with pytest.raises(InputError, match="Strange"):
        radio_cost(Strange(), powers(1, 4))
