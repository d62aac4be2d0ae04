"""A network on its way onto devices: sliding, calibrated, tuned."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.learning import (
    FreshInstances,
    Slide,
    Sliding,
    Training,
    calibrate_drive,
    fashion_cnn,
    fit,
    only_last_layer,
    refresh_batch_norm,
    replace_activations,
    scale_drive,
)
from spinloom.nn import Converters, DeviceActivation, device_layers, to_hardware


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0, 1))
def test_the_activation_lies_between_the_two(share):
    x = torch.linspace(-3, 3, 61)
    expected = (1 - share) * torch.relu(x) + share * torch.tanh(x)
    torch.testing.assert_close(Sliding(share)(x), expected)


def test_the_way_takes_its_part_of_the_training():
    model, seen = nn.Sequential(nn.Linear(2, 2), Sliding(), nn.Sequential(Sliding())), []
    for step in range(10):
        Slide(0.5)(model, step, 10)
        seen.append([module.share for module in model.modules() if isinstance(module, Sliding)])
    assert seen == [[min(1.0, step / 5)] * 2 for step in range(10)]


def test_a_relu_network_becomes_a_tanh_network_that_still_classifies():
    train, how = quarters(), Training(epochs=6, batch=32, rate=0.01, weight_decay=1e-4)
    network = replace_activations(fashion_cnn((1, 8, 8), 4, (8,), 16), nn.Tanh, nn.ReLU)
    fit(network, train, how)
    names = list(network.state_dict())
    replace_activations(network, nn.ReLU, Sliding)
    losses = fit(network, train, Training(epochs=3, batch=32, rate=0.003), before_step=Slide(0.4))
    replace_activations(network, Sliding, nn.Tanh)
    assert list(network.state_dict()) == names
    assert losses[-1] < 0.2
    assert not any(isinstance(module, Sliding | nn.ReLU) for module in network.modules())


def test_one_module_under_two_names_is_replaced_under_both():
    model = nn.Module()
    model.act = nn.Tanh()
    model.again, model.inner = model.act, nn.Sequential(model.act, nn.Linear(2, 2), model.act)
    replace_activations(model, nn.Tanh, Sliding)
    assert all(isinstance(module, Sliding) for module in (model.act, model.again, model.inner[0], model.inner[2]))


def test_modes_are_kept_and_absent_kinds_named():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh()).eval()
    assert not replace_activations(model, nn.Tanh, Sliding)[1].training
    with pytest.raises(InputError, match="no ReLU"):
        replace_activations(model, nn.ReLU, nn.Tanh)
    with pytest.raises(InputError, match="part"):
        Slide(1.5)


def steep(gain: float, sigma: float = 0.0) -> Response:
    x = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    value = torch.tanh(gain * x)[None]
    return Response(x, value, gain * (1 - value**2), torch.full_like(value, sigma), 1.0)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 12), nn.Tanh(), nn.Linear(12, 3))


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(0.3, 3.0))
def test_devices_of_another_gain_get_the_inverse_drive_scale(gain):
    software, inputs = network(), torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    hardware = to_hardware(software, steep(gain), example_input=inputs[:1])
    scales = calibrate_drive(hardware, software, inputs)
    assert list(scales) == ["1", "3"]
    assert list(scales.values()) == pytest.approx([1 / gain] * 2, rel=5e-3)
    torch.testing.assert_close(hardware(inputs), software(inputs), atol=2e-3, rtol=0)


def test_noise_does_not_mislead_it():
    software, inputs = network(), torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    hardware = to_hardware(software, steep(2.0, sigma=0.05), example_input=inputs[:1])
    scales = calibrate_drive(hardware, software, inputs)
    assert list(scales.values()) == pytest.approx([0.5, 0.5], rel=0.03)


def test_devices_that_fit_stay_as_they_are():
    software, inputs = network(), torch.randn(64, 6)
    hardware = to_hardware(software, steep(1.0), example_input=inputs[:1])
    assert list(calibrate_drive(hardware, software, inputs).values()) == pytest.approx([1.0, 1.0], abs=2e-3)


def test_scaling_the_drive_scales_value_and_slope():
    plain, scaled = DeviceActivation(steep(1.0)), DeviceActivation(steep(1.0))
    scale_drive(scaled, 1.7)
    x = torch.linspace(-2, 2, 50)[None].requires_grad_()
    y = x.detach().clone().mul(1.7).requires_grad_()
    there, here = scaled(x), plain(y)
    torch.testing.assert_close(there, here, atol=1e-5, rtol=0)
    there.sum().backward()
    here.sum().backward()
    torch.testing.assert_close(x.grad, 1.7 * y.grad, atol=1e-5, rtol=1e-4)


def test_a_calibrated_layer_comes_back_from_its_state_with_its_converter():
    def layer() -> DeviceActivation:
        return DeviceActivation(steep(1.0), converters=Converters(slope=3))

    def slopes(of: DeviceActivation) -> torch.Tensor:
        x = torch.linspace(-2, 2, 50)[None].requires_grad_()
        return torch.autograd.grad(of(x).sum(), x)[0]

    scaled, other = layer(), layer()
    scale_drive(scaled, 1.7)
    wanted, before = slopes(scaled), slopes(other)
    other.load_state_dict(scaled.rewind().state_dict())
    assert torch.equal(slopes(other), wanted)
    state = layer().state_dict()
    del state["drive_scale"]  # as states were before
    other.load_state_dict(state)
    assert torch.equal(slopes(other), before)


def test_layers_that_shared_a_table_are_scaled_one_by_one():
    hardware = to_hardware(network(), steep(1.0), example_input=torch.zeros(1, 6))
    first, second = device_layers(hardware).values()
    scale_drive(first, 2.0)
    assert float(second.grid[1]) * 2 == pytest.approx(float(first.grid[1]))


def test_a_functional_activation_has_no_counterpart():
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.inner(x))

    software = Functional()
    hardware = to_hardware(software, steep(1.0), example_input=torch.zeros(1, 6))
    with pytest.raises(InputError, match="activation module for every place"):
        calibrate_drive(hardware, software, torch.zeros(4, 6))


def test_batch_norms_take_the_statistics_of_what_they_now_see():
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2))
    model.train()
    model[3].eval()
    inputs = 3 + 2 * torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    refresh_batch_norm(model, inputs, batch=100)
    with torch.no_grad():
        seen = model[0](inputs)
    torch.testing.assert_close(model[1].running_mean, seen.mean(0), atol=1e-4, rtol=1e-4)
    parts = torch.stack([part.var(0) for part in seen.split(100)]).mean(0)
    torch.testing.assert_close(model[1].running_var, parts, atol=1e-4, rtol=1e-4)
    assert model[1].momentum == 0.1
    assert [module.training for module in model] == [True, True, True, False, True]
    with pytest.raises(InputError, match="fewer than one batch"):
        refresh_batch_norm(model, inputs[:50])


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_the_converter_of_slopes_follows_the_drive_scale(factor):
    scaled = DeviceActivation(steep(1.0), converters=Converters(slope=12))
    scale_drive(scaled, factor)
    x = torch.linspace(-1, 1, 51)[None].requires_grad_()
    scaled(x).sum().backward()
    true = factor * (1 - torch.tanh(factor * x.detach()) ** 2)
    torch.testing.assert_close(x.grad, true, atol=2 * factor / 2**12, rtol=0)


def test_a_network_that_fails_gets_its_modes_and_momenta_back():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(5, 2)).train()
    with pytest.raises(RuntimeError):
        refresh_batch_norm(model, torch.randn(8, 4), batch=4)
    assert all(module.training for module in model)
    assert model[0].momentum == 0.1


@pytest.mark.parametrize("act", [nn.Sigmoid(), nn.Hardtanh(0, 4)])
def test_the_centre_of_an_affine_is_no_drive_and_stays(act):
    software, inputs = nn.Sequential(nn.Linear(6, 20), act), 2 * torch.randn(64, 6)
    hardware = to_hardware(software, steep(2.0), example_input=inputs[:1])
    standard = to_hardware(software, steep(1.0), example_input=inputs[:1])
    scale_drive(hardware[1], 0.5)
    torch.testing.assert_close(hardware(inputs), standard(inputs), atol=1e-3, rtol=0)
    x = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(2 * hardware[1].drive(x), standard[1].drive(x))


def test_calibrating_again_changes_nothing():
    software, inputs = network(), torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    hardware = to_hardware(software, steep(2.0), example_input=inputs[:1])
    first = calibrate_drive(hardware, software, inputs)
    again = calibrate_drive(hardware, software, inputs)
    assert list(first.values()) == pytest.approx([0.5, 0.5], rel=5e-3)
    assert list(again.values()) == pytest.approx([1.0, 1.0], rel=5e-3)
    assert [layer.drive_scale for layer in device_layers(hardware).values()] == pytest.approx([0.5, 0.5], rel=5e-3)


class Backwards(nn.Module):
    """Layers that are registered from last to first, one that works twice, one that never works."""

    def __init__(self) -> None:
        super().__init__()
        self.unused, self.last, self.twice = nn.Tanh(), nn.Tanh(), nn.Tanh()
        self.start, self.weights, self.end = nn.Linear(6, 20), nn.Linear(20, 20), nn.Linear(20, 12)

    def forward(self, x):
        x = self.twice(self.start(x))
        if x.sum() > torch.inf:  # torch.fx cannot follow: one device layer for both calls
            return x
        return self.last(self.end(self.twice(input=3 * self.weights(x))))


def test_layers_are_calibrated_in_the_order_of_work_with_the_drives_of_all_calls():
    torch.manual_seed(0)
    software, inputs = Backwards().train(), torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    hardware = to_hardware(software, {"unused": steep(1.0), "last": steep(2.5), "twice": bent()})
    scales = calibrate_drive(hardware, software, inputs)
    assert list(scales) == ["unused", "last", "twice"]
    assert scales["unused"] == 1.0
    assert hardware.training
    found = device_layers(hardware)
    with torch.no_grad():
        first = hardware.start(inputs)
        drives = torch.cat([first, 3 * hardware.weights(found["twice"](first))])
        calibrated = (found["twice"](drives) - drives.tanh()).square().mean()
        seen = hardware.end(found["twice"](3 * hardware.weights(found["twice"](first))))
        torch.testing.assert_close(found["last"](seen), seen.tanh(), atol=5e-3, rtol=0)
        for factor in (0.97, 1.03):
            other = copy.deepcopy(found["twice"])
            scale_drive(other, factor)
            given = torch.cat([first, 3 * hardware.weights(found["twice"](first))])
            assert (other(given) - given.tanh()).square().mean() > calibrated


def bent() -> Response:
    """No tanh of any gain: the best scale depends on the drives."""
    x = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    value = (2 / torch.pi * torch.atan(2 * x))[None]
    return Response(x, value, 4 / torch.pi / (1 + 4 * x**2)[None], torch.zeros_like(value), 1.0)


def test_what_cannot_be_calibrated_is_refused_and_modes_come_back():
    software, inputs = network(), torch.randn(8, 6)
    hardware = to_hardware(software, steep(1.0), example_input=inputs)
    for wrong in (inputs[:0], inputs * torch.nan):
        with pytest.raises(InputError, match="inputs"):
            calibrate_drive(hardware, software, wrong)
    with pytest.raises(InputError, match="no device layer"):
        calibrate_drive(software, software, inputs)
    with pytest.raises(InputError, match="no activation '1'"):
        calibrate_drive(hardware, hardware, inputs)
    hardware[2].weight.data.fill_(torch.nan)
    with pytest.raises(InputError, match="layer '3'"):
        calibrate_drive(hardware, software, inputs)

    def fail(*_):
        raise KeyError("a hook of the user's own")

    hardware[4].register_forward_hook(fail)
    with pytest.raises(KeyError):
        calibrate_drive(hardware.train(), software, inputs)
    assert hardware.training
    assert not hardware[1]._forward_pre_hooks


def test_norms_that_cannot_be_measured_stay():
    torch.manual_seed(0)
    inputs = torch.randn(20, 6)
    plain = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    assert refresh_batch_norm(plain, inputs, 5) is plain
    fixed = nn.Sequential(nn.BatchNorm1d(6, track_running_stats=False), nn.BatchNorm1d(6)).train()
    refresh_batch_norm(fixed, inputs, 5)
    assert fixed[0].running_mean is None
    assert fixed[0].momentum == 0.1
    assert int(fixed[1].num_batches_tracked) == 4
    aside = nn.Sequential(nn.BatchNorm1d(6))
    aside[0].unused = nn.BatchNorm1d(6)
    aside[0].unused.running_mean.fill_(3.0)
    refresh_batch_norm(aside, inputs, 5)
    assert float(aside[0].unused.running_mean.mean()) == 3.0


@pytest.mark.parametrize(
    ("inputs", "batch"),
    [
        (torch.zeros(0, 6), 5),
        (torch.randn(20, 6), 0),
        (torch.randn(20, 6).index_fill(0, torch.tensor(19), torch.nan), 5),
    ],
)
def test_images_that_say_nothing_leave_the_statistics(inputs, batch):
    model = nn.Sequential(nn.BatchNorm1d(6))
    model[0].running_mean.fill_(3.0)
    with pytest.raises(InputError):
        refresh_batch_norm(model, inputs, batch)
    assert model[0].running_mean.tolist() == [3.0] * 6


BRIEF = Training(epochs=1, batch=32, rate=5e-3)


def spread_out() -> Response:
    x = torch.linspace(-4, 4, 201)
    value = torch.tanh(x * torch.linspace(0.5, 1.5, 32)[:, None])
    return Response(x, value, 1 - value**2, torch.full_like(value, 0.02), 1.0)


def on_devices() -> nn.Module:
    network = fashion_cnn((1, 8, 8), 4, (8,), 16)
    return to_hardware(network, spread_out(), example_input=torch.zeros(1, 1, 8, 8))


def test_only_the_last_layer_learns_and_all_is_as_before_afterwards():
    hardware = on_devices()
    before = {name: parameter.detach().clone() for name, parameter in hardware.named_parameters()}
    with only_last_layer(hardware) as last:
        fit(hardware, quarters(128), BRIEF)
    changed = {name for name, parameter in hardware.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == {"8.weight", "8.bias"}
    assert last is hardware.get_submodule("8")
    assert all(parameter.requires_grad for parameter in hardware.parameters())


def test_a_frozen_parameter_stays_frozen_after_an_error():
    hardware = on_devices()
    hardware.get_submodule("0").requires_grad_(False)
    with pytest.raises(RuntimeError, match="stop"), only_last_layer(hardware):
        raise RuntimeError("stop")
    assert [p.requires_grad for p in hardware.parameters()] == [False, False, True, True, True, True]


def test_a_network_without_weights_is_refused():
    with pytest.raises(InputError, match="no linear"), only_last_layer(nn.Sequential(nn.Tanh())):
        pass


def test_instances_are_fresh_every_few_steps_and_the_same_for_a_seed():
    drawn = []
    for seed in (0, 0, 1):
        hardware, hook = on_devices(), FreshInstances(every=2, seed=seed)
        seen = []
        for step in range(4):
            hook(hardware, step, 4)
            seen.append(next(iter(device_layers(hardware).values())).assignment.clone())
        assert torch.equal(seen[0], seen[1])
        assert not torch.equal(seen[1], seen[2])
        drawn.append(seen[2])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_noise_aware_training_resumes_to_the_same_weights(tmp_path):
    how = Training(epochs=2, batch=32, rate=5e-3)

    class KilledError(Exception):
        pass

    def kill(done, *_):
        if done == 6:
            raise KilledError

    whole, killed = on_devices(), on_devices()
    fit(whole, quarters(128), how, before_step=FreshInstances())
    with pytest.raises(KilledError):
        fit(killed, quarters(128), how, tmp_path / "state", kill, before_step=FreshInstances(), save_every=1e-9)
    resumed, steps = on_devices(), []
    fit(
        resumed,
        quarters(128),
        how,
        tmp_path / "state",
        lambda done, *_: steps.append(done),
        before_step=FreshInstances(),
    )
    assert steps[0] == 7  # a checkpoint stands within the epoch
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))
