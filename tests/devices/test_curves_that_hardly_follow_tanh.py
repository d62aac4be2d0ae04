import warnings

import numpy as np
import pytest

from spinloom.devices import read_curve
from spinloom.devices.response.measured import fit_unit_drive
from spinloom.errors import SpinloomWarning

DRIVE = np.linspace(-3, 3, 33)


def test_a_curve_with_an_offset_is_a_warning():
    with pytest.warns(SpinloomWarning, match="mine.csv: the mean curve is .* subtract an offset"):
        fit_unit_drive(DRIVE, np.tanh(DRIVE - 0.6)[None], "mine.csv")


@pytest.mark.parametrize("shape", [np.tanh, lambda x: np.clip(x, -1, 1), lambda x: np.tanh(x - 0.1)])
def test_a_curve_like_tanh_is_none(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noise = np.random.default_rng(0).normal(0, 0.05, (3, 33))
        fit_unit_drive(DRIVE, shape(DRIVE) + noise, "mine.csv")


@pytest.mark.parametrize(("reach", "warned"), [(1.0, True), (0.5, True), (2.5, False), (4.0, False)])
def test_a_sweep_of_resistance_that_ends_before_it_saturates_is_a_warning(tmp_path, reach, warned):
    current = np.linspace(-reach, reach, 33)
    resistance = 1 / (3 + np.tanh(current))
    path = tmp_path / "short.csv"
    rows = [f"{i!r},{r!r}" for i, r in zip(current.tolist(), resistance.tolist(), strict=True)]
    path.write_text("\n".join(["current (mA),resistance_in_plane (ohm)", *rows]), encoding="utf-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_curve(path)
        read_curve(path, in_plane=(0.25, 0.5))
    assert len(caught) == warned
    assert all("before the resistance has settled" in str(warning.message) for warning in caught)
