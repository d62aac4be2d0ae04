"""Central differences in float64, all changed devices in one batch; durations, which a batch shares, one by one."""

from dataclasses import replace

import pytest
import torch

from spinloom.devices import TwoPolarizerMTJ, design_curves
from spinloom.errors import SpinloomWarning

NOMINAL = {
    "diameter": 110e-9,
    "thickness": 1.7e-9,
    "saturation_magnetization": 2.6e5,
    "damping": 0.02,
    "residual_field": 20e-3,
    "polarization": 0.55,
    "reset_polarization": 0.5,
    "field_like": 0.1,
    "reset_drive": 1.8,
    "exchange_stiffness": 1.1e-11,
    "in_plane_tilt.0": 0.1,
    "in_plane_tilt.1": -0.2,
    "perpendicular_tilt.0": 0.15,
    "perpendicular_tilt.1": 0.07,
}
DURATIONS = {"pulse": 30.5e-12, "reset": 32.5e-12, "read": 8e-12}
"""Not a whole number of steps, so that a small change leaves their number as it is."""
STARTS = torch.tensor([1.3], dtype=torch.float64)
DRIVE = torch.tensor([0.4, 1.3], dtype=torch.float64) * float(TwoPolarizerMTJ(pulse=DURATIONS["pulse"]).unit_drive)
SMALL = 1e-4

pytestmark = pytest.mark.filterwarnings(f"ignore::{SpinloomWarning.__module__}.{SpinloomWarning.__name__}")


def device(values: dict, resolution: float | None) -> TwoPolarizerMTJ:
    values = dict(values)
    pairs = {
        name: (values.pop(f"{name}.0"), values.pop(f"{name}.1")) for name in ("in_plane_tilt", "perpendicular_tilt")
    }
    return TwoPolarizerMTJ(**values, **pairs, resolution=resolution)


def outcomes(values: dict, resolution: float | None) -> torch.Tensor:
    """One number per device, which weighs every point of both curves differently."""
    value, slope = design_curves(device(values, resolution), DRIVE, STARTS)
    weights = torch.randn(2, *value.shape[1:], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (weights[0] * value + weights[1] * slope).sum((-2, -1))


def one(value: float = 1.0) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def differences(nominal: dict, resolution: float | None) -> dict[str, float]:
    """d(outcome) / d(relative change) of every parameter and duration."""
    rows = 2 * len(nominal)
    changed = {}
    for number, (name, value) in enumerate(nominal.items()):
        factor = torch.ones(rows, 1, dtype=torch.float64)
        factor[2 * number], factor[2 * number + 1] = 1 + SMALL, 1 - SMALL
        changed[name] = value * factor
    up, down = outcomes(changed | DURATIONS, resolution).reshape(-1, 2).T
    found = dict(zip(nominal, ((up - down) / (2 * SMALL)).tolist(), strict=True))
    for name in ("pulse", "reset"):
        ends = [outcomes(nominal | _timed(name, 1 + sign * SMALL), resolution) for sign in (1, -1)]
        found[name] = float(ends[0] - ends[1]) / (2 * SMALL)
    return found


def _timed(name: str, factor: float) -> dict[str, float]:
    return DURATIONS | {name: DURATIONS[name] * factor}


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr("spinloom.devices.mtj.simulation.LEAST_STEPS", 8)


@pytest.mark.parametrize("resolution", [None, 110e-9 / 8], ids=["macrospin", "mesh of 8 x 8"])
def test_autograd_agrees_with_central_differences_within_1e_5(resolution):
    names = [*NOMINAL, "pulse", "reset"]
    scales = {name: one().requires_grad_() for name in names}
    given = {name: (NOMINAL | DURATIONS)[name] * scale for name, scale in scales.items()}
    total = outcomes(DURATIONS | given, resolution).sum()
    slopes = torch.autograd.grad(total, list(scales.values()), allow_unused=True)
    measured = differences(NOMINAL, resolution)
    for name, slope in zip(names, slopes, strict=True):
        if resolution is None and name == "exchange_stiffness":
            assert slope is None
            continue
        print(f"d/d({name}): {float(slope):.6g}, differences {measured[name]:.6g}")
        assert float(slope) == pytest.approx(measured[name], rel=1e-5, abs=1e-10), name
    moved = [name for name in names if abs(measured[name]) > 1e-4]
    unmoved = {"diameter", "exchange_stiffness"} if resolution is None else set()
    assert set(names) - set(moved) <= unmoved


def test_a_kept_anisotropy_passes_on_the_gradient_of_the_diameter():
    """A macrospin of given residual field does not depend on its diameter; one of given anisotropy does."""
    nominal = {k: v for k, v in NOMINAL.items() if k != "residual_field"}
    nominal["interface_anisotropy"] = float(device(NOMINAL, None).anisotropy)
    scale = one().requires_grad_()
    total = outcomes(nominal | DURATIONS | {"diameter": NOMINAL["diameter"] * scale}, None).sum()
    (slope,) = torch.autograd.grad(total, scale)
    measured = differences(nominal, None)["diameter"]
    assert abs(measured) > 1e-4
    assert float(slope) == pytest.approx(measured, rel=1e-5)


def test_a_length_with_a_gradient_gives_the_curves_of_the_plain_length():
    plain = design_curves(device(NOMINAL | DURATIONS, None), DRIVE, STARTS)
    lengths = {name: one(DURATIONS[name]).requires_grad_() for name in ("pulse", "reset")}
    timed = design_curves(replace(device(NOMINAL | DURATIONS, None), **lengths), DRIVE, STARTS)
    for one_curve, other in zip(plain, timed, strict=True):
        torch.testing.assert_close(one_curve, other.detach(), rtol=0, atol=1e-14)
