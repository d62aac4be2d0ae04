"""Mistakes that a type checker would find, for those who run none: each is an InputError that says what is wanted."""

import pytest
import torch
from tiny_sets import idx_spec, write_idx

from spinloom.data import (
    DATA_VARIABLE,
    DatasetSpec,
    Download,
    FileSpec,
    ImageSet,
    SpectraSet,
    fetch,
    find,
    list_sets,
    load_images,
    load_pair,
    load_spectra,
    resolve,
)
from spinloom.errors import InputError

WRONG = (None, (1.0, 2.0), [1.0], object(), {}, b"x", 2.5, torch.ones(2, 3))
IMAGES = {
    "name": "few",
    "split": "train",
    "images": torch.zeros(4, 1, 2, 2, dtype=torch.uint8),
    "labels": torch.zeros(4, dtype=torch.int64),
    "classes": ("one",),
    "source": "here",
}
SPECTRA = {name: part for name, part in IMAGES.items() if name != "images"} | {"values": torch.rand(4, 5)}


@pytest.mark.parametrize("function", [load_images, load_pair, load_spectra, find, fetch, resolve])
def test_a_name_that_is_none(function):
    for wrong in (*WRONG, "no such set"):
        with pytest.raises(InputError, match=r"(?s)unknown data set .*: known are "):
            function(wrong)


@pytest.mark.parametrize("limit", ["3", 2.5, [1], 0, -1, True, float("nan")])
def test_a_limit_that_is_no_count(limit, data_root):
    write_idx(data_root / "tiny-idx")
    with pytest.raises(
        InputError, match=r"limit must be a whole number, at least 1 image, got .*; leave it out for all"
    ):
        load_images(idx_spec(), limit=limit)


@pytest.mark.parametrize(
    ("made", "given", "parts"),
    [(ImageSet, IMAGES, ("images", "labels", "classes")), (SpectraSet, SPECTRA, ("values", "labels", "classes"))],
)
def test_a_set_made_of_something_else(made, given, parts):
    made(**given)
    for part in parts:
        for wrong in WRONG:
            if part != "classes" or not isinstance(wrong, tuple | list):
                with pytest.raises(InputError):
                    made(**{**given, part: wrong})


@pytest.mark.parametrize(
    "part", ["name", "title", "layout", "shape", "classes", "splits", "folders", "prefix", "downloads"]
)
def test_a_specification_made_of_something_else(part):
    for wrong in WRONG:
        with pytest.raises(InputError):
            idx_spec(**{part: wrong})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layout": "png"}, "unknown layout 'png': .*known are cifar, idx, packaged, spectra"),
        ({"shape": (1, 4)}, "shape of a data set must be a tuple of 3 int"),
        ({"shape": (1, 0, 5)}, "height must be a whole number >= 1, got 0"),
        ({"splits": {"validation": ()}}, "splits must map 'train' and 'test' to their files"),
        ({"splits": {"train": (), "test": ()}}, "files of 'train' of a data set must be a tuple of 2 FileSpec"),
    ],
)
def test_a_specification_that_does_not_fit_together(changes, message):
    with pytest.raises(InputError, match=message):
        idx_spec(**changes)


def test_files_without_a_usable_size_or_digest():
    with pytest.raises(InputError, match="size of a must be a whole number >= 0, got -1"):
        FileSpec("a", -1)
    with pytest.raises(InputError, match=r"digest of a must be 'sha256:...' or 'md5:...', got 'crc:1'"):
        FileSpec("a", 1, "crc:1")
    with pytest.raises(InputError, match="urls of a data set must be a tuple of str"):
        Download("a", 1, "md5:0", "http://example.org/a")


@pytest.mark.parametrize("kind", ["missing", "file", "nobody"])
def test_a_data_variable_that_leads_nowhere(kind, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    given = "~no-such-user/data" if kind == "nobody" else str(tmp_path / kind)
    monkeypatch.setenv(DATA_VARIABLE, given)
    for call in (list_sets, resolve, lambda: load_images("mnist"), lambda: fetch("mnist", progress=False)):
        with pytest.raises(InputError, match=f"{DATA_VARIABLE} is .* not a folder; correct it or unset it"):
            call()


def test_a_split_that_a_specification_has_not(data_root):
    write_idx(data_root / "tiny-idx")
    spec = idx_spec()
    with pytest.raises(InputError, match=r"unknown split of 'tiny-idx' 'test': .*known are train"):
        load_images(idx_spec(splits={"train": spec.splits["train"]}), "test")


def test_whole_numbers_of_other_types_are_counts(data_root):
    write_idx(data_root / "tiny-idx")
    assert len(load_images(idx_spec(), limit=torch.tensor(3))) == 3
    assert isinstance(idx_spec(), DatasetSpec)
