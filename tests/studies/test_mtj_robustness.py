"""The study with a tiny network, few devices and few instances; the packaged digits are its images."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from spinloom.studies.mtj_robustness.measurements import Bench, Measured
from spinloom.studies.mtj_robustness.outcome import Run, _claims, outcome
from spinloom.studies.mtj_robustness.plan import FULL, REDUCED

from spinloom.data import load_images
from spinloom.devices import Response, TwoPolarizerMTJ, device_source, response_files
from spinloom.errors import InputError
from spinloom.evaluation import Examples, Population, SweepPoint
from spinloom.learning import read_tensors, save_weights
from spinloom.studies.mtj_parts.software import trained
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.mtj_robustness import Settings, run
from spinloom.studies.mtj_robustness import plan as plans

SMALL = replace(
    REDUCED,
    network=replace(REDUCED.network, channels=(4, 4), hidden=16, images_seen=16_000, devices=4),
    images=100,
    spreads=(0.0, 0.05),
    noises=(0.0, 1.0),
    bits=(1, 8),
    temperatures=(0.0, 300.0),
    stuck=(0.0, 0.5),
)


@pytest.fixture(scope="module")
def software(tmp_path_factory):
    train = load_images("mnist-5k", "train", limit=1000)
    return trained(train, SMALL.network, 0, Stages(tmp_path_factory.mktemp("cache"), {}))


@pytest.fixture(scope="module")
def junctions():
    return device_source(TwoPolarizerMTJ(), (), 300.0, SMALL.network.devices, 0)  # each response is simulated once


@pytest.fixture
def curve(tmp_path) -> Path:
    """A user's own device: two tanh curves of different steepness."""
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.tensor([[0.9], [1.1]]))
    response = Response(x, value, 1 - value**2, torch.full_like(value, 0.01), 1.0, "A")
    response_files.save(response, tmp_path / "curve.safetensors")
    return tmp_path / "curve.safetensors"


def test_every_imperfection_grows_and_hurts_and_a_second_run_measures_nothing(software, junctions, tmp_path):
    test = load_images("mnist-5k", "test", limit=200)
    found = Bench(
        software, junctions, Examples.of(test), replace(SMALL, instances=3), 0, Stages(tmp_path, {})
    ).measure()
    assert list(found.sweeps) == ["spread", "noise", "resolution", "temperature", "stuck"]
    for name, points in found.sweeps.items():
        assert all(len(point.population.accuracies) == 3 for point in points)
        if name in ("noise", "stuck"):
            assert points[-1].population.mean < found.software - 0.1
    mild = [found.sweeps[name][0].population for name in ("spread", "noise", "stuck")]
    assert mild[0] == mild[1] == mild[2]  # nominal junctions, measured once
    assert found.sweeps["resolution"][0].population.mean < found.sweeps["resolution"][1].population.mean
    for population in (mild[0], found.sweeps["temperature"][1].population, found.sweeps["resolution"][1].population):
        assert population.mean == pytest.approx(found.software, abs=0.04)
    result = outcome(Run(Settings(), SMALL, test, "Asked for.", software, junctions, found, 1.0))
    assert [claim.holds for claim in result.claims] == [None]  # published for other images
    assert len(result.plots) == 6
    made = {path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = Bench(
        software, junctions, Examples.of(test), replace(SMALL, instances=3), 0, Stages(tmp_path, {})
    ).measure()
    assert again == found
    assert {path.stat().st_mtime_ns for path in tmp_path.iterdir()} == made


def test_what_is_borne_ends_where_the_loss_first_exceeds_the_tolerance():
    def points(*pairs: tuple[float, float]) -> tuple[SweepPoint, ...]:
        return tuple(SweepPoint(value, Population((accuracy,))) for value, accuracy in pairs)

    found = Measured(
        0.9,
        {
            "noise": points((0.0, 0.9), (0.1, 0.895), (0.2, 0.85), (0.3, 0.9)),
            "resolution": points((1, 0.3), (2, 0.895), (4, 0.9)),
            "stuck": points((0.0, 0.5)),
        },
    )
    assert found.borne("noise", 1.0) == 0.1
    assert found.borne("noise", 6.0) == 0.3
    assert found.borne("resolution", 1.0) == 2
    assert found.borne("stuck", 1.0) is None


def test_the_loss_is_judged_on_the_published_images_at_room_temperature_and_with_an_error(software, junctions):
    published = replace(load_images("mnist-5k", "test", limit=50), name="fashion-mnist")

    def judged(accuracies=(0.9, 0.894), software_accuracy=0.9, test=published, devices=junctions):
        found = Measured(software_accuracy, {"spread": (SweepPoint(0.05, Population(accuracies)),)})
        return [claim.holds for claim in _claims(Run(Settings(), SMALL, test, "", software, devices, found, 1.0))]

    assert judged() == [True]
    assert judged(software_accuracy=0.902) == [False]
    assert judged(accuracies=(0.9,)) == [None]
    assert judged(devices=device_source(TwoPolarizerMTJ(), (), 77.0, 4, 0)) == [None]
    assert judged(test=replace(published, name="mnist")) == [None]


def test_a_device_of_your_own_gives_a_report_without_sweeps_that_need_a_simulation(
    software, curve, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(plans, "REDUCED", replace(SMALL, images=100_000, noises=(0.0,), bits=(8,), stuck=(0.0,)))
    save_weights(tmp_path / "w.safetensors", software.network)
    out = tmp_path / "out"
    result = run(Settings("mnist-5k", out, weights=tmp_path / "w.safetensors", response=curve, instances=2))
    assert {path.name for path in out.iterdir()} == {
        ".cache", "accuracy-noise.png", "accuracy-resolution.png", "accuracy-stuck.png", "curves.png",
        "network.safetensors", "report.html", "result.json",
    }  # fmt: skip
    assert read_tensors(out / "network.safetensors").keys() == software.network.state_dict().keys()
    data = json.loads((out / "result.json").read_text())
    assert data["command"] == result.command
    assert data["settings"]["instances"] == 2, "as asked for, not as planned"
    assert data["settings"]["images"] == 1_000, "the images there are"
    assert data["settings"]["software"] == f"weights from {tmp_path / 'w.safetensors'}"
    assert "300 K" not in " ".join(result.assumptions), "the temperature of a file is its own"
    assert list(data["data"]["sweeps"]) == ["noise", "resolution", "stuck"]
    assert "What is borne" in capsys.readouterr().out


def test_both_sizes_measure_enough_networks():
    assert REDUCED.instances >= 30
    assert FULL.instances >= 100
    assert 0.05 in FULL.spreads
    for plan in (REDUCED, FULL):
        assert (max(plan.spreads), max(plan.noises), max(plan.stuck)) == (0.3, 0.3, 0.2)
        assert (min(plan.bits), max(plan.bits)) == (1, 8)


def test_a_device_from_a_file_is_the_mean_of_the_file(curve):
    assert device_source(curve).nominal().devices == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": float("nan")}, "temperature"),
        ({"instances": 0}, "instances"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"dataset": "fashion-mnst"}, "fashion-mnist"),
        ({"response": Path("nowhere.csv")}, "nowhere.csv"),
        ({"response": Path("nowhere.csv"), "temperature": 77.0}, "--temperature is of a simulated device"),
        ({"response": Path("nowhere.csv"), "junction": ("damping=0.02",)}, "give one of them"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings("mnist-5k", tmp_path / "out"), **wrong))
    assert not (tmp_path / "out" / "result.json").exists()
