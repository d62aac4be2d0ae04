"""Memristors that voltages switch: their contract, their law, and a network that keeps its weights in them."""

import math

import pytest
import torch

from spinloom.devices import HfO2Memory, HZOMemory, VoltageSwitchingMemory, find_memory
from spinloom.learning import Programming, Pulses
from spinloom.nn import DeviceLinear
from spinloom.testing import MemoryContract


class Switching(MemoryContract):
    @staticmethod
    def read_out(device):
        state = torch.tensor([50e-6, 70e-6], dtype=torch.float64)
        events = torch.tensor([1.0, -1.0], dtype=torch.float64)
        return 1e6 * (device.program(state, events, 1).sum() + device.read_deviation(state).sum()) + (
            1e9 * device.energy(state, events).sum() + device.change(torch.tensor([0.5]), torch.tensor([-3.0])).sum()
        )


class TestTiO2(Switching):
    device = VoltageSwitchingMemory()


class TestHZO(Switching):
    device = HZOMemory()


class TestHfO2(Switching):
    device = HfO2Memory()


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("tio2", (1.680, 0.944, 0.679, 1.125, 1.432, 1.092, 7.5)),
        ("hzo", (1.068, 1.580, 1.159, 0.474, 0.412, 0.944, 2.65)),
        ("hfo2", (1.017, 0.5, 0.961, 1.336, 0.804, 1.060, 4.0)),
    ],
)
def test_the_law_is_the_fitted_one(name, fit):
    memory = find_memory(name)
    up, up_ratio, steep, steep_ratio, near, near_ratio, window = fit
    low, high = memory.window
    assert float(high / low) == pytest.approx(window)
    w = torch.tensor([0.0, 0.3, 0.9], dtype=torch.float64)
    for extra in (0.01, 0.1):
        raised = memory.change(w, torch.tensor(-near - extra, dtype=torch.float64))
        lowered = memory.change(w, torch.tensor(near * near_ratio + extra, dtype=torch.float64))
        for k, one in enumerate(w.tolist()):
            size = math.exp(steep * extra) - 1
            assert float(raised[k]) == pytest.approx((1 - one) ** up * size, rel=0.12, abs=1e-4)
            size = math.exp(steep * steep_ratio * extra) - 1
            assert float(lowered[k]) == pytest.approx(-(one ** (up * up_ratio)) * size, rel=0.12, abs=1e-4)
    assert not memory.change(w, torch.tensor([0.0, -near * 0.99, near * near_ratio * 0.99])).any()


def test_pulses_act_one_after_the_other():
    memory = VoltageSwitchingMemory(cycle_noise=0.0)
    state = torch.linspace(20e-6, 90e-6, 8, dtype=torch.float64)
    once = state
    for _ in range(5):
        once = memory.program(once, torch.ones(8))
    torch.testing.assert_close(memory.program(state, torch.full((8,), 5.0)), once)


def test_a_layer_keeps_its_weights_in_such_devices_and_learns_by_pulses():
    layer = DeviceLinear(6, 3, VoltageSwitchingMemory())
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.5)
    programming = Programming(optimiser, layer, Pulses(most=4))
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    goal = x[:, :3] - x[:, 3:]
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = (layer(x) - goal).square().mean()
        loss.backward()
        programming.step()
        losses.append(float(loss.detach()))
    assert min(losses[-5:]) < 0.6 * losses[0]
