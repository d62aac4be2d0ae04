"""What is known of a data set before it is read: its files, checksums, classes and where they come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from spinloom.errors import InputError, require_count, unknown_name

Split = Literal["train", "test"]
FILES_OF_A_SPLIT = {"idx": 2, "cifar": None, "spectra": 1, "packaged": 0}
"""How many files each layout has in a split; None is one or more."""


@dataclass(frozen=True)
class FileSpec:
    """One original file as it is read, unpacked.

    name: official name without a packing suffix; on disk it may also lie as `name.gz`.
    size: bytes of the unpacked content.
    digest: "sha256:..." or "md5:..." of the unpacked content, so that a file packed again still verifies;
        empty where nobody published one (then the archive it came in is verified).
    """

    name: str
    size: int
    digest: str = ""

    def __post_init__(self) -> None:
        _require_file(self.name, self.size, self.digest)


@dataclass(frozen=True)
class Download:
    """One file as its publisher serves it: packed size in bytes, "md5:..." digest, mirrors in order."""

    name: str
    size: int
    digest: str
    urls: tuple[str, ...]

    def __post_init__(self) -> None:
        _require_file(self.name, self.size, self.digest)
        _require_tuple("urls", self.urls, str)


@dataclass(frozen=True)
class DatasetSpec:
    """One data set. Build one yourself to read your own images or spectra in an official format.

    layout: "idx" (a split is its images file, then its labels file), "cifar" (a split is its record files),
        "spectra" (one HDF5 file holds both splits, see `load_spectra`) or "packaged" (ships with the library's
        dependencies, has no files of its own).
    shape: (channels, height, width), (1, 1, frequencies) for spectra. label_bytes: labels in front of a CIFAR record;
        the last one counts.
    splits: files of "train" and "test". downloads: what a fetch brings.
    folders: where the files may lie below a data root. prefix: folder inside those and the archive.
    archive: name of a tar archive that may stand for the unpacked files.
    mean, std: per channel over the training images, pixels in 0 to 1.

    Raises InputError for parts of another type, an unknown layout, a wrong number of files in a split.
    """

    name: str
    title: str
    layout: Literal["idx", "cifar", "spectra", "packaged"]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    splits: Mapping[str, tuple[FileSpec, ...]]
    folders: tuple[str, ...] = ()
    prefix: str = ""
    archive: str = ""
    label_bytes: int = 1
    downloads: tuple[Download, ...] = ()
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    licence: str = "not stated"
    citation: str = ""
    homepage: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("name", "title", "layout", "prefix", "archive", "licence", "citation", "homepage"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name} of a data set must be a text, got {getattr(self, name)!r}")
        if self.layout not in FILES_OF_A_SPLIT:
            raise unknown_name("layout", self.layout, FILES_OF_A_SPLIT)
        _require_tuple("shape", self.shape, int, 3)
        require_count(
            **dict(zip(("channels", "height", "width"), self.shape, strict=True)), label_bytes=self.label_bytes
        )
        for name in ("classes", "folders"):
            _require_tuple(name, getattr(self, name), str)
        for name in ("mean", "std"):
            _require_tuple(name, getattr(self, name), float | int)
        _require_tuple("downloads", self.downloads, Download)
        known = isinstance(self.splits, Mapping) and set(self.splits) <= {"train", "test"}
        if not known or bool(self.splits) == (self.layout == "packaged"):  # a packaged set has no files of its own
            raise InputError(f"splits must map 'train' and 'test' to their files, got {self.splits!r}")
        for split, files in self.splits.items():
            _require_tuple(f"files of {split!r}", files, FileSpec, FILES_OF_A_SPLIT[self.layout])

    def of_split(self, split: Split) -> tuple[FileSpec, ...]:
        """Files of one split. Raises InputError where the data set has none of that name."""
        if split not in self.splits:
            raise unknown_name(f"split of {self.name!r}", split, self.splits)
        return self.splits[split]

    @property
    def files(self) -> tuple[FileSpec, ...]:
        """Every file of every split, once."""
        return tuple(dict.fromkeys(file for split in self.splits.values() for file in split))


def _require_file(name: str, size: int, digest: str) -> None:
    if not isinstance(name, str) or not name:
        raise InputError(f"the name of a file must be a text, got {name!r}")
    require_count(least=0, **{f"size of {name}": size})
    method = digest.partition(":")[0] if isinstance(digest, str) else None
    if digest != "" and method not in hashlib.algorithms_available:
        raise InputError(f"digest of {name} must be 'sha256:...' or 'md5:...', got {digest!r}")


def _require_tuple(name: str, given: object, kind: Any, length: int | None = None) -> None:
    right = isinstance(given, tuple | list) and all(isinstance(part, kind) for part in given)
    if not right or (length is not None and len(given) != length):  # type: ignore[arg-type]
        wanted = " or ".join(part.__name__ for part in getattr(kind, "__args__", (kind,)))
        raise InputError(
            f"{name} of a data set must be a tuple of {f'{length} ' if length else ''}{wanted}, got {given!r}"
        )
