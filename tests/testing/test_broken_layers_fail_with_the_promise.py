"""A user's layer passes the contract by inheriting it, and one that breaks a promise fails with its name."""

import pytest
import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.nn import HardwareLayer, LayerUse
from spinloom.testing import HardwareLayerContract


class Amplifiers(HardwareLayer):
    """y = gain x: every amplifier has its gain, every read its noise."""

    def __init__(self, units: int = 3) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((units,), 2.0))
        self.register_factors("gain_factor")

    def draw(self, source):
        self.gain_factor = 1 + 0.1 * torch.randn(self.gain.shape, generator=source)

    def forward(self, x):
        if x.shape[1:] != self.gain.shape:
            raise InputError(f"{len(self.gain)} amplifiers, got {tuple(x.shape)}")
        return self.noisy(x * self.gain * self.factor("gain_factor"), 0.01)

    def count_devices(self):
        return len(self.gain)

    def cost(self, given, output, examples):
        return LayerUse("amplifier", len(self.gain), output.numel() // examples, energy=1e-12)


class Contract(HardwareLayerContract):
    kind: type[HardwareLayer] = Amplifiers

    def layer(self):
        return self.kind()

    def inputs(self):
        return torch.randn(4, 3, generator=torch.Generator().manual_seed(0))

    def wrong_inputs(self):
        return (torch.ones(4, 2),)


class TestAmplifiers(Contract):
    pass


class GlobalNoise(Amplifiers):
    def forward(self, x):
        return super().forward(x) + 0.01 * torch.randn(x.shape)


class QuietInEval(Amplifiers):
    def noisy(self, value, deviation):
        return super().noisy(value, deviation) if self.training else value


class NeverIdeal(Amplifiers):
    def real(self, *, spread=True, read_noise=True):
        return self


class OneReading(Amplifiers):
    def noisy(self, value, deviation):
        return (
            super().noisy(value, deviation) if self._noise is None else super().rewind() and super().noisy(value, 0.01)
        )


class ForgetsItsDevices(Amplifiers):
    def draw(self, source):
        self.kept = 1 + 0.1 * torch.randn(self.gain.shape, generator=source)

    def factor(self, name):
        return self.kept if self.spread else 1.0


class WrongSlope(Amplifiers):
    def forward(self, x):
        return super().forward(x) + (x - x.detach())


class Detached(Amplifiers):
    def forward(self, x):
        return super().forward(x.detach())


class MixesTheBatch(Amplifiers):
    def forward(self, x):
        return super().forward(x - x.mean(0))


class PaysForTheBatch(Amplifiers):
    def cost(self, given, output, examples):
        return LayerUse("amplifier", len(self.gain), output.numel())


class Earns(Amplifiers):
    def cost(self, given, output, examples):
        return LayerUse("amplifier", len(self.gain), 3, energy=-1.0)


class TakesAnything(Amplifiers):
    def forward(self, x):
        return self.noisy(x[:, :1] * self.gain * self.factor("gain_factor"), 0.01)


class NoCost(Amplifiers):
    cost = HardwareLayer.cost


@pytest.mark.parametrize(
    ("kind", "test", "promise"),
    [
        (nn.Tanh, "test_the_seed_decides_devices_and_noise", "must derive from spinloom.nn.HardwareLayer"),
        (GlobalNoise, "test_the_seed_decides_devices_and_noise", "the same seed must repeat devices and noise"),
        (GlobalNoise, "test_randomness_is_its_own", "torch's global generator"),
        (QuietInEval, "test_training_and_evaluation_mode_change_nothing", "must change nothing"),
        (NeverIdeal, "test_ideal_and_real_switch_spread_and_noise", "turn the noise off"),
        (OneReading, "test_noise_is_new_at_every_read_and_rewind_repeats_it", "new at every read"),
        (ForgetsItsDevices, "test_a_state_dict_restores_devices_and_noise", "state of another"),
        (WrongSlope, "test_gradients_reach_inputs_and_parameters", "gradient of input must be the derivative"),
        (Detached, "test_gradients_reach_inputs_and_parameters", "a gradient must reach input"),
        (MixesTheBatch, "test_every_input_gives_its_own_output", "alone and in a batch"),
        (PaysForTheBatch, "test_it_knows_its_devices_and_what_a_call_costs", "twice the batch"),
        (Earns, "test_it_knows_its_devices_and_what_a_call_costs", "cost must be finite and >= 0, got energy"),
        (TakesAnything, "test_mistakes_are_named", "is an InputError; found no error"),
    ],
)
def test_a_broken_promise_is_named(kind, test, promise):
    contract = Contract()
    contract.kind = kind
    with pytest.raises((AssertionError, pytest.fail.Exception), match=promise):
        getattr(contract, test)()


def test_a_layer_without_a_cost_says_what_to_give_it():
    layer = NoCost()
    with pytest.raises(InputError, match="cannot count what NoCost costs"):
        layer.cost(torch.ones(1, 3), torch.ones(1, 3), 1)
