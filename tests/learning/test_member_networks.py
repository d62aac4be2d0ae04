import pytest
import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.learning import Course, MemberMLP, accuracies, fit_members


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
