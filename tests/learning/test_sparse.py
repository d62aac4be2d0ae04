"""Sparse perceptrons: as many weights as asked for, in better places where they are trained."""

import pytest
import torch

from spinloom.errors import InputError
from spinloom.learning import METHODS, Course, accuracies, fit_sparse
from spinloom.learning.frequencies import SparsePerceptron


def task(count=300, inputs=80):
    """Three classes told by three inputs; input 0 is almost never on and perfectly misleading when it is."""
    source = torch.Generator().manual_seed(2)
    x, labels = 0.3 * torch.rand(count, inputs, generator=source), torch.arange(count) % 3
    x[torch.arange(count), 20 * (labels + 1)] = 1.0
    x[:, 0] = 0.0
    return x, labels


@pytest.mark.parametrize("method", METHODS)
def test_as_many_weights_as_asked_for(method):
    x, y = task()
    network = fit_sparse(method, 9, 3, x, y, Course(12, 50, 0.05, seeds=(0, 1)))
    assert network.mask.sum((1, 2)).tolist() == [9, 9]
    assert bool(((network.mask == 0) | (network.mask == 1)).all())
    kept = network(x)
    with torch.no_grad():
        network.weight.mul_(network.mask)
    assert torch.allclose(network(x), kept), "weights outside the mask must not count"


def test_regrowth_by_gradient_and_pruning_find_the_inputs_and_chance_does_not():
    x, y = task()
    right = {
        method: float(accuracies(fit_sparse(method, 6, 3, x, y, Course(30, 50, 0.05, seeds=(0, 1, 2))), x, y).mean())
        for method in METHODS
    }
    assert right["rigl"] > 0.95
    assert right["pruned"] > 0.95
    assert right["static"] < 0.7
    assert right["set"] > right["static"]


def test_an_exchange_moves_weights_from_the_smallest_to_the_best_free_place():
    network = SparsePerceptron((0,), 1, 6, 6)
    network.keep_largest(3, torch.ones(6))
    with torch.no_grad():
        network.mask.copy_(torch.tensor([[[1.0, 1, 1, 0, 0, 0]]]))
        network.weight.copy_(torch.tensor([[[0.1, -2.0, 3.0, 9.0, 9.0, 9.0]]]))
    network.exchange(1, torch.tensor([[[9.0, 9, 9, 1, 5, 2]]]), torch.ones(6))
    assert network.mask.flatten().tolist() == [0, 1, 1, 0, 1, 0]
    assert network.weight[0, 0, 4] == 0


def test_all_weights_are_the_dense_perceptron():
    x, y = task()
    network = fit_sparse("static", 240, 3, x, y, Course(10, 50, 0.05))
    assert bool(network.mask.all())
    assert float(accuracies(network, x, y)) == 1.0


def test_mistakes_are_named():
    x, y = task()
    with pytest.raises(InputError, match="did you mean 'rigl'"):
        fit_sparse("rigll", 6, 3, x, y, Course(1))
    with pytest.raises(InputError, match="1 to 240 weights, got 241"):
        fit_sparse("set", 241, 3, x, y, Course(1))
