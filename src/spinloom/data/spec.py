"""What is known of a data set before it is read: its files, checksums, classes and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "test"]


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


@dataclass(frozen=True)
class Download:
    """One file as its publisher serves it: packed size in bytes, "md5:..." digest, mirrors in order."""

    name: str
    size: int
    digest: str
    urls: tuple[str, ...]


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

    @property
    def files(self) -> tuple[FileSpec, ...]:
        """Every file of every split, once."""
        return tuple(dict.fromkeys(file for split in self.splits.values() for file in split))

    @property
    def archive_digest(self) -> str:
        """Digest of the archive as published, or an empty text."""
        return next((item.digest for item in self.downloads if item.name == self.archive), "")

    @property
    def download_size(self) -> int:
        """Bytes a fetch brings."""
        return sum(item.size for item in self.downloads)
