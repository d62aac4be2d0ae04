import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tiny_sets import cifar_bytes, idx_bytes, images_and_labels

from spinloom.data.loaders import parse_cifar, parse_idx
from spinloom.errors import InputError


@given(arrays(np.uint8, array_shapes(max_dims=4, min_side=0, max_side=5)))
def test_idx_returns_the_array_that_was_written(array):
    read = parse_idx(idx_bytes(array), "file")
    assert read.dtype == np.uint8
    assert read.shape == array.shape
    assert (read == array).all()


@given(arrays(np.uint8, array_shapes(max_dims=3, max_side=4)), st.data())
def test_idx_of_any_other_length_is_refused(array, data):
    content = idx_bytes(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(InputError, match="some-file"):
        parse_idx(content[:cut], "some-file")
    with pytest.raises(InputError, match="some-file is too long"):
        parse_idx(content + b"\0", "some-file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file .*: it begins with nothing"),
        (b"<html>no such page</html>", "not an IDX file"),
        (b"\0\0\x07\x01\0\0\0\x01a", "not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01abcd", "begins with 00000d01"),
        (b"\0\0\x08\x00", "begins with 00000800"),
        (b"\0\0\x08\x03\0\0\0\x01", "is truncated: its header"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "is truncated"),
    ],
)
def test_idx_names_what_is_wrong(content, message):
    with pytest.raises(InputError, match=message):
        parse_idx(content, "file")


@pytest.mark.parametrize("coarse", [False, True])
@given(count=st.integers(1, 6))
def test_cifar_returns_planes_and_the_last_label(coarse, count):
    images, labels = images_and_labels(count, (3, 4, 4))
    content = cifar_bytes(images, labels, coarse)
    read_images, read_labels = parse_cifar(content, (3, 4, 4), "file", label_bytes=1 + coarse)
    assert (read_images == images).all()
    assert read_labels.dtype == np.int64
    assert (read_labels == labels).all()


@pytest.mark.parametrize("content", [b"", b"\0" * 48, b"\0" * 97])
def test_cifar_needs_whole_records(content):
    with pytest.raises(InputError, match=r"batch\.bin is truncated .* records of 49"):
        parse_cifar(content, (3, 4, 4), "batch.bin")
