import pytest
import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.evaluation import Examples, accuracy


def test_accuracy_counts_right_answers(network, examples):
    assert accuracy(network, examples) == 1.0
    wrong = examples.labels.clone()
    wrong[:50] = (wrong[:50] + 1) % 3
    assert accuracy(network, Examples(examples.inputs, wrong)) == 0.8


@pytest.mark.parametrize("batch", [1, 7, 250, 1000])
def test_batches_make_no_difference_and_the_last_one_counts(network, examples, batch):
    labels = examples.labels.clone()
    labels[-1] = (labels[-1] + 1) % 3
    assert accuracy(network, Examples(examples.inputs, labels), batch) == 249 / 250


def test_dropout_is_off(network, examples):
    assert accuracy(nn.Sequential(nn.Dropout(0.9), network), examples) == 1.0


@pytest.mark.parametrize("training", [True, False])
def test_the_network_keeps_its_mode(network, examples, training):
    model = nn.Sequential(nn.Dropout(0.9), network).train(training)
    model[0].train(not training)
    accuracy(model, examples)
    assert [module.training for module in (model, *model)] == [training, not training, training]


def test_outputs_that_are_not_finite_are_no_accuracy(network, examples):
    with torch.no_grad():
        network[2].bias[0] = float("nan")
    with pytest.raises(InputError, match="not finite"):
        accuracy(network, examples)


def test_examples_of_an_image_set_are_scaled_and_cut():
    images = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)
    data = ImageSet("x", "test", images, torch.tensor([0, 1, 0]), ("a", "b"), "here", (0.5,), (0.1,))
    first = Examples.of(data).first(2)
    torch.testing.assert_close(first.inputs, data.as_float()[:2])
    assert len(first) == 2


def test_examples_without_images_or_labels_are_refused(network, examples):
    for wrong in (lambda: examples.first(0), lambda: Examples(examples.inputs, examples.labels[1:])):
        with pytest.raises(InputError, match="at least one image, each with its label"):
            wrong()
    with pytest.raises(InputError, match="batch"):
        accuracy(network, examples, 0)
