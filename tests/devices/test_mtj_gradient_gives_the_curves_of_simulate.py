import pytest
import torch

from spinloom.devices import TwoPolarizerMTJ, design_curves
from spinloom.devices.mtj.simulation import curves_and_pulse
from spinloom.errors import InputError, SpinloomWarning

AT_REST = torch.zeros(1, dtype=torch.float64)


@pytest.mark.parametrize("operation", ["bipolar", "single"])
@pytest.mark.parametrize("source", ["voltage", "current"])
def test_of_a_macrospin_within_1e_7(operation, source):
    device = TwoPolarizerMTJ(operation=operation, source=source, in_plane_tilt=(0.1, 0.05), residual_field=5e-3)
    drive = device.drives(5)
    value, slope = design_curves(device, drive, AT_REST)
    response = device.simulate(drive, temperature=0.0, dtype=torch.float64)
    assert value.shape == (1, 5, 1)
    torch.testing.assert_close(value[..., 0], response.value, rtol=0, atol=1e-7)
    torch.testing.assert_close(slope[..., 0], response.slope, rtol=0, atol=1e-7)


@pytest.mark.filterwarnings(f"ignore::{SpinloomWarning.__module__}.{SpinloomWarning.__name__}")
def test_of_a_mesh_within_the_tolerance_of_the_adaptive_scheme(monkeypatch):
    monkeypatch.setattr("spinloom.magnetism.dynamics._compiled", lambda *_: False)  # no time to compile a kernel
    device = TwoPolarizerMTJ(resolution=20e-9, pulse=0.06e-9, reset=0.04e-9, residual_field=20e-3)
    drive = device.drives(3, 2.0)
    value, slope = design_curves(device, drive, AT_REST)
    response = device.simulate(drive, temperature=0.0, dtype=torch.float64)
    torch.testing.assert_close(value[..., 0], response.value, rtol=0, atol=1e-4)
    torch.testing.assert_close(slope[..., 0], response.slope, rtol=0, atol=1e-4)


def test_the_step_is_short_enough():
    device = TwoPolarizerMTJ()
    drive, starts = device.drives(3), torch.tensor([-2.0, 2.0], dtype=torch.float64)
    for curve, exact in zip(
        design_curves(device, drive, starts), design_curves(device, drive, starts, step=0.5e-12), strict=True
    ):
        torch.testing.assert_close(curve, exact, rtol=0, atol=1e-7)


def test_each_cycle_finds_each_earlier_output():
    device = TwoPolarizerMTJ(reset=0.1e-9)
    starts = torch.tensor([-2.0, 0.0, 2.0], dtype=torch.float64)
    drive = device.drives(3)
    value, _ = design_curves(device, drive, starts)
    single, _ = design_curves(TwoPolarizerMTJ(reset=0.1e-9, operation="single"), drive, starts)
    assert value.shape == (1, 3, 9)
    assert single.shape == (1, 3, 3)
    assert float(value[0, 1].std()) > 0.01  # the reset is too short to forget
    plus, minus = single[0], -single[0].flip(0)
    torch.testing.assert_close(value[0].reshape(3, 3, 3), (plus[:, :, None] + minus[:, None, :]) / 2)


def test_an_earlier_output_lies_along_the_polarizer_of_the_device():
    """Turning the in-plane polarizer of a round device turns everything with it."""
    starts = torch.tensor([2.0], dtype=torch.float64)
    straight = TwoPolarizerMTJ(reset=0.1e-9)
    turned = TwoPolarizerMTJ(reset=0.1e-9, in_plane_tilt=(0.0, 0.5))
    drive = straight.drives(3)
    for one, other in zip(design_curves(straight, drive, starts), design_curves(turned, drive, starts), strict=True):
        torch.testing.assert_close(one, other)


def test_fabricated_devices_come_as_rows():
    made = TwoPolarizerMTJ().fabricate(3, None)
    drive = TwoPolarizerMTJ().drives(2)
    value, _, written = curves_and_pulse(made, drive, AT_REST)
    assert value.shape == (3, 2, 1)
    assert written.shape == (3, 2, 2, 3, 1)


@pytest.mark.parametrize(
    ("drive", "starts", "message"),
    [
        (torch.zeros(2, 2), AT_REST, "drive must be"),
        (torch.zeros(0), AT_REST, "drive must be"),
        (torch.zeros(2), torch.zeros(()), "starts must be"),
        (torch.tensor([torch.nan]), AT_REST, "drive must be finite"),
    ],
)
def test_other_shapes_are_refused(drive, starts, message):
    with pytest.raises(InputError, match=message):
        design_curves(TwoPolarizerMTJ(), drive, starts)
