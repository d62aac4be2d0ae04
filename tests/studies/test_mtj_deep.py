"""The study with a tiny network and few devices, on small archives in the official format."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spinloom.data import FileSpec
from spinloom.data.catalogue import CATALOGUE
from spinloom.devices import Response, response_files
from spinloom.errors import InputError
from spinloom.learning import save_weights
from spinloom.learning.resnet import resnet20
from spinloom.studies.mtj_deep import Settings, plan, run, software, study

TINY = replace(
    plan.REDUCED,
    width=4,
    train_images=None,
    test_images=None,
    junctions=4,
    reads=200,
    rate=0.1,
    epochs=3,
    batch=20,
)


def coloured(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, 3, 32, 32) of 5 of the 100 classes; a bright band at one of 5 heights tells the class (count,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 5
    images = rng.integers(0, 60, (count, 3, 32, 32), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 6 * label : 6 * label + 6] += 180
    return images, labels


def records(count: int, seed: int) -> bytes:
    """In the format of CIFAR-100: coarse label, fine label, planes."""
    images, labels = coloured(count, seed)
    return b"".join(bytes([7, label]) + image.tobytes() for image, label in zip(images, labels, strict=True))


@pytest.fixture
def small_cifar100(tmp_path, monkeypatch):
    """An archive as Toronto packs it, with 300 + 50 images, and a catalogue that knows its sizes."""
    contents = {"train.bin": records(300, 0), "test.bin": records(50, 1)}
    root = tmp_path / "data"
    root.mkdir()
    with tarfile.open(root / "cifar-100-binary.tar.gz", "w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"cifar-100-binary/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    official = CATALOGUE["cifar100"]
    splits = {split: (FileSpec(f"{split}.bin", len(contents[f"{split}.bin"])),) for split in ("train", "test")}
    monkeypatch.setitem(CATALOGUE, "cifar100", replace(official, splits=splits, downloads=()))
    monkeypatch.setenv("SPINLOOM_DATA", str(root))
    monkeypatch.setattr(plan, "REDUCED", TINY)


@pytest.fixture
def curve(tmp_path):
    """A user's own device: tanh curves of different steepness."""
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.tensor([[0.95], [1.0], [1.05]]))
    response = Response(x, value, 1 - value**2, torch.full_like(value, 0.01), 1.0, "A")
    response_files.save(response, tmp_path / "curve.safetensors")
    return tmp_path / "curve.safetensors"


@pytest.fixture
def unpublished(monkeypatch):
    """No files of the result: figures take longer than these trainings."""
    monkeypatch.setattr(study, "publish", lambda result, out: None)


@pytest.mark.parametrize("network", ["resnet20", "densenet"])
def test_cifar100_runs_by_the_same_command(small_cifar100, curve, tmp_path, network):
    settings = Settings(dataset="cifar100", network=network, response=curve, out=tmp_path / "out")
    result = run(settings)
    assert result.data["software"] > 0.6
    assert result.data["nominal junctions"][0] == pytest.approx(result.data["software"], abs=0.2)
    assert len(result.data["fabricated junctions"]) == TINY.instances
    assert len(result.data["the same after one pass in place"]) == 1
    assert result.data["folded"] == pytest.approx(result.data["software"], abs=0.021)
    assert result.data["memory"]["hardware"] < result.data["memory"]["software"]
    assert result.settings["devices"] == 1, "processes, not junctions"
    assert (result.settings["train_images"], result.settings["test_images"]) == (300, 50)
    assert [claim.holds for claim in result.claims] == [None] * 3  # few test images, and devices from a file
    assert [claim.uncertainty is None for claim in result.claims] == [False, False, True]  # one instance is tuned
    told = " ".join((result.summary, *result.assumptions, *(plot.caption for plot in result.plots)))
    assert "spread of the file" in told
    for false in ("simulated", "300 K", "5 % spread"):
        assert false not in told, false
    assert json.loads((tmp_path / "out" / "result.json").read_text())["name"] == "mtj-deep"
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {"accuracy", "memory", "curves"}
    again = run(settings)
    assert again.data == result.data
    assert "in an earlier run" in again.summary
    assert (result.resumed, again.resumed) == (False, True)


def test_tuning_can_be_left_out_and_one_instance_has_no_deviation(small_cifar100, curve, tmp_path, unpublished):
    settings = Settings(dataset="cifar100", response=curve, out=tmp_path / "out", instances=1, tuned=0, epochs=1)
    result = run(settings)
    assert [claim.name for claim in result.claims] == ["loss on nominal junctions", "loss with device spread"]
    assert result.claims[1].uncertainty is None
    rows = {row[0]: row for row in result.tables[0].rows}
    assert not any("tuned" in name or "pass" in name for name in rows)
    assert rows["fabricated junctions"][2] is None
    assert "in place" not in " ".join((result.summary, *result.assumptions))
    more = run(replace(settings, tuned=2))
    assert len(more.data["the same after one pass in place"]) == 2, "more may be tuned than are fabricated"
    assert more.data["fabricated junctions"] == result.data["fabricated junctions"]


def test_a_tuning_on_other_images_is_another_stage(small_cifar100, curve, tmp_path, unpublished, monkeypatch):
    run(Settings(dataset="cifar100", response=curve, out=tmp_path / "first", epochs=1, tuned=0))
    weights = str(tmp_path / "first" / "network.safetensors")
    monkeypatch.setattr(plan, "FULL", replace(plan.FULL, width=4, blocks=1))
    settings = Settings(dataset="cifar100", weights=weights, response=curve, out=tmp_path / "out")
    run(settings)
    monkeypatch.setattr(plan, "REDUCED", replace(TINY, train_images=200))
    run(settings)
    assert len(list((tmp_path / "out" / ".cache").glob("tuned-*.safetensors"))) == 2


def test_a_relu_network_slides_into_a_tanh_network(small_cifar100, curve, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "FULL", replace(plan.FULL, width=4, blocks=1))
    save_weights(tmp_path / "relu.safetensors", resnet20((3, 32, 32), 100, 4, 1, "post"))
    start = tmp_path / "relu.safetensors"
    settings = Settings(dataset="cifar100", start=start, response=curve, out=tmp_path / "out", epochs=1)
    result = run(settings)
    assert "from relu.safetensors" in result.summary
    # what was trained is a network of this family that can be given again
    taken = replace(settings, start=None, weights=str(tmp_path / "out" / "network.safetensors"), out=tmp_path / "two")
    assert run(taken).data["software"] == result.data["software"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"network": "vgg"}, "vgg"),
        ({"instances": 0}, "instances"),
        ({"tuned": -1}, "tuned"),
        ({"response": Path("x.csv"), "temperature": 77.0}, "--temperature is of a simulated device"),
        ({"epochs": -1}, "epochs"),
        ({"weights": "a", "start": "b"}, "give one of them"),
        ({"network": "densenet", "start": "b"}, "resnet20"),
        ({"spread": -0.1}, "spread"),
        ({"devices": 3}, "cannot share a batch"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        plan.plan_of(Settings(**wrong))


def test_a_start_of_another_shape_is_refused(small_cifar100, curve, tmp_path):
    save_weights(tmp_path / "relu.safetensors", resnet20((3, 32, 32), 10, 4, 1, "post"))
    with pytest.raises(InputError, match="does not fit"):
        run(Settings(dataset="cifar100", start=tmp_path / "relu.safetensors", response=curve, out=tmp_path / "out"))


def test_a_start_that_is_no_weights_file_is_said_in_one_line(small_cifar100, curve, tmp_path):
    (tmp_path / "notes.txt").write_text(".")
    for name, message in (("none.th", "no weights file"), ("notes.txt", "not a whole"), ("data", "no weights file")):
        with pytest.raises(InputError, match=message):
            run(Settings(dataset="cifar100", start=tmp_path / name, response=curve, out=tmp_path / "out"))


def test_another_scaling_of_the_start_networks_pixels_is_another_training(tmp_path):
    save_weights(tmp_path / "relu.safetensors", resnet20((3, 32, 32), 10, 2, 1, "post"))
    plain = Settings(start=tmp_path / "relu.safetensors")
    names = {software._start(one) for one in (plain, replace(plain, start_std=(0.2, 0.2, 0.2)))}
    assert len(names) == 2
    assert software._start(Settings()) is None
    with pytest.raises(InputError, match="start std 2"):
        plan.plan_of(replace(plain, start_std=(0.2, 0.0, 0.2)))


def test_shipped_weights_of_another_data_set_are_refused(small_cifar100, curve, tmp_path):
    with pytest.raises(InputError, match="trained on fashion-mnist"):
        run(Settings(dataset="cifar100", weights="fashion-cnn", response=curve, out=tmp_path / "out"))
