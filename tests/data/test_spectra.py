import gzip
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tiny_spectra
import torch
from tiny_spectra import CLASSES, NAME, arrays, write

from spinloom.data import SpectraSet, fetch, find, list_sets, load_images, load_spectra
from spinloom.errors import InputError


@pytest.fixture
def path(data_root):
    return write(data_root / "tiny" / NAME, arrays())


def test_both_splits_arrive_with_their_labels(path):
    spec, written = tiny_spectra.spec(path), arrays()
    for split, count in (("train", 9), ("test", 6)):
        found = load_spectra(spec, split)
        assert torch.equal(found.values, torch.from_numpy(written[f"X_{split}"].astype(np.float32)))
        assert found.labels.tolist() == [number % 3 for number in range(count)]
        assert (found.name, found.split, found.classes, len(found)) == ("tiny-spectra", split, CLASSES, count)
        assert str(path.parent) in found.source


def test_a_packed_file_is_read_too(path):
    spec = tiny_spectra.spec(path)
    path.with_name(f"{NAME}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert len(load_spectra(spec)) == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-100], r"tiny\.h5 is truncated: \d+ of \d+ bytes; delete it and run"),
        (lambda content: content + b"more", r"tiny\.h5 is too long"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), r"tiny\.h5 is not the published file"),
    ],
)
def test_a_damaged_file_is_named(path, change, message):
    spec = tiny_spectra.spec(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        load_spectra(spec)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>", "is not an HDF5 file: it begins with 3c21444f43545950"),
        (b"", "is not an HDF5 file: it begins with nothing"),
        (b"\x89HDF\r\n\x1a\n" + bytes(200), "is truncated or damaged"),
    ],
)
def test_another_format_is_named(path, content, message):
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_spectra(tiny_spectra.spec(path, digest=False))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X_train": None}, r"holds no dataset X_train \(it holds X_test, Y_test, Y_train\)"),
        ({"X_train": np.zeros((9, 7))}, r"X_train holds float64 \(9, 7\), expected floats \(n, 8\)"),
        ({"X_train": np.zeros(9)}, r"X_train holds float64 \(9,\)"),
        ({"X_train": np.zeros((9, 8), np.int32)}, r"X_train holds int32 \(9, 8\), expected floats"),
        ({"Y_train": np.zeros(8, np.int64)}, r"Y_train holds int64 \(8,\) for 9 spectra, expected integers \(9,\)"),
        ({"Y_train": np.zeros(9)}, r"Y_train holds float64 \(9,\)"),
        ({"Y_train": np.full(9, 3)}, "labels of 'tiny-spectra' must be 0 to 2, got 3 to 3"),
        ({"X_train": np.full((9, 8), np.nan)}, "must be finite powers from 0 to 1, got nan to nan"),
        ({"X_train": np.full((9, 8), -0.1)}, "must be finite powers from 0 to 1, got -0.1 to -0.1"),
        ({"X_train": np.full((9, 8), 30.0)}, "got 30 to 30; divide by the largest power"),
        (
            {"X_train": np.zeros((0, 8)), "Y_train": np.zeros(0, np.int64)},
            r"none of them 0, got torch.float32 \(0, 8\)",
        ),
    ],
)
def test_wrong_contents_are_named(path, change, message):
    content = {name: array for name, array in (arrays() | change).items() if array is not None}
    write(path, content)
    with pytest.raises(InputError, match=message):
        load_spectra(tiny_spectra.spec(path))


def test_links_to_other_files_are_not_followed(path):
    other = write(path.with_name("other.h5"), arrays())
    with h5py.File(path, "a") as file:
        del file["X_train"]
        file["X_train"] = h5py.ExternalLink(other.name, "X_train")
    with pytest.raises(InputError, match="holds no dataset X_train"):
        load_spectra(tiny_spectra.spec(path))


def test_images_and_spectra_are_told_apart():
    with pytest.raises(InputError, match=r"drone-rf holds spectra, not images: .*load_spectra\('drone-rf'\)"):
        load_images("drone-rf")
    with pytest.raises(InputError, match=r"mnist holds images, not spectra: .*load_images\('mnist'\)"):
        load_spectra("mnist")
    with pytest.raises(InputError, match="unknown split 'valid'"):
        load_spectra("drone-rf", "valid")
    with pytest.raises(InputError, match="unknown data set 'drone': did you mean 'drone-rf'"):
        load_spectra("drone")


def test_an_absent_set_says_how_to_get_it(data_root):
    with pytest.raises(
        InputError, match="run `spinloom data fetch drone-rf`, or set SPINLOOM_DATA to a folder"
    ) as caught:
        load_spectra("drone-rf")
    assert str(data_root) in str(caught.value)
    assert next(row for row in list_sets() if row.name == "drone-rf").size == 2_060_096  # of the download


def test_a_local_copy_is_counted_once_and_verified_by_fetch(path):
    spec = tiny_spectra.spec(path)
    found = fetch(spec, progress=False)
    assert found.size(spec) == path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="is truncated"):
        fetch(spec, progress=False)


@pytest.mark.parametrize(
    "change", [{"values": torch.zeros(2, 3).double()}, {"labels": torch.zeros(3).long()}, {"values": torch.zeros(2)}]
)
def test_a_set_refuses_other_shapes_and_types(change):
    good = SpectraSet("own", "train", torch.zeros(2, 3), torch.zeros(2).long(), CLASSES, "memory")
    with pytest.raises(InputError, match="of 'own' must be"):
        replace(good, **change)


def test_the_published_file_loads(real_data):
    train, test = load_spectra("drone-rf", "train"), load_spectra("drone-rf", "test")
    assert (tuple(train.values.shape), tuple(test.values.shape)) == ((702, 256), (298, 256))
    assert train.labels.bincount().tolist() == [72, 68, 77, 68, 73, 66, 64, 73, 73, 68]
    assert test.labels.bincount().tolist() == [28, 32, 23, 32, 27, 34, 36, 27, 27, 32]
    assert train.classes == find("drone-rf").classes
