"""The name of kept work changes with its source, its arguments and all that they are made of, and with nothing else."""

import functools
import importlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spinloom import identity
from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.identity import digest
from spinloom.learning import Labels


def written(folder, source, monkeypatch, name="experiment"):
    """A module of the user's with this source, as another process would find it."""
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)
    identity.package.cache_clear()
    return __import__(name)


def test_work_is_named_by_its_source_and_arguments(tmp_path, monkeypatch):
    source, found = "RATE = {}\ndef work(x):\n    return helper(x)\ndef helper(x):\n    return RATE * x\n", []
    for number, rate in enumerate((2, 2, 3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        work = written(folder, source.format(rate), monkeypatch).work
        found.append([identity.of(work, x=1, y=torch.ones(2)), identity.of(work, y=torch.ones(2), x=1)])
        assert identity.of(work, x=2) != identity.of(work, x=1) != identity.of(work, y=1)
    assert found[0] == found[1]
    assert not {*found[0]} & {*found[2]}
    assert len({*found[0]}) == 1


def test_files_beside_a_script_count_if_it_imports_them_and_they_in_turn(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    found = []
    for deep, other in ((1, 1), (2, 1), (1, 2)):
        (tmp_path / "deep" / "__init__.py").write_text(f"RATE = {deep}")
        (tmp_path / "helper.py").write_text("def help_out():\n    import deep\n    return deep.RATE")
        (tmp_path / "unrelated.py").write_text(f"RATE = {other}")
        work = written(tmp_path, "import helper\ndef work():\n    return helper.help_out()", monkeypatch, "script").work
        found.append(identity.of(work))
    assert found[0] == found[2] != found[1]


def test_a_changed_file_anywhere_in_a_package_gives_another_name(tmp_path, monkeypatch):
    folder = tmp_path / "mine" / "deep"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for content in ("a = 1", "a = 2", "a = 1"):
        (folder / "inner.py").write_text(content)
        identity.package.cache_clear()
        found.append(identity.package("mine"))
    assert found[0] == found[2] != found[1]
    assert len(identity.package()) == 64


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(InputError, match="there is no package 'nowhere'"):
        identity.package("nowhere")


def test_what_cannot_be_named_is_refused():
    with pytest.raises(InputError, match=r"<generator .* cannot be named"):
        identity.digest({"rows": list("ab"), "more": (x for x in "ab")})


def test_images_count_and_not_where_they_were_read():
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    given = {"name": "toy", "split": "train", "labels": torch.tensor([0, 1]), "classes": ("a", "b")}
    one, moved, other = (
        ImageSet(images=images + value, source=source, **given)
        for value, source in ((0, "here"), (0, "there"), (1, "here"))
    )
    assert identity.digest(one) == identity.digest(moved) != identity.digest(other)


def typed(source):
    """The Net of code that no file holds, as at a prompt."""
    names = {"__name__": "experiment"}
    exec(source, names)
    return names["Net"]


CODE = """
import argparse, functools
import torch
from torch import nn
RATE = 2
ASKED = argparse.Namespace(width=5, folder="out")
def helper(x):
    return x + 1
class Decorated:
    def __init__(self, function, by):
        functools.update_wrapper(self, function)
        self.by = by
    def __call__(self, x):
        return self.by - 8
@functools.partial(Decorated, by=9)
def decorated(x):
    return x * 16
class Net(nn.Linear):
    gain = 3
    later = functools.partialmethod(helper, 17)
    def __init__(self):
        super().__init__(1, 1)
    @functools.cached_property
    def once(self):
        return 18
    def forward(self, x):
        return helper(x) * RATE * ASKED.width if x in {"one", "two", "three"} else decorated(0)
"""
EDITS = [
    ("RATE = 2", "RATE = 3"),
    ("x + 1", "x - 1"),
    ("decorated(0)", "decorated(1)"),
    ("gain = 3", "gain = 4"),
    ('"two"', '"ten"'),
    ("width=5", "width=6"),
    ("- 8", "- 7"),
    ("by=9", "by=8"),
    ("* 16", "* 15"),
    ("17", "16"),
    ("18", "19"),
]


@pytest.mark.parametrize(("before", "after"), EDITS)
def test_edited_code_counts_wherever_it_stands(before, after, tmp_path, monkeypatch):
    assert CODE.count(before) == 1
    found = [
        digest(written(tmp_path, source, monkeypatch, "edited").Net)
        for source in (CODE, CODE, CODE.replace(before, after))
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("before", "after"), [("gain = 3", "gain = 4"), ('"two"', '"ten"'), ("17", "16"), ("18", "19")]
)
def test_a_class_typed_at_a_prompt_counts_by_its_own_code(before, after):
    assert digest(typed(CODE)) == digest(typed("\n\n" + CODE)) != digest(typed(CODE.replace(before, after)))


def test_two_functions_of_one_line_differ():
    first, second = (lambda x: x + 1), (lambda x: x + 2)
    assert digest(first) != digest(second)


PARAMETRISED = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))
    def forward(self, x):
        return x * 5
Net = nn.utils.parametrizations.weight_norm(Net())
"""
PATCHED = """
from types import MethodType
from torch import nn
Net = nn.Identity()
Net.forward = MethodType(lambda self, x: x * 5, Net)
"""


@pytest.mark.parametrize("source", [PARAMETRISED, PATCHED], ids=["parametrised", "patched"])
def test_edited_code_of_a_network_that_was_changed_afterwards_counts(source):
    assert digest(typed(source)) == digest(typed(source))
    assert digest(typed(source)) != digest(typed(source.replace("5", "6")))


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

    @functools.cached_property
    def twice(self):
        return 2 * self.value


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
    assert digest(make(0.25)) == digest(make(0.25))
    assert digest(make(0.25)) != digest(make(0.5))
    assert digest(Frozen(make(0.25))) != digest(Frozen(make(0.5)))


def test_hooks_modes_frozen_and_tied_weights_count():
    def linear():
        return nn.Sequential(with_bias(0), with_bias(0))

    hooked, evaluated, frozen, tied = linear(), linear(), linear(), linear()
    hooked[0].register_forward_hook(lambda *_: None)
    evaluated[1].eval()
    frozen[0].weight.requires_grad_(False)
    tied[1].weight = tied[0].weight
    assert len({digest(one) for one in (linear(), hooked, evaluated, frozen, tied)}) == 5


def test_the_number_that_pytorch_gives_a_hook_does_not_count():
    def hook(*_):
        return None

    found = []
    for _ in range(2):
        layer = with_bias(0)
        layer.handle = layer.register_forward_pre_hook(hook)
        found.append(digest(layer))
    assert found[0] == found[1]


def test_hooks_of_a_weight_count():
    found = set()
    for kind in ("register_hook", "register_post_accumulate_grad_hook", None):
        layer = with_bias(0)
        if kind:
            getattr(layer.weight, kind)(lambda gradient: None)
        found.add(digest(layer))
    assert len(found) == 3


def test_compiling_and_running_a_network_leave_it_the_same():
    importlib.import_module("lightning_fabric")  # which leaves a mark of its own
    layer = with_bias(0)
    before = digest(layer)
    torch.compile(layer, backend="eager")(torch.ones(1, 2)).sum().backward()
    assert digest(layer) == before


def test_equal_constant_sets_and_conjugate_tensors_are_the_same_wherever_they_lie():
    one, other = frozenset({"a", "b"}), frozenset(["b", "a"])
    assert digest([one, one]) == digest([one, other])
    tensor = torch.tensor([1 + 2j])
    assert digest(tensor.conj()) == digest(torch.tensor([1 - 2j])) != digest(tensor)


def test_cycles_locks_and_order_of_sets_are_no_trouble():
    ring = [1]
    ring.append({"ring": ring})
    module = nn.Linear(1, 1)
    module.me = module
    for thing in (ring, module, threading.Lock(), sys, {module, threading.Lock()}):
        assert digest(thing) == digest(thing)


def test_what_is_nested_too_deeply_is_named():
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InputError, match="nested too deeply"):
        digest(deep)


def test_equal_values_count_alike_whether_shared_or_not_and_tied_weights_do_not():
    one, other = Frozen(0.5), Frozen(0.5)
    assert digest([one, one, [1], [1]]) == digest([one, other, *[[1]] * 2])
    first, second = torch.ones(1), torch.ones(1)
    assert digest([first, first]) != digest([first, second])


def test_what_was_computed_from_the_fields_of_a_dataclass_does_not_count():
    one, other = Frozen(0.5), Frozen(0.5)
    assert one.twice == 1
    assert digest(one) == digest(other)


def test_what_stands_apart_counts_by_its_number_alone():
    first, second = with_bias(0), with_bias(1)
    assert digest([first], apart=[first]) == digest([second], apart=[second])
    assert digest([first], apart=[first, second]) != digest([second], [first, second])


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(first=NESTED, second=NESTED)
def test_two_things_have_one_fingerprint_if_and_only_if_they_read_the_same(first, second):
    assert (digest(first) == digest(second)) == (repr(first) == repr(second))


def all_kinds():
    kinds = [make(0.25) for name, make in PLACES.items() if "scripted" not in name]
    return digest([kinds, Rated({"c", "a", "b"}), threading.Lock(), PLACES])


def test_every_process_finds_the_same():
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == all_kinds(), done.stderr


if __name__ == "__main__":
    print(all_kinds())
