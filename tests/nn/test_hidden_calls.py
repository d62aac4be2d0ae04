"""Activations in networks that torch.fx cannot follow: all found, or the network is refused."""

import pytest
import torch
from populations import population
from torch import nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.nn import device_layers, to_hardware

squash = torch.tanh


def helper(x):
    return x.sigmoid()


class Branching(nn.Module):
    """torch.fx cannot follow a branch on values."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.chosen = nn.Tanh(), functional.hardtanh

    def forward(self, x):
        return self.other(x) if x.sum() > 0 else self.act(x)

    def other(self, x):
        return -x


class InMethod(Branching):
    def other(self, x):
        return torch.tanh(x)


class InFunction(Branching):
    def other(self, x):
        return helper(x)


class InLambda(Branching):
    def other(self, x):
        return (lambda y: y.sigmoid())(x)


class ByAnotherName(Branching):
    def other(self, x):
        return squash(x)


class AsAttribute(Branching):
    def other(self, x):
        return self.chosen(x)


class NamedAsFunction(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tanh = nn.Tanh()

    def forward(self, x):
        return self.tanh(x) if x.sum() > 0 else self.forward(-x)


@pytest.mark.parametrize("kind", [InMethod, InFunction, InLambda, ByAnotherName, AsAttribute])
def test_a_function_that_forward_reaches_in_any_way_is_refused(kind):
    with pytest.raises(InputError, match=f"forward of {kind.__name__} calls an activation as a function"):
        to_hardware(kind(), population())


def test_a_module_may_have_the_name_of_a_function():
    assert [*device_layers(to_hardware(NamedAsFunction(), population()))] == ["tanh"]
