"""In-situ training: pulses against a plain loop, hidden weights, and networks that learn on their memories."""

import pytest
import torch
from torch import nn

from spinloom.data import draw_points
from spinloom.devices import LinearMemory
from spinloom.errors import InputError
from spinloom.learning import Programming, Pulses, Targets
from spinloom.nn import DeviceLinear

QUIET = LinearMemory(read_noise=0.0, cycle_noise=0.0)


def layer(memory=QUIET, **options):
    made = DeviceLinear(3, 2, memory, bias=False, weight_range=1.0, **options)
    with torch.no_grad():
        made.weight.zero_()
    return made.resample(1)


def step(model, rule, gradient, times=1, rate=1.0):
    training = Programming(torch.optim.SGD(model.parameters(), rate), model, rule, seed=1)
    for _ in range(times):
        model.weight.grad = gradient.clone()
        training.step()
    return training


def test_the_change_becomes_a_rounded_clipped_number_of_pulses():
    model, each = layer(), 2 / 100
    gradient = -each * torch.tensor([[1.4, -1.6, 0.2], [30.0, -0.6, 0.0]])
    training = step(model, Pulses(remainder="drop"), gradient)
    pulses = torch.tensor([[1.0, -2, 0], [14, -1, 0]])
    torch.testing.assert_close(model.realised(), each * pulses, rtol=1e-4, atol=1e-6)
    assert torch.equal(model.weight, model.realised())
    assert training.spent.events == 2 * int(pulses.abs().sum())


def test_what_was_rounded_away_is_carried_or_counts_on_average():
    gradient = torch.full((2, 3), -0.3 * 2 / 100)
    dropped, carried, chance = layer(), layer(), layer()
    step(dropped, Pulses(remainder="drop"), gradient, 20)
    step(carried, Pulses(remainder="carry"), gradient, 20)
    step(chance, Pulses(remainder="stochastic"), gradient, 40)
    assert bool((dropped.realised() == 0).all())
    torch.testing.assert_close(carried.realised(), torch.full((2, 3), 6 * 2 / 100), rtol=1e-3, atol=1e-6)
    expected, deviation = 0.3 * 40 * 2 / 100, (0.3 * 0.7 * 40 / 6) ** 0.5 * 2 / 100
    assert float(chance.realised().mean()) == pytest.approx(expected, abs=4 * deviation)


def test_hidden_weights_gather_what_is_smaller_than_a_state():
    model = layer(tolerance=0.02)
    gradient = torch.full((2, 3), -0.03)
    training = step(model, Targets(), gradient, 1)
    assert training.spent.events == 0
    training = step(model, Targets(), gradient, 2)
    assert training.spent.events > 0
    torch.testing.assert_close(model.weight.detach(), torch.full((2, 3), 0.09))
    assert float((model.realised() - model.weight).abs().max()) <= 2 * 2 * 0.02


def problem():
    points = draw_points("exclusive or", 200, 3)
    return (points.places * 2 - 1), points.labels


@pytest.mark.parametrize("rule", [Pulses(), Pulses(remainder="carry"), Targets()])
@pytest.mark.parametrize("optimiser", [torch.optim.Adam, torch.optim.SGD])
def test_a_network_learns_on_its_memories_with_any_optimiser(rule, optimiser):
    x, y = problem()
    memory = LinearMemory(steps=200, read_noise=0.002, cycle_noise=0.3)
    model = nn.Sequential(
        DeviceLinear(2, 16, memory, weight_range=3.0, seed=2),
        nn.Tanh(),
        DeviceLinear(16, 2, memory, weight_range=3.0, seed=3),
    )
    rate = 0.02 if optimiser is torch.optim.Adam else 0.5
    training = Programming(optimiser(model.parameters(), rate), model, rule, seed=4)
    for _ in range(120):
        training.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        training.step()
    right = (model(x).argmax(1) == y).float().mean()
    assert float(right) > 0.95
    assert training.spent.energy > 0


def test_mistakes_are_named():
    model = layer()
    with pytest.raises(InputError, match="no weight of a layer of memories"):
        Programming(torch.optim.SGD(nn.Linear(2, 2).parameters(), 0.1), model)
    with pytest.raises(InputError, match="no device layer"):
        Programming(torch.optim.SGD(nn.Linear(2, 2).parameters(), 0.1), nn.Linear(2, 2))
    with pytest.raises(InputError, match="most must be"):
        Pulses(most=0)
    with pytest.raises(InputError, match="unknown remainder"):
        Pulses(remainder="keep")
