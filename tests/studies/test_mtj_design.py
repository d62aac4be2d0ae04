"""The study at a tiny size, and its parts against finite differences, simulation and closed forms."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spinloom.devices import Response, TwoPolarizerMTJ
from spinloom.errors import InputError, OutputError
from spinloom.progress import silent
from spinloom.report import write
from spinloom.studies.mtj_design import Settings, checking, designing, run
from spinloom.studies.mtj_design.corners import SCALED, corners
from spinloom.studies.mtj_design.descent import Descent, descend
from spinloom.studies.mtj_design.network import refined
from spinloom.studies.mtj_design.noise import electrical_variance, thermal_variance
from spinloom.studies.mtj_design.objective import Goal, energy, largest_voltage, parts, relative
from spinloom.studies.mtj_design.parameters import FREE, design_of, shares_of, value_of, with_shares
from spinloom.studies.mtj_design.plan import REDUCED, plan_of
from spinloom.studies.mtj_design.study import measured

QUICK = ("pulse=80e-12", "thickness=1.1e-9", "reset=0.1e-9", "read=10e-12")
TINY = replace(
    REDUCED,
    points=3,
    evaluations=3,
    mesh_evaluations=1,
    cells=4,
    resolution=30e-9,
    check_points=5,
    realizations=2,
    devices=2,
    device_realizations=2,
    diameters=(60e-9,),
    dense_diameters=(30e-9,),
    pulses=(50e-12,),
    dense_pulses=(50e-12,),
    network=replace(
        REDUCED.network, channels=(4, 4), hidden=8, images_seen=1000, noise_seeds=2, instances=2
    ),
)  # fmt: skip


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("spinloom.magnetism.dynamics._compiled", lambda *_: False)  # no time to compile kernels
    for name, count in (("POINT_READS", 4), ("POINT_DEVICES", 2), ("POINT_DEVICE_READS", 2)):
        monkeypatch.setattr(checking, name, count)
    monkeypatch.setattr(designing, "THERMAL_READS", 8)
    monkeypatch.setattr("spinloom.devices.mtj.gradient.LEAST_STEPS", 6)
    monkeypatch.setattr("spinloom.studies.mtj_design.modes.LEAST_CELLS", 4)


def goal(**changes) -> Goal:
    start = TwoPolarizerMTJ(reset=0.1e-9)
    return replace(Goal(start, 1e-4, 300.0, 3, 0.05, 1.0), **changes)


def test_the_whole_study_writes_its_report_and_resumes(quick, tmp_path, monkeypatch):
    settings = Settings("mnist-5k", tmp_path / "out", junction=QUICK)
    result = measured(settings, TINY)
    write(settings.out, result)
    names = ("curves", "descent", "macrospin", "temperature", "networks")
    assert {path.name for path in settings.out.iterdir()} == {
        ".cache", "network.safetensors", "report.html", "result.json", *(f"{name}.png" for name in names),
    }  # fmt: skip
    data = json.loads((settings.out / "result.json").read_text())
    assert data["command"] == "spinloom run mtj-design --dataset mnist-5k " + (
        f"--out {settings.out} --junction {' '.join(QUICK)}"
    )
    assert [claim["name"].split()[0] for claim in data["claims"]] == ["distance", "distance", "energy", "accuracy"]
    assert [len(table.rows) for table in result.tables] == [len(FREE), 12, 8]
    assert not list((settings.out / ".cache").glob("*.checkpoint"))
    assert data["data"]["distance"][1] != data["data"]["distance"][0]

    def refuse(*_):
        raise AssertionError("computed again")

    for place in ("designing.descend", "checking._ideal", "modes._difference", "network.evaluate_instances"):
        monkeypatch.setattr(f"spinloom.studies.mtj_design.{place}", refuse)
    again = measured(settings, TINY)
    assert json.dumps(again.data) == json.dumps(result.data)


def test_the_objective_starts_at_three_and_the_weight_and_its_gradient_is_right():
    aim = goal(energy_weight=0.7)
    with torch.no_grad():
        before = {name: float(part) for name, part in parts(aim.start, aim).items()}
    shares = torch.tensor(shares_of(aim.start), dtype=torch.float64)

    def total(shares: torch.Tensor) -> torch.Tensor:
        device = with_shares(aim.start, shares)
        return torch.stack(list(relative(device, parts(device, aim), before, 0.7).values())).sum()

    given = shares.clone().requires_grad_()
    start = total(given)
    assert float(start.detach()) == pytest.approx(3.7, rel=1e-9)
    (slope,) = torch.autograd.grad(start, given)
    way = torch.randn(len(FREE), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        measured = float(total(shares + 1e-5 * way) - total(shares - 1e-5 * way)) / 2e-5
    assert float(slope @ way) == pytest.approx(measured, rel=1e-5)


def test_without_spread_the_parts_are_those_of_the_nominal_device():
    with_spread, without = (parts(goal().start, goal(spread=spread)) for spread in (0.05, 0.0))
    torch.testing.assert_close(with_spread["curves"], without["curves"])
    assert float(with_spread["spread"]) > 1e-4
    assert float(without["spread"]) == 0


def test_the_wall_stands_below_the_largest_voltage():
    device = TwoPolarizerMTJ()
    found = {name: torch.ones(()) for name in ("curves", "spread", "noise", "energy")}
    before = dict.fromkeys(found, 1.0)
    assert float(relative(device, found, before, 1.0)["voltage"]) == 0
    strong = replace(device, reset_drive=4.0)
    assert float(largest_voltage(strong)) == pytest.approx(4 * float(strong.write_voltage(strong.unit_drive)))
    assert float(relative(strong, found, before, 1.0)["voltage"]) > 0


def test_the_energy_is_that_of_the_operating_cost_at_one():
    device = TwoPolarizerMTJ()
    cost = device.cost(device.unit_drive.reshape(1))
    total = float(cost.write_energy[0]) + cost.reset_energy + cost.read_energy
    assert float(energy(device)) == pytest.approx(total)


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
    again = design_of(device, shares_of(device))
    for free in FREE:
        assert value_of(again, free.name) == pytest.approx(value_of(device, free.name), rel=1e-12, abs=1e-15)
    assert again.barrier == device.barrier
    for share in (0.0, 1.0):
        edge = design_of(device, [share] * len(FREE))
        assert [value_of(edge, free.name) for free in FREE] == pytest.approx(
            [free.low if share == 0 else free.high for free in FREE]
        )


def bowl(shares: torch.Tensor) -> dict[str, torch.Tensor]:
    """Least at (0.3, beyond the upper bound)."""
    return {"a": 3 * (shares[0] - 0.3) ** 2, "b": (shares[1] - 1.5) ** 2 + 0.2 * shares[0] * shares[1]}


def test_the_descent_ends_at_the_least_value_between_the_bounds(tmp_path):
    found = Descent(**descend(bowl, [0.9, 0.1], 40, tmp_path / "c", silent))
    assert found.shares[found.best] == pytest.approx([0.3 - 0.2 / 6, 1.0], abs=1e-3)
    assert found.progress[0] == 0
    assert found.totals[found.best] == min(found.totals)
    assert not (tmp_path / "c").exists()


def test_a_killed_descent_goes_on_where_it_was(tmp_path):
    calls = 0

    def killed(shares: torch.Tensor) -> dict[str, torch.Tensor]:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return bowl(shares)

    whole = descend(bowl, [0.9, 0.1], 12, tmp_path / "whole", silent)
    with pytest.raises(KeyboardInterrupt):
        descend(killed, [0.9, 0.1], 12, tmp_path / "c", silent)
    assert len(json.loads((tmp_path / "c").read_text())) == 3
    again = descend(killed, [0.9, 0.1], 12, tmp_path / "c", silent)
    assert again == whole
    assert calls == 4 + len(whole["terms"]) - 3


def test_a_damaged_checkpoint_costs_time_only(tmp_path):
    (tmp_path / "c").write_text("[{")
    assert descend(bowl, [0.5, 0.5], 5, tmp_path / "c", silent) == descend(bowl, [0.5, 0.5], 5, tmp_path / "d", silent)


def test_a_refined_response_keeps_its_points_and_an_exact_tanh():
    inputs = torch.linspace(-3.5, 3.5, 15, dtype=torch.float64)
    tanh = inputs.tanh()
    off = 0.1 * torch.randn(2, 15, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ideal = Response(inputs * 2e9, tanh[None], 1 - tanh[None] ** 2, torch.zeros(1, 15), 2e9)
    fine = refined(ideal)
    torch.testing.assert_close(fine.value[0], fine.inputs.tanh())
    torch.testing.assert_close(fine.slope[0], 1 - fine.inputs.tanh() ** 2)
    noisy = refined(replace(ideal, value=tanh + off, slope=off, noise=off.abs()), 29)
    torch.testing.assert_close(noisy.value[:, ::2], tanh + off)
    torch.testing.assert_close(noisy.noise[:, ::2], off.abs())
    assert noisy.slope_noise.shape == noisy.slope.shape


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spread": -0.1}, "spread"),
        ({"spread": 0.5}, "at most 0.3"),
        ({"temperature": float("nan")}, "temperature"),
        ({"energy_weight": -1.0}, "energy_weight"),
        ({"instances": 0}, "instances"),
        ({"dataset": "fashion-mnst"}, "fashion-mnist"),
        ({"weights": Path("nowhere.pt")}, "nowhere.pt"),
        ({"junction": ("diameter=20e-9",)}, "diameter .* between 6e-08 and 1.6e-07 m"),
        ({"junction": ("diametre=80e-9",)}, "diameter"),
        ({"junction": ("resolution=5e-9",)}, "resolution"),
        ({"junction": ("interface_anisotropy=1e-4",)}, "interface_anisotropy"),
        ({"junction": ("reset_current_density=1e11",)}, "reset_current_density"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings("mnist-5k", tmp_path / "out"), **wrong))
    assert not (tmp_path / "out" / "result.json").exists()


def test_an_output_folder_that_cannot_be_made_fails_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(Settings("mnist-5k", tmp_path / "file" / "out"))


def test_full_is_larger():
    reduced, full = plan_of(Settings()), plan_of(Settings(full=True))
    assert full.mesh_evaluations > reduced.mesh_evaluations
    assert full.resolution < reduced.resolution
