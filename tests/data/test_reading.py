import gzip
import hashlib
import tarfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_sets import (
    cifar_contents,
    cifar_spec,
    idx_contents,
    idx_spec,
    write_archive,
    write_cifar,
    write_idx,
)

from spinloom.data import Download, load_images
from spinloom.data.places import locate, read_files
from spinloom.errors import InputError

shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def read_all(spec):
    return [content for _, content in read_files(spec, spec.files, locate(spec))]


def read_or_message(spec):
    try:
        return read_all(spec), ""
    except InputError as error:
        return None, str(error)


@pytest.mark.parametrize("packed", [True, False])
def test_files_come_unpacked(data_root, packed):
    write_idx(data_root / "tiny-idx", packed)
    assert read_all(idx_spec()) == list(idx_contents().values())


def test_packing_is_told_from_content_and_any_packing_will_do(data_root):
    folder = write_idx(data_root / "tiny-idx")
    contents = idx_contents()
    (folder / "train-images.gz").write_bytes(contents["train-images"])
    (folder / "train-labels.gz").write_bytes(gzip.compress(contents["train-labels"], 1, mtime=77))
    assert read_all(idx_spec()) == list(contents.values())


@given(data=st.data())
@shared_folder
def test_a_flipped_bit_is_found_wherever_it_matters(data_root, data):
    folder = write_idx(data_root / "tiny-idx")
    path = folder / "train-images.gz"
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    contents, message = read_or_message(idx_spec())
    if contents is None:
        assert str(path) in message
        assert "spinloom data fetch tiny-idx" in message
        assert "\n" not in message
    else:  # the time stamp in the gzip header, for example, does not matter
        assert contents == list(idx_contents().values())


@given(data=st.data())
@shared_folder
def test_a_file_cut_anywhere_is_refused(data_root, data):
    packed = data.draw(st.booleans())
    name = "train-images.gz" if packed else "train-images"
    content = idx_contents()["train-images"]
    content = gzip.compress(content) if packed else content
    folder = write_idx(data_root / "tiny-idx")
    (folder / "train-images").unlink(missing_ok=True)
    (folder / name).write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(InputError, match=r"train-images.* is (truncated|damaged)"):
        load_images(idx_spec(), "train")


def test_other_content_of_the_same_size_is_refused(data_root):
    folder = write_idx(data_root / "tiny-idx", packed=False)
    content = bytearray((folder / "test-labels").read_bytes())
    content[-1] ^= 1
    (folder / "test-labels").write_bytes(content)
    assert len(load_images(idx_spec(), "train")) == 9
    with pytest.raises(InputError, match="test-labels is not the published file: its sha256 differs"):
        load_images(idx_spec(), "test")


def test_no_more_than_the_known_size_is_unpacked(data_root):
    folder = write_idx(data_root / "tiny-idx")
    (folder / "train-images.gz").write_bytes(gzip.compress(bytes(50_000_000), 1))
    with pytest.raises(InputError, match=r"train-images\.gz is too long"):
        load_images(idx_spec(), "train")


def test_an_archive_is_read_like_its_folder(data_root):
    write_archive(data_root / "tiny-binary.tar.gz", cifar_contents())
    from_archive = read_all(cifar_spec())
    write_cifar(data_root)
    assert from_archive == read_all(cifar_spec()) == list(cifar_contents().values())


@given(data=st.data())
@shared_folder
def test_an_archive_cut_or_flipped_is_refused_or_still_right(data_root, data):
    path = write_archive(data_root / "tiny-binary.tar.gz", cifar_contents())
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:position]
    else:
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    contents, message = read_or_message(cifar_spec())
    if contents is None:
        assert str(path) in message
        assert "\n" not in message
    else:  # what follows the last member does not matter
        assert contents == list(cifar_contents().values())


def test_a_link_in_an_archive_is_not_followed(data_root, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(cifar_contents()["test_batch.bin"])
    link = tarfile.TarInfo("batches-bin/test_batch.bin")
    link.type, link.linkname = tarfile.SYMTYPE, str(secret)
    contents = cifar_contents()
    del contents["test_batch.bin"]
    write_archive(data_root / "tiny-binary.tar.gz", contents, link)
    with pytest.raises(InputError, match=r"does not hold batches-bin/test_batch\.bin"):
        load_images(cifar_spec(), "test")


def test_without_file_digests_the_archive_is_verified(data_root):
    spec = cifar_spec()
    path = write_archive(data_root / spec.archive, cifar_contents())
    bare = {split: tuple(replace(file, digest="") for file in files) for split, files in spec.splits.items()}
    right = Download(spec.archive, path.stat().st_size, f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}", ())
    wrong = replace(right, digest=f"md5:{'0' * 32}")
    assert read_all(replace(spec, splits=bare, downloads=(right,))) == list(cifar_contents().values())
    with pytest.raises(InputError, match=r"tiny-binary\.tar\.gz is not the published file: its md5 differs"):
        read_all(replace(spec, splits=bare, downloads=(wrong,)))
