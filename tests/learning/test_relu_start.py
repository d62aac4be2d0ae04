"""From ReLU to tanh, gradually."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from toy_images import quarters

from spinloom.errors import InputError
from spinloom.learning import Slide, Sliding, Training, fashion_cnn, fit, replace_activations


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
