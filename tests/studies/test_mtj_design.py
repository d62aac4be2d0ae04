"""The study at a tiny size; what it is made of is tested with devices and learning."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spinloom import devices, evaluation, learning
from spinloom.errors import InputError, OutputError
from spinloom.studies import mtj_design
from spinloom.studies.mtj_design import SIZES, Settings, run

QUICK = ("pulse=80e-12", "thickness=1.1e-9", "reset=0.1e-9", "read=10e-12")


@pytest.fixture
def quick(monkeypatch, shrink):
    monkeypatch.setattr("spinloom.magnetism.dynamics._compiled", lambda *_: False)  # no time to compile kernels
    for name, count in (("POINT_READS", 4), ("POINT_DEVICES", 2), ("POINT_DEVICE_READS", 2)):
        monkeypatch.setattr(mtj_design, name, count)
    monkeypatch.setattr("spinloom.devices.mtj.search.THERMAL_READS", 8)
    monkeypatch.setattr("spinloom.devices.mtj.search.LEAST_CELLS", 4)
    monkeypatch.setattr("spinloom.devices.mtj.simulation.LEAST_STEPS", 6)
    shrink(
        mtj_design,
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
        channels=(4, 4),
        hidden=8,
        images_seen=1000,
        noise_seeds=2,
        instances=2,
    )


def test_the_whole_study_writes_its_report_and_resumes(quick, tmp_path, monkeypatch, repeat):
    settings = Settings(dataset="mnist-5k", out=tmp_path / "out", set=QUICK)
    result = run(settings)
    names = ("curves", "descent", "macrospin", "temperature", "networks")
    assert {path.name for path in settings.out.iterdir()} == {
        ".cache", "network.safetensors", "report.html", "result.json", *(f"{name}.png" for name in names),
    }  # fmt: skip
    data = json.loads((settings.out / "result.json").read_text())
    assert data["command"] == (
        f"spinloom run mtj-design --out {settings.out} --dataset mnist-5k --set {' '.join(QUICK)}"
    )
    assert [claim["name"].split()[0] for claim in data["claims"]] == ["distance", "distance", "energy", "accuracy"]
    assert all(claim.holds is None for claim in result.claims), "bars are set for the hand-chosen junction as it is"
    assert "the hand-chosen junction as it is" in result.claims[0].unjudged
    assert [len(table.rows) for table in result.tables] == [len(devices.DesignSearch.free), 12, 8]
    assert not list((settings.out / ".cache").glob("*.checkpoint"))
    assert data["data"]["distance"][1] != data["data"]["distance"][0]
    assert not result.resumed

    def refuse(*_):
        raise AssertionError("computed again")

    for room, name in (
        (learning, "descend"),
        (learning, "fit"),
        (devices, "ideal_curves"),
        (devices, "compare_with_mesh"),
        (evaluation, "evaluate_instances"),
    ):
        monkeypatch.setattr(room, name, refuse)
    again = repeat(run, settings)
    assert again.resumed
    assert json.dumps(again.data) == json.dumps(result.data)
    with pytest.raises(AssertionError, match="computed again"):
        run(replace(settings, energy_weight=0.5))


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
        ({"set": ("diameter=20e-9",)}, "diameter .* between 6e-08 and 1.6e-07 m"),
        ({"set": ("diametre=80e-9",)}, "diameter"),
        ({"set": ("resolution=5e-9",)}, "resolution"),
        ({"set": ("interface_anisotropy=1e-4",)}, "interface_anisotropy"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings(dataset="mnist-5k", out=tmp_path / "out"), **wrong))
    assert not (tmp_path / "out" / "result.json").exists()


def test_an_output_folder_that_cannot_be_made_fails_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(Settings(dataset="mnist-5k", out=tmp_path / "file" / "out"))


def test_full_is_larger():
    reduced, full = SIZES.of(Settings()), SIZES.of(Settings(full=True))
    assert full.mesh_evaluations > reduced.mesh_evaluations
    assert full.resolution < reduced.resolution
