"""Plain networks: for images, and many side by side."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spinloom.errors import InputError
from spinloom.learning import (
    Course,
    MemberMLP,
    accuracies,
    count_parameters,
    fashion_cnn,
    fashion_cnn_like,
    fit_members,
    mlp,
)


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


def test_every_member_is_the_network_of_its_parameters():
    network = MemberMLP((5, 4, 3), (7, 8))
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    found = network(x)
    assert found.shape == (2, 6, 3)
    for member in range(2):
        alone = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
        with torch.no_grad():
            for number, layer in enumerate((alone[0], alone[2])):
                layer.weight.copy_(network.weights[number][member])
                layer.bias.copy_(network.biases[number][member, 0])
        torch.testing.assert_close(found[member], alone(x))
    own = torch.stack([x, 2 * x])
    torch.testing.assert_close(network(own)[0], found[0])
    torch.testing.assert_close(network(own)[1], network(2 * x)[1])


def test_a_member_depends_on_its_seed_alone():
    together, alone = MemberMLP((5, 4, 3), (7, 8)), MemberMLP((5, 4, 3), (8,))
    for one, two in zip(together.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one[1], two[0])
        assert not torch.equal(one[0], one[1])
    assert float(together.weights[0].detach().abs().max()) <= 5**-0.5


def test_members_trained_together_learn_what_they_learn_alone():
    source = torch.Generator().manual_seed(1)
    x = torch.randn(60, 5, generator=source)
    y = (x[:, 0] * x[:, 1] > 0).long()  # not linearly separable
    together, alone = MemberMLP((5, 16, 2), (3, 4)), MemberMLP((5, 16, 2), (4,))
    fit_members(together, x, y, Course(epochs=60, batch=32, rate=0.03, seeds=(3, 4)))
    fit_members(alone, x, y, Course(epochs=60, batch=32, rate=0.03, seeds=(4,)))
    torch.testing.assert_close(together(x)[1], alone(x)[0], atol=1e-2, rtol=1e-2)
    assert float(accuracies(together, x, y).min()) > 0.9


@pytest.mark.parametrize(("sizes", "seeds"), [((5,), (0,)), ((5, 0), (0,)), ((5, 3), ())])
def test_networks_that_cannot_be_are_refused(sizes, seeds):
    with pytest.raises(InputError, match="two sizes >= 1 and a seed"):
        MemberMLP(sizes, seeds)


def test_inputs_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"takes 5 inputs, got \(2, 4\)"):
        MemberMLP((5, 3), (0,))(torch.zeros(2, 4))
