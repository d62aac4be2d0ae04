import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinloom.quantities import duration, parameters, si

FACTORS = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.5e-9, "2.5 nJ"),
        (0.0, "0 J"),
        (1.0, "1 J"),
        (999.9, "1 kJ"),
        (-3e-12, "-3 pJ"),
        (123456, "123 kJ"),
        (float("nan"), "nan J"),
    ],
)
def test_prefixes(value, text):
    assert si(value, "J") == text


@given(st.floats(1e-14, 1e10))
def test_a_quantity_reads_back_to_three_digits(value):
    number, prefix = re.fullmatch(r"([\d.]+) (.?)J", si(value, "J")).groups()
    assert 1 <= float(number) < 1000
    assert float(number) * FACTORS[prefix] == pytest.approx(value, rel=5.1e-3)


@pytest.mark.parametrize(("seconds", "text"), [(5.4, "5 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_nested_parameters_have_dotted_names():
    @dataclass
    class Inner:
        gain: float = 1e-9

    @dataclass
    class Outer:
        inner: Inner
        name: str = "x"

    assert parameters(Outer(Inner())) == {"inner.gain": "1e-09", "name": "x"}
