import os
from dataclasses import replace

import pytest
from tiny_sets import cifar_contents, cifar_spec, idx_spec, write_archive, write_cifar, write_idx

from spinloom.data import CACHE_VARIABLE, DATA_VARIABLE
from spinloom.data.places import cache_folder, locate, missing
from spinloom.errors import InputError


def test_places_are_searched_in_their_order(data_root, tmp_path):
    spec = idx_spec()
    assert locate(spec) is None
    for folder, kind in (
        (tmp_path / "system", "the system folder"),
        (cache_folder(), "the cache"),
        (data_root, DATA_VARIABLE),
    ):
        write_idx(folder / "tiny-idx")
        found = locate(spec)
        assert found.kind == kind
        assert found.path == folder / "tiny-idx"


@pytest.mark.parametrize("packed", [True, False])
def test_packed_and_plain_files_are_found(data_root, packed):
    folder = write_idx(data_root / "tiny-idx", packed)
    found = locate(idx_spec())
    assert found.path == folder
    assert found.size(idx_spec()) == sum(path.stat().st_size for path in folder.iterdir())


def test_an_incomplete_folder_does_not_count_and_is_named(data_root):
    folder = write_idx(data_root / "tiny-idx")
    (folder / "test-labels.gz").unlink()
    assert locate(idx_spec()) is None
    message = str(missing(idx_spec()))
    assert f"{folder} lacks test-labels" in message
    assert "spinloom data fetch tiny-idx" in message
    assert DATA_VARIABLE in message
    assert "\n" not in message


@pytest.mark.parametrize("inside", ["", "tiny-cifar"])
def test_cifar_is_found_as_folder_and_as_archive(data_root, inside):
    spec = cifar_spec()
    archive = write_archive(data_root / inside / spec.archive, cifar_contents())
    assert locate(spec).path == archive
    assert locate(spec).archive
    assert locate(spec).size(spec) == archive.stat().st_size
    write_cifar(data_root / inside)
    assert locate(spec).path == data_root / inside / "batches-bin"
    assert not locate(spec).archive


def test_a_data_variable_that_is_no_folder_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"SPINLOOM_DATA is .*nowhere.* not a folder"):
        locate(idx_spec())


def test_the_cache_of_the_platform_is_used_without_a_variable(monkeypatch):
    monkeypatch.delenv(CACHE_VARIABLE)
    assert "spinloom" in cache_folder().parts
    assert cache_folder().is_absolute()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_passed_over(data_root):
    folder = write_idx(data_root / "tiny-idx")
    folder.chmod(0)
    try:
        assert locate(idx_spec()) is None
    finally:
        folder.chmod(0o700)


def test_a_set_without_archive_is_not_found_in_one(data_root):
    spec = replace(cifar_spec(), archive="")
    write_archive(data_root / "tiny-binary.tar.gz", cifar_contents())
    assert locate(spec) is None
