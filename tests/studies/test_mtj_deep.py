"""The study with a tiny network and few devices, on small archives in the official format."""

import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from spinloom.data.catalogue import CATALOGUE
from spinloom.data.spec import FileSpec
from spinloom.devices import Response, response_files
from spinloom.errors import InputError
from spinloom.learning.resnet import resnet20
from spinloom.learning.weights import save_weights
from spinloom.studies.mtj_deep import Settings, plan, run, software

TINY = replace(
    plan.REDUCED,
    width=4,
    train_images=None,
    test_images=None,
    devices=4,
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
    assert all(claim.holds is not None for claim in result.claims)  # CIFAR-100 is the published data set
    assert [claim.uncertainty is None for claim in result.claims] == [False, False, True]  # one instance is tuned
    assert json.loads((tmp_path / "out" / "result.json").read_text())["name"] == "mtj-deep"
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {"accuracy", "memory", "curves"}
    again = run(settings)
    assert again.data == result.data
    assert "in an earlier run" in again.summary


def test_a_relu_network_slides_into_a_tanh_network(small_cifar100, curve, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "FULL", replace(plan.FULL, width=4, blocks=1))
    save_weights(resnet20((3, 32, 32), 100, 4, 1, "post"), tmp_path / "relu.safetensors")
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
        ({"tuned": 0}, "tuned"),
        ({"epochs": -1}, "epochs"),
        ({"weights": "a", "start": "b"}, "give one of them"),
        ({"network": "densenet", "start": "b"}, "resnet20"),
        ({"spread": -0.1}, "spread"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        plan.plan_of(Settings(**wrong))


def test_a_start_of_another_shape_is_refused(small_cifar100, curve, tmp_path):
    save_weights(resnet20((3, 32, 32), 10, 4, 1, "post"), tmp_path / "relu.safetensors")
    with pytest.raises(InputError, match="does not fit"):
        run(Settings(dataset="cifar100", start=tmp_path / "relu.safetensors", response=curve, out=tmp_path / "out"))


def test_a_start_that_is_no_weights_file_is_said_in_one_line(small_cifar100, curve, tmp_path):
    (tmp_path / "notes.txt").write_text(".")
    for name, message in (("none.th", "no weights file"), ("notes.txt", "not a whole"), ("data", "no weights file")):
        with pytest.raises(InputError, match=message):
            run(Settings(dataset="cifar100", start=tmp_path / name, response=curve, out=tmp_path / "out"))


def test_another_scaling_of_the_start_networks_pixels_is_another_training(tmp_path):
    save_weights(resnet20((3, 32, 32), 10, 2, 1, "post"), tmp_path / "relu.safetensors")
    plain = Settings(start=tmp_path / "relu.safetensors")
    names = {software._start(one) for one in (plain, replace(plain, start_std=(0.2, 0.2, 0.2)))}
    assert len(names) == 2
    assert software._start(Settings()) is None
    with pytest.raises(InputError, match="start std 2"):
        plan.plan_of(replace(plain, start_std=(0.2, 0.0, 0.2)))


def test_shipped_weights_of_another_data_set_are_refused(small_cifar100, curve, tmp_path):
    with pytest.raises(InputError, match="trained on fashion-mnist"):
        run(Settings(dataset="cifar100", weights="fashion-cnn", response=curve, out=tmp_path / "out"))
