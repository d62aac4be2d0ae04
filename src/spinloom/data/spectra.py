"""Spectra with their labels: read from HDF5, verified, checked."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spinloom.data.catalogue import find
from spinloom.data.download import fetch
from spinloom.data.imageset import require_labels, require_tensors
from spinloom.data.places import locate, missing
from spinloom.data.reading import read_files, remedy
from spinloom.data.spec import DatasetSpec, Split
from spinloom.errors import InputError, unknown_name

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class SpectraSet:
    """One split of a set of spectra.

    values: float32 (n, frequencies), powers in units of the largest that can be, 0 to 1. labels: int64 (n,), indices
    into `classes`. split: "train" or "test". source: where it was read, in words.

    Raises InputError for other shapes or types, values that are not finite or outside 0 to 1, a label without a class.
    """

    name: str
    split: str
    values: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        values = self.values
        require_tensors(values=values, labels=self.labels)
        if values.dtype != torch.float32 or values.ndim != 2 or 0 in values.shape:
            raise InputError(
                f"spectra of {self.name!r} must be float32 (n, frequencies), none of them 0, got {values.dtype} "
                f"{tuple(values.shape)}"
            )
        if not bool(values.isfinite().all()) or not 0 <= float(values.min()) <= float(values.max()) <= 1:
            raise InputError(
                f"spectra of {self.name!r} must be finite powers from 0 to 1, got {float(values.min()):g} to "
                f"{float(values.max()):g}; divide by the largest power"
            )
        require_labels(self.name, self.labels, len(values), self.classes)

    def __len__(self) -> int:
        return len(self.labels)


def load_spectra(name: str | DatasetSpec = "drone-rf", split: Split = "train", *, download: bool = False) -> SpectraSet:
    """One split of a set of spectra, by name or specification; the file is verified at every load.

    download: fetch it where it is absent. Raises InputError: unknown name or split, a set of images (see `load`), an
    absent set, a file that is truncated, changed or of another format.
    """
    if split not in ("train", "test"):
        raise unknown_name("split", str(split), ("train", "test"))
    spec = find(name)
    if spec.layout != "spectra":
        raise InputError(f"{spec.name} holds images, not spectra: read it with spinloom.data.load({spec.name!r})")
    found = locate(spec)
    if found is None:
        if not download:
            raise missing(spec)
        found = fetch(spec)
    ((culprit, content),) = read_files(spec, spec.of_split(split), found)
    values, labels = parse_spectra(content, split, spec.shape[-1], culprit, remedy(spec))
    return SpectraSet(spec.name, split, torch.from_numpy(values), torch.from_numpy(labels), spec.classes, str(found))


def parse_spectra(
    content: bytes, split: str, frequencies: int, culprit: str, advice: str = "get the original file again"
) -> tuple[np.ndarray, np.ndarray]:
    """Spectra float32 (n, frequencies) and labels int64 (n,): the datasets X_split and Y_split of an HDF5 file.

    culprit: names the file in errors. Raises InputError: not HDF5, damaged, datasets missing or of other shape or type.
    """
    import h5py

    if not content.startswith(SIGNATURE):
        raise InputError(f"{culprit} is not an HDF5 file: it begins with {content[:8].hex() or 'nothing'}; {advice}")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            values, labels = (_dataset(file, f"{part}_{split}", culprit, advice) for part in "XY")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{culprit} is truncated or damaged ({' '.join(str(error).split())}); {advice}") from error
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
