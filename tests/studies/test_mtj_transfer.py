"""The study with a tiny network and few devices; the packaged digits are its images."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spinloom.data import load_images
from spinloom.errors import InputError, OutputError, PhysicsError
from spinloom.learning import Software, fashion_cnn, plan_software, read_software, save_weights
from spinloom.studies import mtj_transfer
from spinloom.studies.mtj_transfer import SIZES, Settings, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(
        mtj_transfer,
        channels=(4, 4),
        hidden=16,
        images_seen=24_000,
        noise_seeds=2,
        instances=3,
        sweep_instances=2,
        sweep_images=100,
        devices=4,
        levels=(0.0, 0.1),
        temperatures=(0.0, 300.0),
        diameters=(60e-9, 120e-9),
    )


def test_everything_is_measured_on_simulated_junctions_and_a_second_run_measures_nothing(tmp_path):
    settings = Settings(dataset="mnist-5k", out=tmp_path / "out")
    result = run(settings)
    found = result.data
    assert found["software"] > 0.8, "the small network learns digits"
    assert sum(found["nominal"]) / 2 == pytest.approx(found["software"], abs=0.02)
    assert len(found["fabricated"]) == 3
    assert {name: len(points) for name, points in found["sweeps"].items()} == dict.fromkeys(
        ("noise", "spread", "temperature", "diameter"), 2
    )
    assert found["cost"]["devices"] == 4 * 14 * 14 + 4 * 7 * 7 + 16
    assert [claim.holds for claim in result.claims] == [None, None]
    assert "set for fashion-mnist; this run had mnist-5k" in result.claims[0].unjudged
    assert len(result.plots) == 7
    sweeps = [table for table in result.tables if table.title.startswith("Accuracy against")]
    assert len(sweeps) == 4
    assert all(table.note.startswith("The first 100 test images, of which the software") for table in sweeps)
    assert not result.resumed
    assert not list((tmp_path / "out" / ".cache").glob("*.checkpoint"))
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / ".cache").glob("*-*")}
    again = run(settings)
    assert again.resumed
    assert "in an earlier run" in again.settings["software"]
    assert json.dumps(again.as_dict()["data"]) == json.dumps(result.as_dict()["data"])
    assert {path: path.stat().st_mtime_ns for path in made} == made


@pytest.fixture
def judged(made_up, curve, weights, tmp_path):
    """Verdicts of a run whose networks lose so much, on so many networks, of this data set and these settings."""

    def judge(lost=0.0, networks=2, name="fashion-mnist", file=False, **more):
        given = Settings(dataset="mnist-5k", out=tmp_path / "out", weights=weights, **more)
        given = replace(given, device=str(curve)) if file else given
        found = made_up(mtj_transfer, given, 0.9, lambda _: (0.9 - lost,) * networks, name)
        return [claim.holds for claim in found.claims]

    return judge


def test_losses_are_judged_on_the_published_images_at_the_bars_own_settings_only(judged):
    assert judged() == [True, True]
    assert judged(lost=0.002) == [False, True]
    assert judged(lost=0.005) == [False, False]
    assert judged(name="mnist") == [None, None]
    assert judged(networks=1) == [None, None]
    assert judged(temperature=4.0) == [None, None]
    assert judged(file=True) == [None, None]
    assert judged(spread=0.2) == [True, None]


def test_sources_name_the_parameters_that_were_changed(made_up, weights, tmp_path):
    given = Settings(dataset="mnist-5k", out=tmp_path, weights=weights, set=("damping=0.02", "diameter=80e-9"))
    (claim, _) = made_up(mtj_transfer, given, 0.9, lambda _: (0.9, 0.9), "fashion-mnist").claims
    assert claim.source.endswith("; devices with damping=0.02, diameter=80e-9")
    assert claim.holds, "the bars name no parameters"


def test_a_second_study_in_the_same_folder_is_refused_before_its_work(curve, tmp_path):
    (tmp_path / "result.json").write_text('{"name": "mtj-deep", "claims": [], "versions": {}}')
    with pytest.raises(InputError, match="a result of mtj-deep, which mtj-transfer would replace"):
        run(Settings(dataset="mnist-5k", out=tmp_path, device=str(curve)))


@pytest.mark.parametrize("wrong", [{"spread": 0.1}, {"temperature": 77.0}, {"set": ("damping=0.02",)}])
def test_what_a_file_fixes_is_refused_beside_it(wrong, tmp_path):
    with pytest.raises(InputError, match=f"--{next(iter(wrong))} is of a simulated device.*give one of them"):
        run(Settings(dataset="mnist-5k", out=tmp_path / "out", device=str(tmp_path / "curve.csv"), **wrong))


def test_digits_are_not_mirrored_and_clothes_are():
    train, size = load_images("mnist-5k", "train", limit=10), SIZES.of(Settings())
    assert not plan_software(train, size, 0)[1].augmentation.flip
    assert plan_software(replace(train, name="fashion-mnist"), size, 0)[1].augmentation.flip


def test_own_weights_and_own_device_give_a_report(curve, weights, tmp_path, capsys):
    out = tmp_path / "out"
    settings = Settings(dataset="mnist-5k", out=out, weights=weights, device=str(curve), instances=2)
    result = run(settings)
    assert {path.name for path in out.iterdir()} == {
        ".cache", "accuracy-noise.png", "curves.png", "network.safetensors", "report.html", "result.json",
    }  # fmt: skip
    data = json.loads((out / "result.json").read_text())
    assert data["command"] == result.command
    assert data["settings"]["instances"] == 2 == len(data["data"]["fabricated"]), "as asked for, not as planned"
    assert data["settings"]["sweep_images"] == 100
    assert str(curve) in result.command
    assert data["data"]["cost"] is None
    assert "Sweep" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spread": -0.1}, "spread"),
        ({"spread": 20.0}, "spread must be in 0 to 1"),
        ({"temperature": float("nan")}, "temperature"),
        ({"instances": 0}, "instances"),
        ({"mac_energy": -1.0}, "mac_energy"),
        ({"dataset": "fashion-mnst"}, "fashion-mnist"),
        ({"weights": Path("nowhere.pt")}, "nowhere.pt"),
        ({"device": "nowhere.csv"}, "nowhere.csv"),
        ({"device": "mtj-neurn"}, "mtj-neuron"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings(dataset="mnist-5k", out=tmp_path / "out"), **wrong))
    assert not (tmp_path / "out" / "result.json").exists()


def test_weights_of_another_network_are_refused(tmp_path):
    save_weights(tmp_path / "w.safetensors", fashion_cnn((3, 32, 32), 10, (4, 4), 8))
    with pytest.raises(InputError, match=r"0\.weight"):
        read_software(tmp_path / "w.safetensors", load_images("mnist-5k", "train", limit=10))


def test_networks_with_other_weights_have_another_digest():
    one, two = (fashion_cnn((1, 28, 28), 10, (4, 4), 8, seed=seed) for seed in (0, 1))
    assert Software.of(one, "").digest != Software.of(two, "").digest
    assert not one.training


def test_a_junction_that_cannot_be_simulated_is_found_before_the_training(tmp_path):
    with pytest.raises(PhysicsError):
        run(Settings(dataset="mnist-5k", out=tmp_path, set=("diameter=5e-9", "damping=0.5")))
    assert not list(tmp_path.glob(".cache/network-*"))


def test_an_output_folder_that_cannot_be_made_fails_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(Settings(dataset="mnist-5k", out=tmp_path / "file" / "out"))
