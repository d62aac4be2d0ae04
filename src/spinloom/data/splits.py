"""From verified bytes to the arrays of one split."""

import numpy as np

from spinloom.data.formats import parse_cifar, parse_idx
from spinloom.data.places import Found
from spinloom.data.reading import read_files, remedy
from spinloom.data.spec import DatasetSpec, Split
from spinloom.errors import InputError


def read_split(spec: DatasetSpec, split: Split, found: Found) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, channels, height, width) and labels int64 (n,) of one split, verified.

    Raises InputError naming the file that is damaged, of another shape, or holds a label without a class.
    """
    contents = read_files(spec, spec.of_split(split), found)
    read = _read_idx if spec.layout == "idx" else _read_cifar
    images, labels = read(spec, contents)
    if len(labels) and labels.max() >= len(spec.classes):
        raise InputError(
            f"{contents[-1][0]} holds label {labels.max()}, known are 0 to {len(spec.classes) - 1}; {remedy(spec)}"
        )
    return images, labels


def _read_idx(spec: DatasetSpec, contents: list[tuple[str, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (parse_idx(content, culprit, remedy(spec)) for culprit, content in contents)
    _, height, width = spec.shape
    culprit = contents[0][0]
    if images.shape[1:] != (height, width):
        raise InputError(f"{culprit} holds {images.shape}, expected (n, {height}, {width}); {remedy(spec)}")
    if labels.shape != images.shape[:1]:
        raise InputError(f"{contents[1][0]} has {labels.shape} labels for {len(images)} images; {remedy(spec)}")
    return images[:, None], labels.astype(np.int64)


def _read_cifar(spec: DatasetSpec, contents: list[tuple[str, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    parts = [
        parse_cifar(content, spec.shape, culprit, label_bytes=spec.label_bytes, remedy=remedy(spec))
        for culprit, content in contents
    ]
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)
