"""A fingerprint changes with everything that an object does, and with nothing else."""

import functools
import importlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spinloom.learning import Labels, resnet20
from spinloom.learning.fingerprint import fingerprint

GLOBAL = 0.1


def scaled(x, by=2):
    return x * by * GLOBAL


def closed_over(value):
    return lambda x: x + value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def method(self, x):
        return x * self.value


@dataclass(frozen=True)
class Frozen:
    value: object
    others: dict = field(default_factory=dict)


class Rated(nn.Module):
    """Its representation shows nothing."""

    def __init__(self, value):
        super().__init__()
        self.value, self.inner = value, [{"deep": Slotted(value)}]

    def forward(self, x):
        return x * self.value


PLACES = {
    "a hidden attribute of a module": Rated,
    "label smoothing": Labels,
    "an argument of a partial": lambda value: functools.partial(scaled, by=value),
    "a closure": closed_over,
    "a default": lambda value: lambda x, by=value: x * by,
    "the instance of a bound method": lambda value: Slotted(value).method,
    "a slot": Slotted,
    "a frozen dataclass": Frozen,
    "a key": lambda value: {value: 1},
    "a set": lambda value: {"a", "b", value},
    "a tensor": lambda value: [torch.tensor([value])],
    "a generator": lambda value: torch.Generator().manual_seed(int(100 * value)),
    "a dropout rate": lambda value: nn.Sequential(nn.Dropout(value)),
    "a scripted module": lambda value: torch.jit.script(with_bias(value)),
    "a parametrised module": lambda value: nn.utils.parametrizations.weight_norm(with_bias(value)),
}


def with_bias(value):
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.fill_(value)
    return layer


@pytest.mark.filterwarnings("ignore:.*jit:DeprecationWarning")
@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_every_place_that_holds_a_number_counts(make):
    assert fingerprint(make(0.25)) == fingerprint(make(0.25))
    assert fingerprint(make(0.25)) != fingerprint(make(0.5))
    assert fingerprint(Frozen(make(0.25))) != fingerprint(Frozen(make(0.5)))


def test_hooks_modes_frozen_and_tied_weights_count():
    def linear():
        return nn.Sequential(with_bias(0), with_bias(0))

    hooked, evaluated, frozen, tied = linear(), linear(), linear(), linear()
    hooked[0].register_forward_hook(lambda *_: None)
    evaluated[1].eval()
    frozen[0].weight.requires_grad_(False)
    tied[1].weight = tied[0].weight
    assert len({fingerprint(one) for one in (linear(), hooked, evaluated, frozen, tied)}) == 5


def test_the_number_that_pytorch_gives_a_hook_does_not_count():
    def hook(*_):
        return None

    found = []
    for _ in range(2):
        layer = with_bias(0)
        layer.handle = layer.register_forward_pre_hook(hook)
        found.append(fingerprint(layer))
    assert found[0] == found[1]


def test_hooks_of_a_weight_count():
    found = set()
    for kind in ("register_hook", "register_post_accumulate_grad_hook", None):
        layer = with_bias(0)
        if kind:
            getattr(layer.weight, kind)(lambda gradient: None)
        found.add(fingerprint(layer))
    assert len(found) == 3


def test_compiling_and_running_a_network_leave_it_the_same():
    importlib.import_module("lightning_fabric")  # which leaves a mark of its own
    layer = with_bias(0)
    before = fingerprint(layer)
    torch.compile(layer, backend="eager")(torch.ones(1, 2)).sum().backward()
    assert fingerprint(layer) == before


def test_equal_constant_sets_and_conjugate_tensors_are_the_same_wherever_they_lie():
    one, other = frozenset({"a", "b"}), frozenset(["b", "a"])
    assert fingerprint([one, one]) == fingerprint([one, other])
    tensor = torch.tensor([1 + 2j])
    assert fingerprint(tensor.conj()) == fingerprint(torch.tensor([1 - 2j])) != fingerprint(tensor)


def test_cycles_depth_locks_and_order_of_sets_are_no_trouble():
    ring, deep = [1], []
    ring.append({"ring": ring})
    for _ in range(5000):
        deep = [deep]
    module = nn.Linear(1, 1)
    module.me = module
    for thing in (ring, deep, module, threading.Lock(), sys, (x for x in "ab"), {module, threading.Lock()}):
        assert fingerprint(thing) == fingerprint(thing)


def test_what_stands_apart_counts_by_its_number_alone():
    first, second = with_bias(0), with_bias(1)
    assert fingerprint([first], [first]) == fingerprint([second], [second])
    assert fingerprint([first], [first, second]) != fingerprint([second], [first, second])


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(first=NESTED, second=NESTED)
def test_two_things_have_one_fingerprint_if_and_only_if_they_read_the_same(first, second):
    assert (fingerprint(first) == fingerprint(second)) == (repr(first) == repr(second))


def all_kinds():
    kinds = [make(0.25) for name, make in PLACES.items() if "scripted" not in name]
    return fingerprint([kinds, Rated({"c", "a", "b"}), threading.Lock(), PLACES])


def test_every_process_finds_the_same():
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == all_kinds(), done.stderr


def test_a_deep_network_and_all_images_take_half_a_second_at_most():
    network, images = resnet20((3, 32, 32), 10), torch.zeros(60_000, 1, 28, 28, dtype=torch.uint8)
    began = time.process_time()
    fingerprint(network)
    fingerprint(images)
    assert time.process_time() - began < 0.5


if __name__ == "__main__":
    print(all_kinds())
