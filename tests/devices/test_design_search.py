"""What a design is worth, against finite differences, simulation and closed forms."""

from dataclasses import replace

import pytest
import torch

from spinloom.devices import DesignSearch, Response, TwoPolarizerMTJ, largest_voltage, operation_energy, refine
from spinloom.devices.mtj.search import FREE, corners, electrical_variance, thermal_variance
from spinloom.errors import InputError

SCALED = ("diameter", "thickness", "interface_anisotropy", "damping", "polarization", "reset_polarization")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("spinloom.devices.mtj.search.THERMAL_READS", 8)


def search(**changes) -> DesignSearch:
    return replace(DesignSearch(TwoPolarizerMTJ(reset=0.1e-9), points=3), **changes)


def test_the_objective_starts_at_three_and_the_weight_and_its_gradient_is_right():
    aim = search(energy_weight=0.7)
    before, shares = aim.before(), torch.tensor(aim.shares(), dtype=torch.float64)

    def total(shares: torch.Tensor) -> torch.Tensor:
        return torch.stack(list(aim.terms(aim.at(shares), before).values())).sum()

    given = shares.clone().requires_grad_()
    start = total(given)
    assert float(start.detach()) == pytest.approx(3.7, rel=1e-8)
    (slope,) = torch.autograd.grad(start, given)
    way = torch.randn(len(FREE), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        measured = float(total(shares + 1e-5 * way) - total(shares - 1e-5 * way)) / 2e-5
    assert float(slope @ way) == pytest.approx(measured, rel=1e-5)


def test_without_spread_the_parts_are_those_of_the_nominal_device():
    with_spread, without = (search(spread=spread).before() for spread in (0.05, 0.0))
    assert with_spread["curves"] == pytest.approx(without["curves"], rel=1e-9)
    assert with_spread["spread"] > 1e-4
    assert without["spread"] == 0


def test_the_wall_stands_below_the_largest_voltage():
    aim, device = search(), TwoPolarizerMTJ()
    before = dict.fromkeys(("curves", "spread", "noise", "energy"), 1.0)
    assert float(aim.terms(device, before)["voltage"]) == 0
    strong = replace(device, reset_drive=4.0)
    assert float(largest_voltage(strong)) == pytest.approx(4 * float(strong.write_voltage(strong.unit_drive)))
    assert float(aim.terms(strong, before)["voltage"]) > 0


def test_the_energy_is_that_of_the_operating_cost_at_one():
    device = TwoPolarizerMTJ()
    cost = device.cost(device.unit_drive.reshape(1))
    total = float(cost.write_energy[0]) + cost.reset_energy + cost.read_energy
    assert float(operation_energy(device)) == pytest.approx(total)


def test_corners_are_the_nominal_device_and_a_balanced_set():
    device = TwoPolarizerMTJ()
    made = corners(device, 0.05)
    columns = [getattr(made, name)[:, 0] for name in SCALED]
    tilts = [angle[:, 0] for pair in (made.in_plane_tilt, made.perpendicular_tilt) for angle in pair]
    for column in columns:
        torch.testing.assert_close(column / column[0] - 1, (column / column[0] - 1).sign() * 0.05)
    signs = torch.stack([(column - column[0]).sign()[1:] for column in (*columns, *tilts)])
    torch.testing.assert_close(signs @ signs.T, 24 * torch.eye(10, dtype=torch.float64))
    triples = torch.einsum("in,jn,kn->ijk", signs, signs, signs)
    assert float(triples.abs().max()) == 0  # every sign is there with its opposite
    assert float(made.reset_current_density) == pytest.approx(float(device.reset_density))
    assert corners(replace(device, polarization=0.99), 0.05).polarization.max() == 1


@pytest.mark.parametrize("change", [{}, {"diameter": 80e-9}, {"pulse": 80e-12}, {"reset_drive": 3.5}])
def test_the_closed_form_of_the_noise_follows_a_simulation_within_10_percent(change):
    device = replace(TwoPolarizerMTJ(), **change)
    response = device.simulate(device.drives(7), realizations=1024)
    thermal = float(response.noise.square().mean()) - float(electrical_variance(device, 300.0))
    ratio = float(thermal_variance(device, response.inputs.double(), 300.0)) / thermal
    print(f"{change}: closed form / simulation {ratio:.3f}")
    assert 0.84 < ratio < 1.02  # of the variance: 8 % low to 1 % high in the deviation


def test_shares_and_designs_go_to_and_fro():
    device = TwoPolarizerMTJ(residual_field=-3e-3, in_plane_tilt=(0.1, -0.2))
    aim = DesignSearch(device)
    again = aim.design(aim.shares())
    for free in FREE:
        assert free.of(again) == pytest.approx(free.of(device), rel=1e-12, abs=1e-15)
    assert again.barrier == device.barrier
    for share in (0.0, 1.0):
        edge = aim.design([share] * len(FREE))
        assert [free.of(edge) for free in FREE] == pytest.approx(
            [free.low if share == 0 else free.high for free in FREE]
        )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"diameter": 20e-9}, "diameter .* between 6e-08 and 1.6e-07 m"),
        ({"interface_anisotropy": 1e-4}, "interface_anisotropy"),
        ({"reset_current_density": 1e11}, "reset_current_density"),
    ],
)
def test_a_design_that_cannot_be_started_from_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        DesignSearch(replace(TwoPolarizerMTJ(), **wrong)).shares()


def test_a_refined_response_keeps_its_points_and_an_exact_tanh():
    inputs = torch.linspace(-3.5, 3.5, 15, dtype=torch.float64)
    tanh = inputs.tanh()
    off = 0.1 * torch.randn(2, 15, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ideal = Response(inputs * 2e9, tanh[None], 1 - tanh[None] ** 2, torch.zeros(1, 15), 2e9)
    fine = refine(ideal, 141)
    torch.testing.assert_close(fine.value[0], fine.inputs.tanh())
    torch.testing.assert_close(fine.slope[0], 1 - fine.inputs.tanh() ** 2)
    noisy = refine(replace(ideal, value=tanh + off, slope=off, noise=off.abs()), 29)
    torch.testing.assert_close(noisy.value[:, ::2], tanh + off)
    torch.testing.assert_close(noisy.noise[:, ::2], off.abs())
    assert noisy.slope_noise.shape == noisy.slope.shape
