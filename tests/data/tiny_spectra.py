"""Spectra of a few lines, written as the published file is: X_train, X_test float64, Y_train, Y_test int64."""

import hashlib
from pathlib import Path

import h5py
import numpy as np

from spinloom.data import DatasetSpec, FileSpec

CLASSES = ("left", "right", "up")
NAME = "tiny.h5"


def arrays(counts: dict[str, int] | None = None, frequencies: int = 8) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    found = {}
    for split, count in (counts or {"train": 9, "test": 6}).items():
        found |= {f"X_{split}": random.random((count, frequencies)), f"Y_{split}": np.arange(count) % len(CLASSES)}
    return found


def write(path: Path, content: dict[str, np.ndarray]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in content.items():
            file[name] = array
    return path


def spec(path: Path, digest: bool = True, **changes) -> DatasetSpec:
    content = path.read_bytes()
    known = f"sha256:{hashlib.sha256(content).hexdigest()}" if digest else ""
    file = FileSpec(path.name, len(content), known)
    settings = {
        "name": "tiny-spectra",
        "title": "Tiny",
        "layout": "spectra",
        "shape": (1, 1, 8),
        "classes": CLASSES,
        "splits": {"train": (file,), "test": (file,)},
        "folders": (path.parent.name,),
    }
    return DatasetSpec(**(settings | changes))
