"""Training of a part of a network, on one or on ever new devices."""

import pytest
import torch
from torch import nn
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.learning import FreshInstances, Training, fashion_cnn, fit, only_last_layer
from spinloom.nn import device_layers, to_hardware

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
