"""The study with a tiny network and few devices; the packaged digits are its images."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from spinloom.studies.mtj_parts.outcome import Run, _claims, outcome

from spinloom.data import load_images
from spinloom.devices import Response, TwoPolarizerMTJ, device_source, response_files
from spinloom.errors import InputError, OutputError, PhysicsError
from spinloom.evaluation import Examples, Population
from spinloom.learning import fashion_cnn, save_weights
from spinloom.report import at_most
from spinloom.studies.mtj_parts.conditions import on
from spinloom.studies.mtj_parts.measurements import Bench, Measured
from spinloom.studies.mtj_parts.plan import REDUCED, training_of
from spinloom.studies.mtj_parts.software import given, trained
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.mtj_transfer import Settings, run

SMALL = replace(
    REDUCED,
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


@pytest.fixture(scope="module")
def train():
    return load_images("mnist-5k", "train", limit=1000)


@pytest.fixture(scope="module")
def software(train, tmp_path_factory):
    return trained(train, SMALL, 0, Stages(tmp_path_factory.mktemp("cache"), {}))


@pytest.fixture
def curve(tmp_path) -> Path:
    """A user's own device: three tanh curves of different steepness."""
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.tensor([[0.9], [1.0], [1.1]]))
    response = Response(x, value, 1 - value**2, torch.full_like(value, 0.01), 1.0, "A", {"made": "here"})
    response_files.save(response, tmp_path / "curve.safetensors")
    return tmp_path / "curve.safetensors"


def test_the_small_network_learns_digits(software, train):
    test = Examples.of(load_images("mnist-5k", "test"))
    bench = Bench(software, device_source(TwoPolarizerMTJ(), (), 300.0, 2, 0), test, SMALL, 0, Stages(Path(), {}))
    with torch.inference_mode():
        right = bench.network(test.inputs).argmax(1) == test.labels
    assert float(right.float().mean()) > 0.8


def test_everything_is_measured_on_simulated_junctions(software, tmp_path):
    test = load_images("mnist-5k", "test", limit=200)
    junctions = device_source(TwoPolarizerMTJ(), (), 300.0, SMALL.devices, 0)
    bench = Bench(software, junctions, Examples.of(test), SMALL, 0, Stages(tmp_path, {}))
    found = bench.measure(0.05, 0.23e-12)
    assert found.nominal.mean == pytest.approx(found.software, abs=0.02)
    assert len(found.fabricated.accuracies) == 3
    assert {name: len(points) for name, points in found.sweeps.items()} == dict.fromkeys(
        ("noise", "spread", "temperature", "diameter"), 2
    )
    assert found.cost.devices == 4 * 14 * 14 + 4 * 7 * 7 + 16
    assert found.sizes[0].noise > found.sizes[1].noise  # a smaller free layer moves more
    assert found.sizes[0].cost.neurons < found.sizes[1].cost.neurons
    result = outcome(Run(Settings(), SMALL, test, "Asked for.", software, junctions, found, 1.0))
    assert [claim.holds for claim in result.claims] == [None, None]  # published for other images
    assert len(result.plots) == 7
    sweeps = [table for table in result.tables if table.title.startswith("Accuracy against")]
    assert len(sweeps) == 4
    assert all(table.note.startswith("The first 100 test images, of which the software") for table in sweeps)
    again = Bench(software, junctions, Examples.of(test), SMALL, 0, Stages(tmp_path, {})).measure(0.05, 0.23e-12)
    assert (again.nominal, again.fabricated, again.sweeps) == (found.nominal, found.fabricated, found.sweeps)


@pytest.fixture
def judged(software, curve):
    """Verdicts of a run whose networks lose so much, on so many networks, of this data set and these settings."""
    test = load_images("mnist-5k", "test", limit=50)

    def make(lost=0.0, networks=2, name="fashion-mnist", file=False, **settings):
        chosen = Settings(**settings)
        junctions = device_source(curve) if file else device_source(TwoPolarizerMTJ(), (), chosen.temperature, 4, 0)
        group = Population((0.9 - lost,) * networks)
        found = Measured(0.9, group, group, {}, 0.9, None, ())
        run = Run(chosen, SMALL, replace(test, name=name), "", software, junctions, found, 1.0)
        return [claim.holds for claim in _claims(run)]

    return make


def test_losses_are_judged_on_the_published_images_at_the_bars_own_settings_only(judged):
    assert judged() == [True, True]
    assert judged(lost=0.002) == [False, True]
    assert judged(lost=0.005) == [False, False]
    assert judged(name="mnist") == [None, None]
    assert judged(networks=1) == [None, None]
    assert judged(temperature=4.0) == [None, None]
    assert judged(file=True) == [None, None]
    assert judged(spread=0.2) == [True, None]


def test_sources_name_the_parameters_that_were_changed():
    claims = [at_most("loss", 0.4, 0.2, "points", "a paper")]
    changed = device_source("mtj-neuron", ("damping=0.02", "diameter=80e-9"), 300.0, 4, 0)
    assert on(changed, claims)[0].source == "a paper; junctions with damping=0.02, diameter=80e-9"
    assert on(changed, claims)[0].holds, "the bars name no parameters"
    assert on(device_source("mtj-neuron", (), 300.0, 4, 0), claims) == tuple(claims)


def test_a_second_study_in_the_same_folder_is_refused_before_its_work(curve, tmp_path):
    (tmp_path / "result.json").write_text('{"name": "mtj-deep", "claims": [], "versions": {}}')
    with pytest.raises(InputError, match="a result of mtj-deep, which mtj-transfer would replace"):
        run(Settings("mnist-5k", tmp_path, response=curve))


@pytest.mark.parametrize("wrong", [{"spread": 0.1}, {"temperature": 77.0}, {"junction": ("damping=0.02",)}])
def test_what_a_file_fixes_is_refused_beside_it(wrong, tmp_path):
    with pytest.raises(InputError, match=f"--{next(iter(wrong))} is of a simulated device.*give one of them"):
        run(Settings("mnist-5k", tmp_path / "out", response=tmp_path / "curve.csv", **wrong))


def test_slopes_that_a_file_lacks_are_not_said_to_be_read(curve, tmp_path):
    (tmp_path / "values.csv").write_text("drive (A),value\n" + "".join(f"{x},{math.tanh(x)}\n" for x in range(-4, 5)))
    assert "derivative of the device's curve" in device_source(tmp_path / "values.csv").slopes
    assert "read from the device" in device_source(curve).slopes
    assert "read from the junction" in device_source(TwoPolarizerMTJ(), (), 300.0, 4, 0).slopes


def test_a_network_trained_before_is_taken_from_the_cache(software, train, tmp_path):
    stages = Stages(tmp_path, {})
    first = trained(train, replace(SMALL, images_seen=1000), 0, stages)
    again = trained(train, replace(SMALL, images_seen=1000), 0, stages)
    assert again.digest == first.digest != software.digest
    assert "earlier run" in again.origin
    assert not list(tmp_path.glob("*.checkpoint"))


def test_digits_are_not_mirrored_and_clothes_are(train):
    assert not training_of(SMALL, train, 0).augmentation.flip
    assert training_of(SMALL, replace(train, name="fashion-mnist"), 0).augmentation.flip


def test_own_weights_and_own_device_give_a_report(software, curve, tmp_path, capsys):
    save_weights(tmp_path / "w.safetensors", software.network)
    out = tmp_path / "out"
    settings = Settings("mnist-5k", out, weights=tmp_path / "w.safetensors", response=curve, instances=2)
    result = run(settings)
    assert {path.name for path in out.iterdir()} == {
        ".cache", "accuracy-noise.png", "curves.png", "network.safetensors", "report.html", "result.json",
    }  # fmt: skip
    data = json.loads((out / "result.json").read_text())
    assert data["command"] == result.command
    assert data["settings"]["instances"] == 2 == len(data["data"]["fabricated"]), "as asked for, not as planned"
    assert data["settings"]["sweep_images"] == 1_000, "the images there are"
    assert str(curve) in result.command
    assert data["data"]["cost"] is None
    assert "Sweep" not in capsys.readouterr().out
    assert not result.resumed
    again = run(settings)
    assert again.resumed
    assert json.dumps(result.as_dict()["data"]) == json.dumps(again.as_dict()["data"])


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
        ({"response": Path("nowhere.csv")}, "nowhere.csv"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings("mnist-5k", tmp_path / "out"), **wrong))
    assert not (tmp_path / "out" / "result.json").exists()


def test_weights_of_another_network_are_refused(tmp_path):
    save_weights(tmp_path / "w.safetensors", fashion_cnn((3, 32, 32), 10, (4, 4), 8))
    with pytest.raises(InputError, match=r"0\.weight"):
        given(tmp_path / "w.safetensors", load_images("mnist-5k", "train", limit=10))


def test_a_junction_that_cannot_be_simulated_is_found_before_the_training(tmp_path):
    with pytest.raises(PhysicsError):
        run(Settings("mnist-5k", tmp_path, junction=("diameter=5e-9", "damping=0.5")))
    assert not list(tmp_path.glob(".cache/network-*"))


def test_an_output_folder_that_cannot_be_made_fails_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(Settings("mnist-5k", tmp_path / "file" / "out"))


@pytest.mark.parametrize("name", ["value", "slope", "noise", "slope_noise"])
def test_a_device_file_that_changed_in_any_way_is_another_device(curve, tmp_path, name):
    (tmp_path / "same").mkdir()
    (tmp_path / "other").mkdir()
    response = response_files.load(curve)
    changed = getattr(response, name).clone()
    changed[0, :2] = changed[0, :2] + torch.tensor([1e-3, -1e-3])  # the sum stays
    if name.endswith("noise"):
        changed = changed.abs()
    response_files.save(response, tmp_path / "same" / curve.name)
    response_files.save(replace(response, **{name: changed}), tmp_path / "other" / curve.name)
    here, same, other = (
        device_source(one).identity for one in (curve, *(tmp_path / d / curve.name for d in ("same", "other")))
    )
    assert here == same
    assert here != other
