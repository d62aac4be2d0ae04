import warnings
from pathlib import Path

import numpy as np
import pytest
from test_response_csv import write

from spinloom.devices import Spread, TwoPolarizerMTJ, read_curve
from spinloom.devices.response.measured import COARSE, LEAST, MOST, slope_scale
from spinloom.errors import InputError, SpinloomWarning

X = np.linspace(-3, 3, 31)


def table(path: Path, factor: float = 1.0, unit: float = 1e-5, devices: int = 1, columns: str = "value,slope") -> Path:
    value = np.tanh(X)
    rows = [
        (f"d{device}", x * unit, v, factor * (1 - v * v))
        for device in range(devices)
        for x, v in zip(X.tolist(), value.tolist(), strict=True)
    ]
    return write(path / "curve.csv", f"device,drive (A),{columns}", rows)


@pytest.mark.parametrize("factor", [2.0, 0.5, 100.0, 1e5, -1.0])
def test_a_slope_in_another_unit_is_a_warning_with_the_factor(tmp_path, factor):
    with pytest.warns(SpinloomWarning, match=r"curve.csv: the integral of slope is .* times the rise") as caught:
        read_curve(table(tmp_path, factor))
    message = str(caught[0].message)
    assert float(message.split("slope is ")[1].split()[0]) == pytest.approx(factor, rel=0.05)
    assert float(message.split("multiply it by ")[1]) == pytest.approx(1 / factor, rel=0.05)
    assert caught[0].filename == __file__


def test_a_slope_of_zeros_is_a_warning(tmp_path):
    with pytest.warns(SpinloomWarning, match="is 0 times the rise of value.*leave it out"):
        read_curve(table(tmp_path, 0.0))


def test_right_slopes_are_silent_and_stuck_devices_do_not_count(tmp_path):
    path = table(tmp_path, devices=3)
    stuck = [f"s,{x * 1e-5!r},0.9,0.0" for x in X.tolist()]
    path.write_text(path.read_text() + "\n".join(stuck) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_curve(path)
    assert read.stuck().tolist() == [False, False, False, True]
    assert read.unit_drive == pytest.approx(1e-5, rel=1e-6)
    path.write_text("\n".join(["device,drive (A),value,slope", *stuck]))
    with pytest.raises(InputError, match="no device answers to its drive"):
        read_curve(path)


def test_hundreds_of_right_curves_with_noise_raise_no_alarm_and_twice_or_half_is_found():
    random = np.random.default_rng(5)
    alarms, missed = 0, 0
    for _ in range(500):
        points, reach = random.integers(7, 60), random.uniform(0.5, 6)
        x = np.linspace(-reach, reach, points)
        if np.diff(x).max() > COARSE:
            continue
        gain = random.uniform(0.8, 1.2)
        value, slope = np.tanh(gain * x), gain / np.cosh(gain * x) ** 2
        value, slope = (curve + 0.05 * random.standard_normal((1, points)) for curve in (value, slope))
        alarms += not LEAST <= slope_scale(x, value, slope) <= MOST
        missed += LEAST <= slope_scale(x, value, 2 * slope) <= MOST
        missed += LEAST <= slope_scale(x, value, slope / 2) <= MOST
        missed += LEAST <= slope_scale(x, value, 10 * slope) <= MOST
    assert alarms == 0
    assert missed < 10


def test_the_slope_of_simulated_junctions_is_right_though_no_derivative():
    device = TwoPolarizerMTJ()
    made = device.simulate(device.drives(31), spread=Spread.uniform(0.05), devices=64, realizations=2)
    inputs, value, slope = (tensor.double().numpy() for tensor in (made.inputs, made.value, made.slope))
    noisy = slope + 0.05 * np.random.default_rng(1).standard_normal(slope.shape)
    for one in range(64):
        assert LEAST < slope_scale(inputs, value[one : one + 1], noisy[one : one + 1]) < MOST
    assert slope_scale(inputs, value, 2 * noisy) > MOST
    assert slope_scale(inputs, value, noisy / 2) < LEAST


@pytest.mark.parametrize(
    ("columns", "cell", "message"),
    [
        ("value", 99.5, r"line 4, column 'value': 99.5 is beyond full scale.*100 for per cent"),
        ("noise", 5.0, r"line 4, column 'noise': 5 is beyond full scale"),
    ],
)
def test_per_cent_are_named_with_the_line(tmp_path, columns, cell, message):
    rows = [(float(x), float(np.tanh(x)), 0.02) for x in X]
    rows[2] = (rows[2][0], cell, 0.02) if columns == "value" else (*rows[2][:2], cell)
    with pytest.raises(InputError, match=message):
        read_curve(write(tmp_path / "curve.csv", "drive (A),value,noise", rows))
