"""Edited code counts, wherever a network or an objective finds it; what the code does not read does not."""

import sys
from types import ModuleType

import pytest

from spinloom.learning.fingerprint import fingerprint


def written(source):
    """The Net of a module with this source."""
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
def test_edited_code_counts_wherever_it_stands(before, after):
    assert CODE.count(before) == 1
    assert fingerprint(written(CODE)) == fingerprint(written("\n\n" + CODE))  # moved, not edited
    assert fingerprint(written(CODE)) != fingerprint(written(CODE.replace(before, after)))


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
    assert fingerprint(written(source)) == fingerprint(written(source))
    assert fingerprint(written(source)) != fingerprint(written(source.replace("5", "6")))


@pytest.mark.parametrize(("before", "after"), [('"out"', '"other"'), ("RATE", "began = 1.5\nRATE")])
def test_what_no_code_reads_does_not_count(before, after):
    code = CODE.replace("helper(x) *", "helper(x).began *")  # an attribute, not the name of the module
    assert fingerprint(written(code)) == fingerprint(written(code.replace(before, after, 1)))


def test_code_of_a_module_within_a_package_counts(monkeypatch):
    def found(gain):
        package, inner = ModuleType("mine"), ModuleType("mine.inner")
        exec(f"def helper(x): return x * {gain}", vars(inner))
        package.inner = inner
        monkeypatch.setitem(sys.modules, "mine", package)
        monkeypatch.setitem(sys.modules, "mine.inner", inner)
        return fingerprint(written("import mine.inner\ndef Net(x): return mine.inner.helper(x)"))

    assert found(5) == found(5) != found(6)
