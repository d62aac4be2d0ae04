import math

import pytest
import torch
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.learning import binary_mlp
from spinloom.nn import BinaryConv2d, BinaryLinear, Sign, binarise

X = torch.tensor([-2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0])


def plain(weight):
    """The sign with the gradient of the identity, by detaching what differs from it."""
    sign = torch.where(weight < 0, -1.0, 1.0)
    return weight + (sign - weight).detach()


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_zero_counts_as_positive_and_the_type_stays(kind):
    signs = binarise(X.to(kind))
    assert signs.dtype == kind
    assert signs.tolist() == [-1, -1, -1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(("window", "passes"), [(1.0, [0, 1, 1, 1, 1, 1, 1, 0]), (math.inf, [1] * 8)])
def test_the_gradient_passes_within_the_window(window, passes):
    x, upstream = X.clone().requires_grad_(), torch.arange(1.0, 9.0)
    binarise(x, window).backward(upstream)
    torch.testing.assert_close(x.grad, upstream * torch.tensor(passes))


def test_sign_is_binarise():
    assert torch.equal(Sign()(X), binarise(X))


def test_signs_of_whole_numbers_and_empty_windows_are_refused():
    with pytest.raises(InputError, match=r"floating-point numbers, got torch.int64"):
        binarise(torch.tensor([1]))
    with pytest.raises(InputError, match="window must be > 0"):
        binarise(X, 0.0)


@pytest.mark.parametrize("bias", [False, True])
def test_a_linear_layer_computes_with_signs_and_teaches_what_is_hidden(bias):
    torch.manual_seed(0)
    layer, x = BinaryLinear(7, 5, bias), torch.randn(4, 7, dtype=torch.float64, requires_grad=True)
    layer.double().weight.data.mul_(10)  # far beyond 1: never clipped, in backward either
    out, upstream = layer(x), torch.randn(4, 5, dtype=torch.float64)
    found = torch.autograd.grad(out, (layer.weight, x), upstream)
    wanted = F.linear(x, plain(layer.weight), layer.bias)
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(found, torch.autograd.grad(wanted, (layer.weight, x), upstream))
    assert (layer.bias is not None) == bias


def test_a_convolution_computes_with_signs_and_teaches_what_is_hidden():
    torch.manual_seed(0)
    layer, x = BinaryConv2d(4, 6, 3, padding=1, stride=2, groups=2), torch.randn(2, 4, 9, 8, requires_grad=True)
    out = layer(x)
    upstream = torch.randn(out.shape)
    found = torch.autograd.grad(out, (layer.weight, x), upstream)
    wanted = F.conv2d(x, plain(layer.weight), None, 2, 1, 1, 2)
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(found, torch.autograd.grad(wanted, (layer.weight, x), upstream))
    assert layer.bias is None


def test_the_perceptron_starts_in_its_range_and_repeats_with_its_seed():
    one, again, other = (binary_mlp((20, 30, 3), start=0.1, seed=seed) for seed in (1, 1, 2))
    hidden = one[1].weight
    assert 0.09 < hidden.abs().max() <= 0.1
    assert torch.equal(hidden, again[1].weight)
    assert not torch.equal(hidden, other[1].weight)
    assert one(torch.rand(5, 4, 5)).shape == (5, 3)
    assert set(one[:-1](torch.rand(5, 20)).unique().tolist()) != {-1.0, 1.0}  # logits are numbers
    assert set(one[:4](torch.rand(5, 20)).unique().tolist()) == {-1.0, 1.0}


def test_a_perceptron_without_running_statistics_has_none_to_keep():
    model = binary_mlp((20, 30, 3), running_statistics=False)
    assert not list(model.buffers())
    x = torch.rand(8, 20)
    assert torch.equal(model.train()(x), model.eval()(x))


def test_a_perceptron_of_no_size_is_refused():
    for sizes in ((5,), (5, 0, 2)):
        with pytest.raises(InputError, match="two sizes >= 1"):
            binary_mlp(sizes)
    with pytest.raises(InputError, match="start"):
        binary_mlp((5, 2), start=0.0)
