import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.learning import ElasticConsolidation, TaskNorms, binary_mlp
from spinloom.nn import BinaryLinear, Sign


def test_each_task_gets_its_norms_back():
    model = binary_mlp((8, 6, 3), running_statistics=True, seed=0)
    norms, x = TaskNorms(model, 2), torch.rand(30, 8, generator=torch.Generator().manual_seed(0))
    begun = model(x)
    kept = []
    for task in range(2):
        with torch.no_grad():
            for norm in (model[2], model[5]):
                norm.weight.uniform_(0.5, 2, generator=torch.Generator().manual_seed(task))
                norm.bias.add_(task + 1)
        model(x + task)  # running statistics too
        norms.keep(task)
        kept.append(model.eval()(x))
        model.train()
    for task in (0, 1, 0):
        norms.restore(task)
        torch.testing.assert_close(model.eval()(x), kept[task])
        model.train()
    assert not torch.allclose(kept[0], begun)


def test_kept_norms_are_in_the_state_dict():
    model, other = (binary_mlp((8, 6, 3), running_statistics=False, seed=0) for _ in range(2))
    norms, again = TaskNorms(model, 3), TaskNorms(other, 3)
    model[2].bias.data.fill_(7)
    norms.keep(1)
    again.load_state_dict(norms.state_dict())
    again.restore(1)
    assert (other[2].bias == 7).all()
    again.restore(0)
    assert (other[2].bias == 0).all()


def test_tasks_that_are_none_are_refused():
    norms = TaskNorms(binary_mlp((4, 3)), 2)
    for wrong in (2, -1, True, 0.5):
        with pytest.raises(InputError, match="task must be a whole number from 0 to 1"):
            norms.keep(wrong)
    with pytest.raises(InputError, match="no batch or instance norm"):
        TaskNorms(nn.Linear(3, 2), 2)
    with pytest.raises(InputError, match="tasks"):
        TaskNorms(binary_mlp((4, 3)), 0)


def small():
    """A binary network without norms: its inputs do not meet."""
    torch.manual_seed(1)
    return nn.Sequential(BinaryLinear(5, 7), nn.Hardtanh(), Sign(), BinaryLinear(7, 3))


def slow_fisher(model, x, source):
    """One input at a time, by autograd alone."""
    total = [torch.zeros_like(weight) for weight in model.parameters()]
    drawn = torch.multinomial(model(x).detach().softmax(1), 1, generator=source).squeeze(1)
    for row, label in zip(x, drawn, strict=True):
        loss = F.cross_entropy(model(row[None]), label[None])
        for mine, gradient in zip(total, torch.autograd.grad(loss, list(model.parameters())), strict=True):
            mine += gradient.square() / len(x)
    return total


def test_the_pull_is_the_gradient_of_the_quadratic_loss_over_all_tasks():
    model, strength = small(), 40.0
    elastic, tasks = ElasticConsolidation(model, strength), []
    for task in range(2):
        x = torch.randn(12, 5, generator=torch.Generator().manual_seed(task)) / 4
        elastic.remember(x, batch=12, seed=task)
        fisher = slow_fisher(model, x, torch.Generator().manual_seed(task))
        assert all(one.max() > 0 for one in fisher)
        tasks.append((fisher, [weight.detach().clone() for weight in model.parameters()]))
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight) * 0.3)
    loss = sum(
        strength / 2 * (f * (weight - held).square()).sum()
        for fisher, anchors in tasks
        for f, held, weight in zip(fisher, anchors, model.parameters(), strict=True)
    )
    wanted = torch.autograd.grad(loss, list(model.parameters()))
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    elastic.pull()
    for weight, gradient in zip(model.parameters(), wanted, strict=True):
        torch.testing.assert_close(weight.grad - 1, gradient, rtol=1e-4, atol=1e-5)


def test_importance_is_a_mean_over_inputs_whatever_their_batches():
    model, x = small(), torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).repeat(50, 1)
    one, many = ElasticConsolidation(model), ElasticConsolidation(model)
    one.remember(x, batch=200, seed=3)
    many.remember(x, batch=50, seed=3)  # the same classes are drawn, in the same order
    assert one.importance0.sum() > 0
    torch.testing.assert_close(one.importance0, many.importance0, rtol=0.5, atol=1e-3)
    torch.testing.assert_close(one.importance1.mean(), many.importance1.mean(), rtol=0.2, atol=0)


def test_what_cannot_be_consolidated_is_refused():
    with pytest.raises(InputError, match="no linear layer"):
        ElasticConsolidation(nn.Conv2d(1, 1, 3))
    with pytest.raises(InputError, match="strength"):
        ElasticConsolidation(small(), -1.0)
    with pytest.raises(InputError, match="fewer than one batch of 500"):
        ElasticConsolidation(small()).remember(torch.zeros(3, 5))
