import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spinloom.errors import InputError
from spinloom.learning import count_parameters, fashion_cnn, fashion_cnn_like, mlp


def test_default_cnn_has_one_tanh_behind_each_pool_and_one_hidden_layer():
    kinds = [type(module) for module in fashion_cnn()]
    assert kinds.count(nn.Tanh) == 4
    assert all(kinds[i + 1] is nn.Tanh for i, kind in enumerate(kinds) if kind is nn.MaxPool2d)


def test_pooling_before_tanh_is_the_same_function_as_behind_it():
    network = fashion_cnn(channels=(4, 6), hidden=8)
    swapped = list(network)
    for i in (1, 4):
        assert isinstance(swapped[i], nn.MaxPool2d)
        swapped[i], swapped[i + 1] = swapped[i + 1], swapped[i]
    x = torch.randn(5, 1, 28, 28)
    torch.testing.assert_close(nn.Sequential(*swapped)(x), network(x))


@given(side=st.integers(8, 33), planes=st.integers(1, 3), classes=st.integers(2, 7))
def test_any_image_gives_one_logit_per_class(side, planes, classes):
    image = (planes, side, side + 1)
    x = torch.zeros(2, *image)
    assert fashion_cnn(image, classes, (2, 3), 4)(x).shape == (2, classes)
    assert mlp(image, classes, (5,))(x).shape == (2, classes)


def test_same_seed_same_weights():
    first, again, other = (fashion_cnn(channels=(3,), hidden=4, seed=s).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["0.weight"], other["0.weight"])


def test_initial_activations_stay_in_the_active_range():
    x = torch.randn(256, 1, 28, 28)
    hidden = mlp(hidden=(400,))[:2](x)
    assert 0.9 < hidden.detach().std() < 1.1


def test_a_network_is_rebuilt_from_the_shapes_of_its_weights_in_any_order():
    network = fashion_cnn((1, 20, 20), 3, (5, 7, 2), 11)
    shuffled = dict(sorted(network.state_dict().items()))
    rebuilt = fashion_cnn_like(shuffled, (1, 20, 20), 3)
    rebuilt.load_state_dict(shuffled)
    assert count_parameters(rebuilt) == count_parameters(network)


@pytest.mark.parametrize("image", [(1, 7, 28), (0, 28, 28)])
def test_an_image_that_the_pools_use_up_is_refused(image):
    with pytest.raises(InputError):
        fashion_cnn(image)
