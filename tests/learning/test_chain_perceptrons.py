"""Sparse chains of resonators: where their inputs stand, how their logits begin, how they jump."""

import torch

from spinloom.learning import accuracies, fit_jumping, pixel_frequencies, snake, sparse_chains
from spinloom.nn.radio import Band


def test_the_path_of_fixed_frequencies_is_continuous():
    """Every step to the next higher frequency goes to a neighbour in the image."""
    order = pixel_frequencies((1, 6, 5), Band()).argsort()
    row, column = order // 5, order % 5
    assert bool(((row.diff().abs() + column.diff().abs()) == 1).all())
    assert torch.equal(snake(6, 5).sort().values, torch.arange(30))


def test_logits_begin_alike_for_few_and_many_resonators():
    x = torch.rand(50, 784, generator=torch.Generator().manual_seed(0))
    inputs = pixel_frequencies((1, 28, 28), Band())
    sizes = [float(sparse_chains(inputs, 10, n, 0.01, Band(), (0, 1), False)(x).std().detach()) for n in (10, 160)]
    assert 0.4 < sizes[0] / sizes[1] < 2.5


def test_jumps_find_the_inputs_that_tell_the_classes_apart():
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 2
    x = 0.1 * torch.rand(200, 30, generator=source)
    x[torch.arange(200), 7 + 11 * labels] += 0.8
    network = sparse_chains(pixel_frequencies((1, 5, 6), Band()), 2, 2, 0.01, Band(), (0, 1), False)
    fit_jumping(network, x, labels, (3, 5), 50, (0, 1), band=Band())
    assert float(accuracies(network, x, labels).min()) > 0.95
