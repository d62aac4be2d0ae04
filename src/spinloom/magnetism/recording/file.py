"""The file of a recording: HDF5 whose structure is complete before the first record is written.

Every dataset is contiguous and has its place for all records from the start (sparse: no disk space is taken before it
is used), the HDF5 library closes the file, and only then it appears under its name. Records are then written with
plain writes to the places of their rows; nothing in the structure changes any more. So a kill at any moment leaves a
valid HDF5 file, which other programs may read all the time, without locks. A record exists when its `time` is a number
(NaN before): that is written last, after the data have reached the disk, so that a power failure is survived as well.

With averages only, the state from which to go on is kept in two slots by turns: one is always whole.
"""

import io
import math
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spinloom.errors import InputError, SpinloomWarning
from spinloom.files import replacing

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


_OLD = ("v108", "v108")
"""Every HDF5 from 1.8 on reads it, and its structure has checksums."""
_UNITS = {"time": "s", "m": "1", "mean": "1", "energy": "J", "step": "s", "cell": "m", "state": "1"}
_PAGE = 4096


def create(path: Path, times: list[float], rows: Rows, whole: Rows, attributes: dict[str, Any]) -> None:
    """Make the file, all or nothing, with room for a record at each of `times` (s) and the first one in it.

    rows: the first record by dataset; whole: datasets that are written once. Raises OutputError; warns
    (SpinloomWarning) where the disk has no room for all.
    """
    sketch = _Sketch()
    with h5py.File(sketch, "w", libver=_OLD, alignment_threshold=1, alignment_interval=8) as file:
        for name, value in {"format": FORMAT, **attributes}.items():
            file.attrs[name] = _fixed(value)
        file.require_group("energies")
        file["time"] = np.array([times[0], *[np.nan] * (len(times) - 1)])
        for name, values in {"stopped": np.zeros(1, np.int8), **whole}.items():
            file[name] = values
        for name, row in rows.items():
            _reserve(file, name, (len(times), *row.shape), row.dtype)
            file[name][0] = row
        for name in file.keys() & _UNITS.keys():
            file[name].attrs["unit"] = _fixed(_UNITS[name])
        for part in file["energies"].values():
            part.attrs["unit"] = _fixed("J")
    with replacing(path, "free space or choose another path") as temporary:
        _warn_of_little_room(path, len(times) * sum(row.nbytes for row in rows.values()))
        sketch.save(temporary)


class _Sketch(io.RawIOBase):
    """A file in memory that keeps only the pages that were written: HDF5 does not survive a disk that is full."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.place = self.size = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def truncate(self, size: int | None = None) -> int:
        self.size = self.place if size is None else size
        return self.size

    def readinto(self, target: Any) -> int:
        view, done = memoryview(target).cast("B"), 0
        while done < len(view):
            page, first = divmod(self.place, _PAGE)
            part = min(_PAGE - first, len(view) - done)
            view[done : done + part] = self.pages.get(page, bytearray(_PAGE))[first : first + part]
            done, self.place = done + part, self.place + part
        return done

    def write(self, content: Any) -> int:
        view, done = memoryview(content).cast("B"), 0
        while done < len(view):
            page, first = divmod(self.place, _PAGE)
            part = min(_PAGE - first, len(view) - done)
            self.pages.setdefault(page, bytearray(_PAGE))[first : first + part] = view[done : done + part]
            done, self.place = done + part, self.place + part
        self.size = max(self.size, self.place)
        return done

    def save(self, path: Path) -> None:
        """To the disk, with holes where nothing was written."""
        with open(path, "wb") as file:
            for page, content in sorted(self.pages.items()):
                file.seek(page * _PAGE)
                file.write(content)
            file.truncate(self.size)


def _reserve(file: h5py.File, name: str, shape: tuple[int, ...], kind: np.dtype) -> None:
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layout.set_obj_track_times(False)
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(kind), h5py.h5s.create_simple(shape), layout)


def _warn_of_little_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        warnings.warn(
            f"{path} will take {needed / 1e9:.3g} GB for all its records, {free / 1e9:.3g} GB are free; record less "
            "often, or averages_only=True",
            SpinloomWarning,
            stacklevel=5,
        )


def _fixed(value: Any) -> Any:
    """Text of fixed length: that of variable length lies in a part of the file without checksums."""
    return np.bytes_(value.encode("ascii")) if isinstance(value, str) else value
