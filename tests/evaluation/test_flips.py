import pytest
import torch
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.evaluation import Examples, flip_weights, quadratic_task, rank_correlation
from spinloom.learning import MetaplasticAdam, binary_mlp
from spinloom.nn import BinaryLinear


def digits(seed=0, count=400):
    """Four classes by which quarter of 24 noisy inputs is bright."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    bright = F.one_hot(labels, 4).repeat_interleave(6, 1)
    return Examples(bright + 0.8 * torch.randn(count, 24, generator=source), labels)


def trained(steps=150):
    examples, model = digits(), binary_mlp((24, 40, 4), running_statistics=False, seed=0)
    optimiser = MetaplasticAdam(model.parameters(), lr=0.01)
    for _ in range(steps):
        loss = F.cross_entropy(model(examples.inputs), examples.labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model, examples


def test_an_increase_is_that_of_the_network_with_these_weights_turned_round():
    model, examples = trained()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    layer = model[4]
    found = flip_weights(model, layer, examples, 1, bins=160, draws=1)
    assert found.hidden.shape == found.increase.shape == (160, 1)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert model.training
    at = layer.weight.detach().abs().flatten().argsort()
    for place in (0, 77, 159):  # a bin is one weight
        with torch.no_grad():
            start = F.cross_entropy(model(examples.inputs), examples.labels)
            layer.weight.view(-1)[at[place]] *= -1
            after = F.cross_entropy(model(examples.inputs), examples.labels)
            layer.weight.view(-1)[at[place]] *= -1
        assert found.increase[place, 0].item() == pytest.approx((after - start).item(), abs=1e-6)
        torch.testing.assert_close(found.hidden[place, 0], layer.weight.detach().abs().view(-1)[at[place]])


def test_large_hidden_weights_cost_more_to_turn_round():
    model, examples = trained()
    for layer in (model[1], model[4]):
        found = flip_weights(model, layer, examples, 6, bins=10, draws=8, seed=1)
        assert found.rank_correlation > 0.3  # by chance of 80 draws: +-0.11


def test_a_hidden_weight_of_zero_is_turned_round_too():
    model = binary_mlp((24, 40, 4), running_statistics=False)
    model[4].weight.data.zero_()  # all signs +1: turned round, the sums are, and the norms turn logits
    examples = digits()
    assert flip_weights(model, model[4], examples, 160, bins=1, draws=1).increase.abs() < 1e-5
    assert flip_weights(model, model[4], examples, 40, bins=4, draws=1).increase.abs().max() > 1e-3


def test_draws_repeat_with_their_seed():
    model, examples = trained(20)
    one, again, other = (flip_weights(model, model[1], examples, 5, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.increase, again.increase)
    assert not torch.equal(one.increase, other.increase)


def test_what_cannot_be_turned_round_is_refused():
    model, examples = binary_mlp((24, 40, 4)), digits()
    with pytest.raises(InputError, match="9 weights cannot be drawn from 20 bins of 8"):
        flip_weights(model, model[4], examples, 9)
    with pytest.raises(InputError, match="not of this network"):
        flip_weights(model, BinaryLinear(24, 40), examples, 1)
    with pytest.raises(InputError, match="draws"):
        flip_weights(model, model[4], examples, 1, draws=0)


@pytest.mark.parametrize("seed", range(3))
def test_on_a_quadratic_loss_the_price_is_a_line_in_the_hidden_weight(seed):
    task = quadratic_task(200, steps=2000, seed=seed)
    torch.testing.assert_close(task.settled, 2 * task.curvature + 2 * task.hidden.abs() / task.drift)
    assert rank_correlation(task.hidden.abs(), task.increase) > 0.3  # by chance of 200 weights: +-0.07


def test_a_flip_on_a_quadratic_loss_costs_what_the_loss_says():
    source = torch.Generator().manual_seed(4)
    task = quadratic_task(30, steps=100, seed=4)
    root = torch.randn(30, 30, generator=source, dtype=torch.float64)
    target, signs = torch.randn(30, generator=source, dtype=torch.float64), task.hidden.sign()
    matrix = root @ root.T / 30

    def loss(w):
        return (w - target) @ matrix @ (w - target) / 2

    for place in range(30):
        turned = signs.clone()
        turned[place] *= -1
        torch.testing.assert_close(task.increase[place], loss(turned) - loss(signs))
