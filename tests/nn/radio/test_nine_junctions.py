"""The physics of nine junctions in closed form, and what every fabricated layer of chains can do."""

import math

import pytest
import torch

from spinloom.data import draw_points
from spinloom.evaluation import radio_cost
from spinloom.learning import fabricate_restarts
from spinloom.nn.radio import Imperfections, NineJunctions, retune, thermal_fluctuation, tuning

SPREAD = Imperfections(0.05, 0.05, 0.05, 0.05, 0.05, temperature=300.0, power_noise=0.05)


def test_the_network_has_nine_junctions_and_costs_360_fj_at_20_nm():
    cost = radio_cost(NineJunctions(0.01), draw_points("exclusive or", 20, 0).places)
    assert (cost.resonators, cost.oscillators) == (6, 3)
    assert cost.energy == pytest.approx(6 * 10e-15 + 3 * 100e-15)


def test_the_output_power_passes_its_threshold_where_the_voltage_does():
    network = NineJunctions(0.01, (64,), seed=1)
    current, xi = 31e-6, 3.1
    assert network.threshold == pytest.approx(1.25 * (xi - 1) / (xi + 2) * 1e3 * current**2)
    with torch.no_grad():
        for layer in network.chains:
            layer.offset.normal_(0.5, 1, generator=torch.Generator().manual_seed(2))
        x = draw_points("exclusive or", 400, 0).places
        distance = network.logits(network.core(x))[..., 1]
        clear = distance.abs() > 1e-3
        assert torch.equal((distance > 0)[clear], network.classes(x).bool()[clear])
        assert 0 < float(network.classes(x).float().mean()) < 1


def test_tuning_brings_every_resonance_to_its_place_relative_to_the_lines():
    network = NineJunctions(0.01, (4,))
    fabricate_restarts(network, SPREAD, 4, 1)
    for layer in network.chains:
        torch.nn.init.zeros_(layer.shift)
    retune(network)
    for layer in network.chains:
        lines = layer.input_frequencies().unsqueeze(-2).expand(4, layer.chains, 2)
        torch.testing.assert_close(layer.resonances().detach(), lines, rtol=1e-5, atol=0)
        assert torch.equal(layer.shift.detach(), tuning(layer))


def test_thermal_fluctuation_is_the_width_of_the_stationary_distribution():
    xi, quality, scale = 2.5, 2.0, 1_000.0
    p = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    excess = 1 - xi * (1 - p) / (1 + quality * p)
    exponent = -scale * torch.cat((p.new_zeros(1), torch.cumulative_trapezoid(excess, p)))
    density = (exponent - exponent.max()).exp()
    density /= density.sum()
    mean = float((p * density).sum())
    deviation = math.sqrt(float(((p - mean) ** 2 * density).sum()))
    assert thermal_fluctuation(300.0) == pytest.approx(deviation / mean, rel=0.02)  # linearised
    assert thermal_fluctuation(75.0) == pytest.approx(thermal_fluctuation(300.0) / 2)
    assert thermal_fluctuation(0.0) == 0
