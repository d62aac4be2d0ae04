import pytest

from spinloom.devices import TwoPolarizerMTJ, with_parameters
from spinloom.errors import InputError


def test_numbers_words_and_nested_parameters_are_set_and_the_rest_kept() -> None:
    device = with_parameters(TwoPolarizerMTJ(), ["diameter=80e-9", "source=current", "barrier.tmr=1.5"])
    assert (device.diameter, device.source, device.barrier.tmr) == (80e-9, "current", 1.5)
    assert device.barrier.resistance_area == TwoPolarizerMTJ().barrier.resistance_area
    assert device.damping == TwoPolarizerMTJ().damping


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("diameter", "no assignment"),
        ("diametre=1e-9", "did you mean 'diameter'"),
        ("diameter=wide", "must be a number in SI units"),
        ("diameter=-1e-9", "diameter must be finite and > 0, got -1e-09 m"),
        ("barrier.tmrr=1", "did you mean 'tmr'"),
        ("source=battery", "source must be 'voltage' or 'current'"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_parameters(TwoPolarizerMTJ(), [text])
