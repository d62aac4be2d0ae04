"""What a layer of devices promises, as tests that any layer, ours or a user's, gets by inheriting them."""

import copy
import math
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from spinloom.nn import HardwareLayer, LayerUse, hardware_layers, resample
from spinloom.testing.device import refused


class HardwareLayerContract:
    """Inherit it in a test class, give `layer()` and `inputs()`, and pytest runs every promise.

        class TestMyLayer(HardwareLayerContract):
            def layer(self):
                return MyLayer(spread=0.05, noise=0.01)

            def inputs(self):
                return torch.rand(4, 12)

    layer: a new layer, each time the same, whose devices differ and whose reads are noisy (`spreads`, `noisy` say
    where they do not). inputs: (batch, ...) of at least two rows that differ, away from kinks of the layer; where
    another axis is that of the batch, `batch_axis` names it.
    wrong_inputs: those that must raise InputError. derives: whether its gradient is the derivative of its output, which
    a slope that is read from devices need not be. A failure names the promise that is broken.
    """

    spreads, noisy, derives = True, True, True
    batch_axis = 0
    tolerance = 1e-4
    """Relative, of gradients against finite differences and of a row alone against the row in its batch."""

    def layer(self) -> HardwareLayer:
        raise NotImplementedError("give the contract a method layer() that makes your layer")

    def inputs(self) -> torch.Tensor:
        raise NotImplementedError("give the contract a method inputs() with a batch that your layer takes")

    def wrong_inputs(self) -> tuple[torch.Tensor, ...]:
        return ()

    def made(self, seed: int = 1) -> Any:
        """The layer, fabricated from a seed."""
        layer = self.layer()
        assert isinstance(layer, HardwareLayer), f"{type(layer).__name__} must derive from spinloom.nn.HardwareLayer"
        assert layer.resample(seed) is layer, "resample(seed) must return the layer"
        return layer

    def reads(self, layer: nn.Module, times: int = 2) -> torch.Tensor:
        with torch.no_grad():
            return torch.stack([layer(self.inputs()) for _ in range(times)])

    def test_every_input_gives_its_own_output(self) -> None:
        layer, x, axis = self.made().ideal(), self.inputs(), self.batch_axis
        whole, count = layer(x).detach(), x.shape[axis]
        assert whole.shape[axis : axis + 1] == (count,), (
            f"one output for each of {count} inputs, got {tuple(whole.shape)}"
        )
        assert bool(whole.isfinite().all()), "outputs must be finite"
        alone = torch.cat([layer(row) for row in x.split(1, axis)], axis).detach()
        close = torch.allclose(alone, whole, rtol=self.tolerance, atol=self.tolerance * float(whole.abs().max()))
        assert close, "without noise an input must give the same output alone and in a batch"

    def test_the_seed_decides_devices_and_noise(self) -> None:
        first = self.reads(self.made())
        assert torch.equal(first, self.reads(self.made())), "the same seed must repeat devices and noise"
        layer = self.made(2)
        other = self.reads(layer)
        assert not torch.equal(first, other) or not (self.spreads or self.noisy), "another seed must give another layer"
        assert torch.equal(first, self.reads(layer.resample(1))), "resample(seed) must give what the seed gave before"
        network = nn.Sequential(layer)
        assert hardware_layers(network) == {"0": layer}, "a network must find the layer"
        once = self.reads(resample(network, 5))
        assert torch.equal(once, self.reads(resample(network, 5))), "nn.resample must repeat it too"

    def test_randomness_is_its_own(self) -> None:
        torch.manual_seed(0)
        before = torch.get_rng_state()
        self.reads(self.made())
        assert torch.equal(before, torch.get_rng_state()), "a layer must not draw from torch's global generator"

    def test_ideal_and_real_switch_spread_and_noise(self) -> None:
        layer = self.made()
        assert layer.ideal() is layer, "ideal() must return the layer"
        planned = self.reads(layer)
        assert torch.equal(planned[0], planned[1]), "ideal() must turn the noise off"
        assert torch.equal(planned, self.reads(self.made(2).ideal())), "ideal devices must not depend on the seed"
        quiet = self.reads(layer.real(read_noise=False))
        assert torch.equal(quiet[0], quiet[1]), "real(read_noise=False) must turn the noise off"
        assert not self.spreads or not torch.equal(quiet, planned), "real() must bring the spread back"
        loud = self.reads(layer.real(spread=False))
        assert not self.noisy or not torch.equal(loud[0], loud[1]), "real(spread=False) must leave the noise on"
        assert torch.equal(self.reads(layer.real().rewind()), self.reads(self.made())), "real() must bring all back"

    def test_noise_is_new_at_every_read_and_rewind_repeats_it(self) -> None:
        layer = self.made()
        first = self.reads(layer, 3)
        assert not self.noisy or not torch.equal(first[0], first[1]), "noise must be new at every read"
        assert torch.equal(first, self.reads(layer.rewind(), 3)), "rewind() must repeat the noise since resampling"

    def test_training_and_evaluation_mode_change_nothing(self) -> None:
        training = self.reads(self.made().train())
        assert torch.equal(training, self.reads(self.made().eval())), "eval() and train() must change nothing"

    def test_a_state_dict_restores_devices_and_noise(self) -> None:
        layer = self.made()
        self.reads(layer, 1)
        other = self.made(2)
        other.load_state_dict(copy.deepcopy(layer.state_dict()))
        assert torch.equal(self.reads(layer), self.reads(other)), "a layer with the state of another must act like it"

    def test_a_copy_is_the_same_and_of_its_own(self) -> None:
        layer = self.made()
        twin = copy.deepcopy(layer)
        self.reads(twin.resample(3))
        self.reads(twin.ideal())
        assert torch.equal(self.reads(copy.deepcopy(layer)), self.reads(layer)), "a deep copy must act like the layer"
        assert torch.equal(self.reads(layer.rewind()), self.reads(self.made())), "a deep copy must be of its own"

    def test_gradients_reach_inputs_and_parameters(self) -> None:
        layer, x = self.made().double().ideal(), self.inputs().double()
        moved = {"input": x, **{name: p for name, p in layer.named_parameters() if p.requires_grad}}
        source = torch.Generator().manual_seed(0)
        weights = torch.randn(layer(x).shape, generator=source, dtype=x.dtype)
        for name, value in moved.items():
            value.requires_grad_(True)
            (gradient,) = torch.autograd.grad((layer(x) * weights).sum(), value, allow_unused=True)
            assert gradient is not None, f"a gradient must reach {name}"
            assert bool(gradient.isfinite().all()), f"the gradient of {name} must be finite"
            width = value.detach().abs() if name == "input" else torch.ones_like(value)
            step = 1e-6 * width * torch.randn(value.shape, generator=source, dtype=value.dtype)
            with torch.no_grad():
                value.add_(step)
                above = (layer(x) * weights).sum()
                value.sub_(2 * step)
                below = (layer(x) * weights).sum()
                value.add_(step)
            rise, told = float(above - below), float(2 * (gradient * step).sum())
            size = float(2 * (gradient * step).abs().sum())
            close = math.isclose(rise, told, rel_tol=self.tolerance, abs_tol=self.tolerance * size)
            assert close or not self.derives, f"the gradient of {name} must be the derivative: {told:g} for {rise:g}"

    def test_it_knows_its_devices_and_what_a_call_costs(self) -> None:
        layer, x = self.made(), self.inputs()
        output = layer(x).detach()
        count = layer.count_devices()
        assert isinstance(count, int), f"count_devices() must be a number of devices, got {count!r}"
        assert count > 0, "a layer must have devices"
        assert layer.resample(2).count_devices() == count, "another instance must have as many devices"
        axis, many = self.batch_axis, x.shape[self.batch_axis]
        use = layer.cost(x, output, many)
        assert isinstance(use, LayerUse), f"cost() must give a spinloom.nn.LayerUse, got {type(use).__name__}"
        assert use.kind, "cost() must name the kind of the devices"
        assert use.devices == count, f"cost() must count all {count} devices, got {use.devices}"
        for name in {field.name for field in fields(use)} - {"drive", "band"}:
            number = getattr(use, name)
            fits = not isinstance(number, int | float) or 0 <= number < math.inf
            assert fits, f"cost must be finite and >= 0, got {name} = {number}"
        twice = layer.cost(torch.cat([x, x], axis), torch.cat([output, output], axis), 2 * many)
        assert twice.operations == use.operations, "cost is that of one input: twice the batch must not change it"

    def test_mistakes_are_named(self) -> None:
        for number, wrong in enumerate(self.wrong_inputs()):
            with refused(f"wrong_inputs()[{number}]"):
                self.made()(wrong)
        with refused("a seed that is none"):
            self.layer().resample("one")  # type: ignore[arg-type]
