import pytest
import torch

from spinloom.devices import TwoPolarizerMTJ

NOMINAL = {
    "thickness": 1.6e-9,
    "damping": 0.02,
    "interface_anisotropy": 7.7e-5,
    "diameter": 1.1e-7,
    "saturation_magnetization": 3.1e5,
    "polarization": 0.6,
    "field_like": 0.1,
}
DRIVE = TwoPolarizerMTJ().drives(5, 2.0)
WEIGHTS = torch.tensor([0.3, -1.0, 0.7, 2.0, 1.1], dtype=torch.float64)


def outcome(scales: dict[str, torch.Tensor]) -> torch.Tensor:
    values = {name: NOMINAL[name] * scale for name, scale in scales.items() if name != "current"}
    response = TwoPolarizerMTJ(**(NOMINAL | values), operation="single").simulate(
        DRIVE * scales.get("current", 1.0), temperature=0.0, dtype=torch.float64
    )
    return (WEIGHTS * (response.value[0] + 0.5 * response.slope[0])).sum()


def one() -> torch.Tensor:
    return torch.tensor(1.0, dtype=torch.float64, requires_grad=True)


@pytest.fixture(scope="module")
def slopes() -> dict[str, float]:
    scales = {name: one() for name in (*NOMINAL, "current")}
    found = torch.autograd.grad(outcome(scales), list(scales.values()))
    return dict(zip(scales, map(float, found), strict=True))


@pytest.mark.parametrize("name", [*NOMINAL, "current"])
def test_autograd_agrees_with_finite_differences_within_1e_4(name, slopes):
    small = 1e-5
    up, down = (float(outcome({name: one().detach() + sign * small})) for sign in (1, -1))
    measured = (up - down) / (2 * small)
    print(f"d(response)/d({name}): {slopes[name]:.6g}, off by {slopes[name] / measured - 1:.1e}")
    assert abs(measured) > 1e-4
    assert slopes[name] == pytest.approx(measured, rel=1e-4)
