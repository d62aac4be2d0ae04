"""The study with a tiny network and few devices, on small archives in the official format."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinloom.data import FileSpec
from spinloom.data.catalogue import CATALOGUE
from spinloom.errors import InputError
from spinloom.evaluation import Population
from spinloom.learning import resnet20, save_weights
from spinloom.studies import kit, mtj_deep
from spinloom.studies.mtj_deep import Settings, run

TINY = {"width": 4, "blocks": 1, "train_images": None, "test_images": None, "junctions": 4, "reads": 200, "epochs": 3}
TINY |= {"growth": 6, "layers": (2, 2, 2), "batch": 20, "instances": 2, "tuned": 1, "noise_seeds": 2}


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
def small_cifar100(tmp_path, monkeypatch, shrink):
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
    shrink(mtj_deep, **TINY)


@pytest.mark.parametrize("network", ["resnet20", "densenet"])
def test_cifar100_runs_by_the_same_command(small_cifar100, curve, tmp_path, network, repeat):
    settings = Settings(dataset="cifar100", network=network, device=str(curve), out=tmp_path / "out")
    result = run(settings)
    assert result.data["software"] > 0.6
    assert result.data["nominal junctions"][0] == pytest.approx(result.data["software"], abs=0.2)
    assert len(result.data["fabricated junctions"]) == 2
    assert len(result.data["the same after one pass in place"]) == 1
    assert result.data["folded"] == pytest.approx(result.data["software"], abs=0.021)
    assert result.data["memory"]["hardware"] < result.data["memory"]["software"]
    assert (result.settings["train_images"], result.settings["test_images"]) == (300, 50)
    assert [claim.holds for claim in result.claims] == [None] * 3  # few test images, and devices from a file
    assert [claim.uncertainty is None for claim in result.claims] == [False, False, True]  # one instance is tuned
    told = " ".join((result.summary, *result.assumptions, *(plot.caption for plot in result.plots)))
    assert "spread of the file" in told
    for false in ("simulated", "300 K", "5 % spread"):
        assert false not in told, false
    assert json.loads((tmp_path / "out" / "result.json").read_text())["name"] == "mtj-deep"
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {"accuracy", "memory", "curves"}
    again = repeat(run, settings)
    assert again.data == result.data
    assert "in an earlier run" in again.summary
    assert (result.resumed, again.resumed) == (False, True)


def test_tuning_can_be_left_out_and_one_instance_has_no_deviation(small_cifar100, curve, tmp_path, unwritten):
    settings = Settings(dataset="cifar100", device=str(curve), out=tmp_path / "out", instances=1, tuned=0, epochs=1)
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


def test_a_tuning_on_other_images_is_another_stage(small_cifar100, curve, tmp_path, unwritten, shrink):
    run(Settings(dataset="cifar100", device=str(curve), out=tmp_path / "first", epochs=1, tuned=0))
    weights = tmp_path / "first" / "network.safetensors"
    settings = Settings(dataset="cifar100", weights=weights, device=str(curve), out=tmp_path / "out")
    run(settings)
    shrink(mtj_deep, train_images=200)
    run(settings)
    assert len(list((tmp_path / "out" / ".cache").glob("tuned-*.safetensors"))) == 2


def test_a_relu_network_slides_into_a_tanh_network(small_cifar100, curve, tmp_path):
    save_weights(tmp_path / "relu.safetensors", resnet20((3, 32, 32), 100, 4, 1, "post"))
    start = tmp_path / "relu.safetensors"
    settings = Settings(dataset="cifar100", start=start, device=str(curve), out=tmp_path / "out", epochs=1)
    result = run(settings)
    assert "from relu.safetensors" in result.summary
    # what was trained is a network of this family that can be given again
    taken = replace(settings, start=None, weights=tmp_path / "out" / "network.safetensors", out=tmp_path / "two")
    assert run(taken).data["software"] == result.data["software"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"network": "vgg"}, "vgg"),
        ({"instances": 0}, "instances"),
        ({"tuned": -1}, "tuned"),
        ({"device": "x.csv", "temperature": 77.0}, "--temperature is of a simulated device"),
        ({"epochs": -1}, "epochs"),
        ({"weights": Path("a"), "start": Path("b")}, "give one of them"),
        ({"network": "densenet", "start": Path("b")}, "resnet20"),
        ({"spread": -0.1}, "spread"),
        ({"processes": 3}, "cannot share a batch"),
    ],
)
def test_impossible_settings_are_refused(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(Settings(out=tmp_path / "out", **wrong))
    assert not (tmp_path / "out").exists()


def test_a_start_of_another_shape_is_refused(small_cifar100, curve, tmp_path):
    save_weights(tmp_path / "relu.safetensors", resnet20((3, 32, 32), 10, 4, 1, "post"))
    with pytest.raises(InputError, match="does not fit"):
        run(Settings(dataset="cifar100", start=tmp_path / "relu.safetensors", device=str(curve), out=tmp_path / "out"))


def test_a_start_that_is_no_weights_file_is_said_in_one_line(small_cifar100, curve, tmp_path):
    (tmp_path / "notes.txt").write_text(".")
    for name, message in (("none.th", "no weights file"), ("notes.txt", "not a whole"), ("data", "no weights file")):
        with pytest.raises(InputError, match=message):
            run(Settings(dataset="cifar100", start=tmp_path / name, device=str(curve), out=tmp_path / "out"))


def test_another_scaling_of_the_start_networks_pixels_is_another_training(small_cifar100, curve, tmp_path, unwritten):
    save_weights(tmp_path / "relu.safetensors", resnet20((3, 32, 32), 100, 4, 1, "post"))
    plain = Settings(
        dataset="cifar100",
        start=tmp_path / "relu.safetensors",
        device=str(curve),
        out=tmp_path / "out",
        epochs=1,
        tuned=0,
    )
    for settings in (plain, replace(plain, start_std=(0.2, 0.2, 0.2))):
        run(settings)
    assert len(list((tmp_path / "out" / ".cache").glob("network-*.safetensors"))) == 2
    with pytest.raises(InputError, match="start std 2"):
        run(replace(plain, start_std=(0.2, 0.0, 0.2)))


def test_shipped_weights_of_another_data_set_are_refused(small_cifar100, curve, tmp_path):
    with pytest.raises(InputError, match="trained on fashion-mnist"):
        run(Settings(dataset="cifar100", weights=Path("fashion-cnn"), device=str(curve), out=tmp_path / "out"))


SOFT = "accuracy in software"
FABRICATED, NOMINAL, TUNED = (mtj_deep.CLAIMS[one] for one in (mtj_deep.FABRICATED, mtj_deep.NOMINAL, mtj_deep.TUNED))


@pytest.fixture
def judged(small_cifar100, made_up, tmp_path, monkeypatch):
    """Verdicts by claim of a run with these accuracies on simulated junctions, of this data set and these settings."""
    save_weights(tmp_path / "w.safetensors", resnet20((3, 32, 32), 100, 4, 1, "post"))

    def judge(name, software=0.9, nominal=(0.89, 0.89), fabricated=(0.885, 0.885), tuned=(0.897, 0.896), **given):
        monkeypatch.setattr(mtj_deep, "IMAGES", given.pop("images", 50))
        monkeypatch.setattr(mtj_deep.learning, "refresh_batch_norm", lambda network, images: network)
        groups = {"nominal junctions": nominal, "fabricated junctions": fabricated}
        made = {"in_software": lambda **_: [software, software], "refreshed": lambda **_: [software]}
        made["tuned"] = lambda number, **_: [tuned[number], tuned[number]]
        monkeypatch.setattr(kit.Run, "kept", lambda self, function: made[function.__name__])
        settings = Settings(
            dataset="cifar100", weights=tmp_path / "w.safetensors", out=tmp_path / "out", tuned=len(tuned), **given
        )
        found = made_up(mtj_deep, settings, software, groups.__getitem__, name)
        assert Population(fabricated).mean == found.data["fabricated junctions"][0]
        return {claim.name: claim.holds for claim in found.claims}

    return judge


def test_cifar10_has_bars_of_its_own(judged):
    assert judged("cifar10") == {SOFT: True, FABRICATED: True, TUNED: True}
    worse = judged("cifar10", software=0.87, fabricated=(0.85, 0.85), tuned=(0.86, 0.86))
    assert worse == {SOFT: False, FABRICATED: False, TUNED: False}
    assert judged("cifar10", tuned=()) == {SOFT: True, FABRICATED: True}


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"spread": 0.2}, [True, None, None]),
        ({"temperature": 77.0}, [True, None, None]),
        ({"images": 10_000}, [None] * 3),
        ({"fabricated": (0.885,)}, [True, None, True]),
        ({"tuned": (0.897,)}, [True, True, None]),
    ],
)
def test_each_bar_is_judged_under_its_own_conditions_only(judged, given, holds):
    assert list(judged("cifar10", **given).values()) == holds


def test_the_published_losses_are_judged_on_cifar100_and_nothing_on_other_images(judged):
    published = judged("cifar100", nominal=(0.89, 0.89), fabricated=(0.879, 0.879))
    assert published == {NOMINAL: True, FABRICATED: False, TUNED: True}
    assert list(judged("cifar100", spread=0.1).values()) == [True, None, None]
    assert set(judged("mnist").values()) == {None}
