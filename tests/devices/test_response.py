import math

import numpy as np
import pytest
import torch

from spinloom.devices import Response
from spinloom.errors import InputError, SpinloomWarning


def response(**changes) -> Response:
    drive = torch.linspace(-3, 3, 13, dtype=torch.float64)
    value = torch.stack([drive.tanh(), (1.1 * drive).tanh()])
    settings = {
        "drive": drive * 2e-5,
        "value": value,
        "slope": 1 - value**2,
        "noise": torch.full_like(value, 0.03),
        "unit_drive": 2e-5,
        "drive_unit": "A",
        "metadata": {"made": "in a test"},
    }
    return Response(**(settings | changes))


def test_inputs_are_drive_in_units_of_the_unit_drive():
    torch.testing.assert_close(response().inputs, torch.linspace(-3, 3, 13, dtype=torch.float64))
    assert response().devices == 2


def test_read_noise_adds_in_quadrature():
    torch.testing.assert_close(response().with_read_noise(0.04).noise, torch.full((2, 13), 0.05).double())
    with pytest.raises(InputError, match="sigma"):
        response().with_read_noise(-0.1)


def test_the_nominal_device_is_the_mean_with_root_mean_square_noise():
    noise = torch.tensor([[0.1], [0.7]], dtype=torch.float64).expand(2, 13)
    nominal = response(noise=noise).nominal()
    assert nominal.devices == 1
    torch.testing.assert_close(nominal.value[0], response().value.mean(0))
    torch.testing.assert_close(nominal.noise, torch.full((1, 13), 0.5).double())


def changed(name: str, number: float) -> torch.Tensor:
    tensor = getattr(response(), name).clone()
    tensor[..., 4] = number
    return tensor


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drive": changed("drive", math.nan)}, "drive must be finite"),
        ({"value": changed("value", math.inf)}, "value must be finite"),
        ({"slope": changed("slope", math.nan)}, "slope must be finite"),
        ({"noise": changed("noise", -0.01)}, "noise must be finite and >= 0"),
        ({"drive": changed("drive", 1.0)}, "drive must increase strictly"),
        ({"drive": changed("drive", float(response().drive[3]))}, "drive must increase strictly"),
        ({"drive": response().drive.flip(0)}, "drive must increase strictly"),
        ({"drive": torch.zeros(1)}, "drive must be .points,. with at least 2"),
        ({"drive": torch.zeros(2, 3)}, "drive must be .points,."),
        ({"value": torch.zeros(2, 12)}, r"value must be \(devices, 13\), got \(2, 12\)"),
        ({"slope": torch.zeros(3, 13)}, r"slope must be \(devices, 13\), got \(3, 13\)"),
        ({"noise": torch.zeros(13)}, r"noise must be \(devices, 13\), got \(13,\)"),
        ({"value": torch.zeros(0, 13)}, r"value must be \(devices, 13\)"),
        ({"unit_drive": 0.0}, "unit_drive must be finite and > 0, got 0 A"),
        ({"unit_drive": math.nan}, "unit_drive must be finite and > 0"),
        ({"unit_drive": -2e-5}, "unit_drive must be finite and > 0, got -2e-05 A"),
        ({"unit_drive": 0.02}, "unit_drive is 0.02 A and the drive reaches 6e-05 A, 0.003 in network inputs: is one"),
        ({"unit_drive": "2e-5"}, "unit_drive must be a number"),
        ({"unit_drive": torch.ones(2)}, "unit_drive must be one number in A"),
        ({"drive": None}, "drive must be a tensor of real numbers, got None"),
        ({"value": "tanh"}, "value must be a tensor of real numbers, got 'tanh'"),
        ({"value": [[0.0, 1.0], [0.0]]}, "value must be a tensor of real numbers"),
        ({"slope": torch.zeros(2, 13, dtype=torch.bool)}, "slope must be a tensor of real numbers.*bool"),
        ({"noise": torch.zeros(2, 13, dtype=torch.complex64)}, "noise must be a tensor of real numbers.*complex64"),
        ({"slope_noise": changed("noise", -0.01)}, "slope_noise must be finite and >= 0, got -0.01"),
        ({"drive_unit": "mA"}, "drive_unit must be one of A, A/m.2, V, A/m, T, got 'mA'"),
        ({"metadata": {"temperature": 300}}, "metadata must map text to text"),
        ({"metadata": "made in a test"}, "metadata must map text to text"),
    ],
)
def test_what_is_no_response_is_refused_by_name(change, message):
    with pytest.raises(InputError, match=message):
        response(**change)


@pytest.mark.parametrize("kind", [list, tuple, np.asarray])
def test_lists_and_arrays_become_tensors_of_float64(kind):
    parts = {name: getattr(response(), name) for name in ("drive", "value", "slope", "noise")}
    made = response(**{name: kind(tensor.tolist()) for name, tensor in parts.items()}, unit_drive=np.float64(2e-5))
    for name, tensor in parts.items():
        assert torch.equal(getattr(made, name), tensor)
    assert type(made.unit_drive) is float
    assert response(drive=torch.arange(13), unit_drive=torch.tensor(3)).drive.dtype == torch.float64


def test_the_nominal_device_leaves_out_those_that_are_stuck():
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    value = torch.tanh(x)[None]
    healthy = Response(x, value, 1 - value**2, 0.01 * torch.ones_like(value), 1.0)
    some = healthy.with_stuck(0.3, rows=10)
    torch.testing.assert_close(some.nominal().value, value)
    torch.testing.assert_close(some.nominal().slope, healthy.slope)
    noise = 0.02 * torch.randn(1, 61, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    measured = Response(
        x, torch.cat([value, 0.9 + noise]), torch.cat([1 - value**2, 0 * noise]), value.expand(2, -1) * 0, 1
    )
    assert measured.stuck().tolist() == [False, True]
    torch.testing.assert_close(measured.nominal().value, value)
    with pytest.raises(InputError, match="no device answers to its drive"):
        healthy.with_stuck(1.0).nominal()


def test_noise_in_per_cent_is_a_warning():
    with pytest.warns(SpinloomWarning, match=r"read_noise .* got 2 .*did you mean 0.02 of full scale \(2 %\)"):
        response().with_read_noise(2)


def test_stuck_devices_give_an_end_of_their_curve_whatever_the_drive():
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    value = torch.tanh(x * torch.tensor([[0.8], [1.2]], dtype=torch.float64))
    healthy = Response(x, value, 1 - value**2, 0.01 * torch.ones_like(value), 1.0)
    response = healthy.with_stuck(0.1, rows=200)
    stuck = (response.value == response.value[:, :1]).all(1)
    assert int(stuck.sum()) == 20
    assert int((response.value[stuck][:, 0] > 0).sum()) == 10
    assert not bool(response.slope[stuck].any())
    assert set(response.value[stuck].abs().flatten().tolist()) <= set(value[:, -1].tolist()) | set(
        (-value[:, 0]).tolist()
    )
    torch.testing.assert_close(response.value[~stuck], value.repeat(100, 1)[~stuck])
    assert healthy.with_stuck(0.0) is healthy
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError):
            healthy.with_stuck(wrong)


def test_noise_of_the_two_reads_adds_in_quadrature_each_by_itself():
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    value = torch.tanh(x)[None]
    plain = Response(x, value, 1 - value**2, 0.03 * torch.ones_like(value), 1.0)
    assert not bool(plain.slope_noise.any())
    noisy = plain.with_read_noise(0.04, 0.02).with_read_noise(0.0, 0.02)
    assert float(noisy.noise[0, 0]) == pytest.approx(0.05)
    assert float(noisy.slope_noise[0, 0]) == pytest.approx(0.02 * 2**0.5)
    assert float(noisy.nominal().slope_noise[0, 0]) == pytest.approx(0.02 * 2**0.5)


def test_it_prints_in_two_lines_and_draws_itself():
    x = torch.linspace(-3, 3, 31, dtype=torch.float64)
    value = (x * torch.tensor([[0.9], [1.1]])).tanh()
    made = Response(x * 2e-5, value, 1 - value**2, 0.02 + 0 * value, 2e-5, "A", {"source": "mine.csv"})
    first, second = repr(made).split("\n")
    assert first == "Response of mine.csv: 2 devices, 31 points, unit drive 2e-05 A"
    assert second.endswith("off tanh at most, noise of a read 0.0200 of full scale (rms)")
    values, slopes = made.plot().axes
    assert len(values.lines) == len(slopes.lines) == 4  # two devices, their mean, the ideal
    assert made._repr_png_().startswith(b"\x89PNG")
