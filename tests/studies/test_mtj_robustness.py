"""The study with a tiny network, few devices and few instances; the packaged digits are its images."""

import json
from dataclasses import replace

import pytest

from spinloom import report
from spinloom.errors import InputError
from spinloom.evaluation import Population
from spinloom.learning import read_tensors
from spinloom.studies import kit, mtj_robustness
from spinloom.studies.mtj_robustness import SIZES, Settings, find_borne, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(
        mtj_robustness,
        channels=(4, 4),
        hidden=16,
        images_seen=16_000,
        devices=4,
        instances=3,
        images=200,
        spreads=(0.0, 0.05),
        noises=(0.0, 1.0),
        bits=(1, 8),
        temperatures=(0.0, 300.0),
        stuck=(0.0, 0.5),
    )


def test_every_imperfection_grows_and_hurts_and_is_measured_once(tmp_path):
    result = run(Settings(dataset="mnist-5k", out=tmp_path))
    software, sweeps = result.data["software"], result.data["sweeps"]
    mean = {name: [sum(point["accuracies"]) / 3 for point in points] for name, points in sweeps.items()}
    assert list(sweeps) == ["spread", "noise", "resolution", "temperature", "stuck"]
    assert all(len(point["accuracies"]) == 3 for points in sweeps.values() for point in points)
    assert max(mean["noise"][-1], mean["stuck"][-1]) < software - 0.1
    assert mean["spread"][0] == mean["noise"][0] == mean["stuck"][0]
    assert len(list((tmp_path / ".cache").glob("population-*.json"))) == 8, "nominal junctions are measured once"
    assert mean["resolution"][0] < mean["resolution"][1]
    for accuracy in (mean["spread"][0], mean["temperature"][1], mean["resolution"][1]):
        assert accuracy == pytest.approx(software, abs=0.04)
    assert [claim.holds for claim in result.claims] == [None]  # published for other images
    assert len(result.plots) == 6
    assert result.tables[0].title == "What is borne"


def test_what_is_borne_ends_where_the_loss_first_exceeds_the_tolerance():
    def borne(name: str, tolerance: float, *pairs: tuple[float, float]) -> float | None:
        points = {value: Population((accuracy,)) for value, accuracy in pairs}
        return find_borne(report.SWEEPS[name], points, 0.9, tolerance)

    noise = ((0.0, 0.9), (0.1, 0.895), (0.2, 0.85), (0.3, 0.9))
    assert borne("noise", 1.0, *noise) == 0.1
    assert borne("noise", 6.0, *noise) == 0.3
    assert borne("resolution", 1.0, (1, 0.3), (2, 0.895), (4, 0.9)) == 2
    assert borne("stuck", 1.0, (0.0, 0.5)) is None


def test_the_loss_is_judged_on_the_published_images_at_room_temperature_and_with_an_error(
    made_up, weights, curve, tmp_path, shrink
):
    shrink(mtj_robustness, spreads=(0.05,), noises=(0.0,), bits=(8,), temperatures=(0.0,), stuck=(0.0,))

    def judged(accuracies=(0.9, 0.894), software=0.9, name="fashion-mnist", **more):
        given = Settings(dataset="mnist-5k", out=tmp_path / "out", weights=weights, **more)
        return [claim.holds for claim in made_up(mtj_robustness, given, software, lambda _: accuracies, name).claims]

    assert judged() == [True]
    assert judged(software=0.902) == [False]
    assert judged(accuracies=(0.9,)) == [None]
    assert judged(temperature=77.0) == [None]
    assert judged(name="mnist") == [None]
    assert judged(device=str(curve)) == [], "without a sweep of spread"


def test_a_device_of_your_own_gives_a_report_without_sweeps_that_need_a_simulation(
    weights, curve, tmp_path, shrink, capsys
):
    shrink(mtj_robustness, images=100_000, noises=(0.0,), bits=(8,), stuck=(0.0,))
    out = tmp_path / "out"
    result = run(Settings(dataset="mnist-5k", out=out, weights=weights, device=str(curve), instances=2))
    assert {path.name for path in out.iterdir()} == {
        ".cache", "accuracy-noise.png", "accuracy-resolution.png", "accuracy-stuck.png", "curves.png",
        "network.safetensors", "report.html", "result.json",
    }  # fmt: skip
    assert read_tensors(out / "network.safetensors").keys() == read_tensors(weights).keys()
    data = json.loads((out / "result.json").read_text())
    assert data["command"] == result.command
    assert data["settings"]["instances"] == 2, "as asked for, not as planned"
    assert data["settings"]["images"] == 1_000, "the images there are"
    assert data["settings"]["software"] == f"weights from {weights}"
    assert "300 K" not in " ".join(result.assumptions), "the temperature of a file is its own"
    assert list(data["data"]["sweeps"]) == ["noise", "resolution", "stuck"]
    assert "What is borne" in capsys.readouterr().out


def test_both_sizes_measure_enough_networks(monkeypatch):
    monkeypatch.undo()  # the real sizes
    for full, instances in ((False, 30), (True, 100)):
        size = SIZES.of(Settings(full=full))
        assert size.instances >= instances
        assert 0.05 in size.spreads
        assert (max(size.spreads), max(size.noises), max(size.stuck)) == (0.3, 0.3, 0.2)
        assert (min(size.bits), max(size.bits)) == (1, 8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": float("nan")}, "temperature"),
        ({"instances": 0}, "instances"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"dataset": "fashion-mnst"}, "fashion-mnist"),
        ({"device": "nowhere.csv"}, "nowhere.csv"),
        ({"device": "nowhere.csv", "temperature": 77.0}, "--temperature is of a simulated device"),
        ({"device": "nowhere.csv", "set": ("damping=0.02",)}, "give one of them"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings(dataset="mnist-5k", out=tmp_path / "out"), **wrong))
    assert not (tmp_path / "out" / "result.json").exists()


def test_the_published_size_is_what_bars_are_set_for():
    sizes = kit.Sizes(least={"few": 0}, few=(1, 2), names=(("a",), ("b",)))
    assert vars(sizes.full()) == {"few": 2, "names": ("b",)}
