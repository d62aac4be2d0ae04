import math
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.learning import MetaplasticAdam, binary_mlp
from spinloom.nn import BinaryConv2d, Sign

TOLERANCE = {torch.float32: {"rtol": 2e-5, "atol": 2e-6}, torch.float64: {"rtol": 1e-12, "atol": 1e-13}}
"""Of weights after steps: of the compiled loop, and of PyTorch's operations."""


def plain(weights, gradients, *, lr, m, betas=(0.9, 0.999), eps=1e-8, decay=0.0):
    """The published rule, one number at a time. gradients: (steps, *weights.shape)."""
    moved = weights.double().flatten().tolist()
    for place in range(len(moved)):
        mean = square = 0.0
        for step, gradient in enumerate(gradients.double().flatten(1)[:, place].tolist(), 1):
            w = moved[place]
            g = gradient + decay * w
            mean, square = betas[0] * mean + (1 - betas[0]) * g, betas[1] * square + (1 - betas[1]) * g * g
            u = mean / (1 - betas[0] ** step) / (math.sqrt(square / (1 - betas[1] ** step)) + eps)
            sign = -1 if w < 0 else 1
            moved[place] = w - lr * u * ((1 - math.tanh(m * abs(w)) ** 2) if sign * u > 0 else 1)
    return torch.tensor(moved, dtype=torch.float64).view_as(weights)


def walk(weights, gradients, **settings):
    """The weights after one step for each gradient."""
    parameter = nn.Parameter(weights.clone())
    optimiser = MetaplasticAdam([parameter], **settings)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step()
    return parameter.detach()


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("m", [0.0, 1.35, 30.0])
def test_steps_are_those_of_the_rule(kind, m):
    source = torch.Generator().manual_seed(0)
    weights = torch.randn(7, 13, generator=source, dtype=kind)
    weights[0, :3] = torch.tensor([0.0, -0.0, 1e-30])
    gradients = torch.randn(12, 7, 13, generator=source, dtype=kind)
    found = walk(weights, gradients, lr=0.05, metaplasticity=m, weight_decay=0.01)
    wanted = plain(weights, gradients, lr=0.05, m=m, decay=0.01)
    torch.testing.assert_close(found.double(), wanted, **TOLERANCE[kind])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_loop_and_pytorch_agree_over_many_blocks(threads):
    source = torch.Generator().manual_seed(1)
    weights = torch.randn(400, 401, generator=source)
    gradients = torch.randn(4, 400, 401, generator=source)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = walk(weights, gradients, lr=0.02, metaplasticity=1.35)
    finally:
        torch.set_num_threads(before)
    wanted = walk(weights.double(), gradients.double(), lr=0.02, metaplasticity=1.35)
    torch.testing.assert_close(found.double(), wanted, **TOLERANCE[torch.float32])


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_without_metaplasticity_it_is_the_adam_of_pytorch(kind):
    source = torch.Generator().manual_seed(2)
    weights = torch.randn(9, 11, generator=source, dtype=kind)
    settings = {"lr": 0.03, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.02}
    mine, theirs = nn.Parameter(weights.clone()), nn.Parameter(weights.clone())
    ours, adam = MetaplasticAdam([mine], metaplasticity=0.0, **settings), torch.optim.Adam([theirs], **settings)
    for gradient in torch.randn(20, 9, 11, generator=source, dtype=kind):
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        ours.step()
        adam.step()
    torch.testing.assert_close(mine, theirs, **TOLERANCE[kind])


def test_only_steps_towards_zero_are_slowed():
    weights, gradient = torch.tensor([[2.0, 2.0, -2.0, -2.0]]), torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    moved = walk(weights, gradient[None], lr=0.1, metaplasticity=1.0) - weights
    small = 0.1 / math.cosh(2.0) ** 2
    torch.testing.assert_close(moved, torch.tensor([[-small, 0.1, -0.1, small]]), rtol=1e-4, atol=1e-6)


def test_each_layer_has_its_own_strength_and_norms_take_plain_steps():
    model = binary_mlp((6, 5, 3), start=0.5, seed=3)
    plain_model = deepcopy(model)
    first, second = model[1].weight, model[4].weight
    rest = [one for one in model.parameters() if one.ndim == 1]
    groups = [{"params": [first], "metaplasticity": 3.0}, {"params": [second, *rest]}]
    optimiser = MetaplasticAdam(groups, lr=0.1, metaplasticity=0.0)
    adam = torch.optim.Adam(plain_model.parameters(), lr=0.1)
    x, labels = torch.rand(20, 6, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 3
    for network, step in ((model, optimiser), (plain_model, adam)):
        F.cross_entropy(network(x), labels).backward()
        step.step()
    for name, parameter in model.named_parameters():
        same = torch.allclose(parameter, plain_model.get_parameter(name), rtol=1e-4, atol=1e-6)
        assert same == (name != "1.weight"), name


def test_convolutions_and_other_layouts_in_memory_learn():
    torch.manual_seed(0)
    model = nn.Sequential(BinaryConv2d(1, 4, 3), nn.BatchNorm2d(4), Sign(), nn.Flatten(), nn.Linear(4 * 36, 2))
    model.to(memory_format=torch.channels_last)
    x = torch.randn(64, 1, 8, 8)
    labels = (x[:, :, :4].mean((1, 2, 3)) > x[:, :, 4:].mean((1, 2, 3))).long()
    optimiser, losses = MetaplasticAdam(model.parameters(), lr=0.01), []
    for _ in range(60):
        loss = F.cross_entropy(model(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_shuffled_slowing_has_the_same_factors_elsewhere():
    source = torch.Generator().manual_seed(4)
    weights = torch.rand(20, 30, generator=source) + 0.1
    gradient = torch.ones(1, 20, 30)
    own, other, again = (
        weights - walk(weights, gradient, lr=0.1, metaplasticity=1.0, shuffled=seed) for seed in (None, 5, 5)
    )
    torch.testing.assert_close(own.flatten().sort().values, other.flatten().sort().values, rtol=1e-3, atol=1e-6)
    assert (own - other).abs().max() > 0.01
    assert torch.equal(other, again)


@pytest.mark.parametrize("shuffled", [None, 3])
def test_a_state_goes_on_where_it_was_saved(shuffled):
    source = torch.Generator().manual_seed(5)
    weights, gradients = torch.randn(6, 7, generator=source), torch.randn(6, 6, 7, generator=source)
    wanted = walk(weights, gradients, metaplasticity=2.0, shuffled=shuffled)
    parameter = nn.Parameter(weights.clone())
    optimiser = MetaplasticAdam([parameter], metaplasticity=2.0, shuffled=shuffled)
    for number, gradient in enumerate(gradients):
        if number == 3:
            state = deepcopy(optimiser.state_dict())
            optimiser = MetaplasticAdam([parameter], lr=1.0)
            optimiser.load_state_dict(state)
        parameter.grad = gradient.clone()
        optimiser.step()
    torch.testing.assert_close(parameter.detach(), wanted, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"metaplasticity": -1.0}, "metaplasticity must be finite and >= 0, got -1"),
        ({"metaplasticity": math.nan}, "metaplasticity"),
        ({"lr": 0.0}, "lr must be finite and > 0"),
        ({"eps": -1e-8}, "eps"),
        ({"weight_decay": math.inf}, "weight_decay"),
        ({"betas": (0.9, 1.0)}, r"betas must be two numbers in \[0, 1\)"),
        ({"betas": (0.9,)}, "betas"),
        ({"shuffled": "yes"}, "seed must be a whole number"),
    ],
)
def test_values_out_of_range_are_named(wrong, words):
    with pytest.raises(InputError, match=words):
        MetaplasticAdam([nn.Parameter(torch.ones(2, 2))], **wrong)
    with pytest.raises(InputError, match=words):
        MetaplasticAdam([{"params": [nn.Parameter(torch.ones(2, 2))], **wrong}])


def test_weights_and_gradients_that_cannot_be_moved_are_refused():
    with pytest.raises(InputError, match="complex64"):
        MetaplasticAdam([nn.Parameter(torch.ones(2, 2, dtype=torch.complex64))])
    table = nn.Embedding(5, 3, sparse=True)
    optimiser = MetaplasticAdam(table.parameters())
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(InputError, match="dense"):
        optimiser.step()


def test_a_copy_goes_on_alone():
    parameter = nn.Parameter(torch.rand(6, 7, generator=torch.Generator().manual_seed(0)))
    optimiser = MetaplasticAdam([parameter], metaplasticity=2.0, shuffled=3)
    parameter.grad = torch.ones(6, 7)
    optimiser.step()
    again = deepcopy(optimiser)
    (other,) = again.param_groups[0]["params"]
    other.grad = parameter.grad.clone()
    for one in (optimiser, again):
        one.step()
    assert torch.equal(parameter, other)


def test_a_backward_through_weights_that_have_moved_since_is_refused():
    weight, x = nn.Parameter(torch.ones(3, 3)), torch.ones(3, 3, requires_grad=True)
    loss = (x @ weight).sum()
    optimiser = MetaplasticAdam([weight])
    weight.grad = torch.ones(3, 3)
    optimiser.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
