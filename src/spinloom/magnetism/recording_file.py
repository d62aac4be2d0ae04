"""Reads the file of a recording, whatever moment its writer is at; `recording_layout.py` says what it is made of."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from spinloom.errors import InputError

FORMAT = "spinloom recording 1"
Rows = dict[str, np.ndarray]
"""Arrays by the name of their dataset."""


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file of a recording, to read. Raises InputError where it is none or is damaged."""
    try:
        with h5py.File(path, "r") as file:
            if text(file, "format") != FORMAT:
                raise InputError(f"{path} is an HDF5 file, but no recording of Spinloom; choose another path")
            yield file
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise InputError(f"cannot read {path}: {os.strerror(error.errno or 0)}; check the path") from error
    except InputError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no recording, or a damaged one ({error}); choose another path, or record again with "
            "overwrite=True"
        ) from error


def rows(file: h5py.File, name: str, first: int = 0, count: int | None = None) -> np.ndarray:
    """`count` rows (None: all) of a dataset from row `first` on, (count, ...), as they are in the file now.

    Read past the HDF5 library, which may show a process that holds the file open what it has read before.
    """
    data = file[name]
    count = len(data) - first if count is None else count
    offset = data.id.get_offset()
    if offset is None:  # another program has rewritten the file
        return data[first : first + count]
    size = math.prod(data.shape[1:])
    offset += first * size * data.dtype.itemsize
    return np.fromfile(file.filename, data.dtype, count * size, offset=offset).reshape(count, *data.shape[1:])


def finished_records(file: h5py.File) -> int:
    """How many records are whole."""
    empty = np.isnan(rows(file, "time"))
    count = int(empty.argmax()) if empty.any() else len(empty)
    if "state" in file:
        count = 1 + max(int(k) for k in rows(file, "state_record") if k < count)
    if count < 1:
        raise ValueError("it has no record")
    return count


def last_state(file: h5py.File) -> np.ndarray:
    """The state of the last record, (3, *batch) or (3, *batch, nz, ny, nx)."""
    last = finished_records(file) - 1
    if "m" in file:
        return rows(file, "m", last, 1)[0]
    return rows(file, "state", rows(file, "state_record").tolist().index(last), 1)[0]


def text(file: h5py.File, name: str) -> str:
    """An attribute of the file. Raises ValueError where it is damaged."""
    value = file.attrs.get(name, b"")
    return bytes(value).decode("ascii")
