"""The file of a recording: HDF5 whose structure is complete before the first record is written.

Every dataset is contiguous and has its place for all records from the start (sparse: no disk space is taken before it
is used), the HDF5 library closes the file, and only then it appears under its name. Records are then written with
plain writes to the places of their rows; nothing in the structure changes any more. So a kill at any moment leaves a
valid HDF5 file, which other programs may read all the time, without locks. A record exists when its `time` is a number
(NaN before): that is written last, after the data have reached the disk, so that a power failure is survived as well.

With averages only, the state from which to go on is kept in two slots by turns: one is always whole.
"""

import io
import json
import os
import shutil
import time as clock
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from spinloom.errors import InputError, OutputError, SpinloomWarning
from spinloom.files import replacing
from spinloom.magnetism.mesh import Mesh

FORMAT = "spinloom recording 1"
Rows = dict[str, np.ndarray]
"""Arrays by the name of their dataset."""


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file of a recording, to read. Raises InputError where it is none or is damaged."""
    try:
        with h5py.File(path, "r") as file:
            if _text(file, "format") != FORMAT:
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
    offset, row = _place(data)
    if offset is None:
        return data[first : first + count]
    read = np.fromfile(file.filename, row, count, offset=offset + first * row.itemsize)
    return read.reshape(count, *data.shape[1:])


def _place(data: h5py.Dataset) -> tuple[int | None, np.dtype]:
    """The offset of the first row in the file, None where another program has rewritten it, and the type of a row."""
    return data.id.get_offset(), np.dtype((data.dtype, data.shape[1:]))


def finished_records(file: h5py.File) -> int:
    """How many records are whole."""
    count = int(np.append(np.isnan(rows(file, "time")), True).argmax())
    if "state" in file:
        count = 1 + max(int(k) for k in rows(file, "state_record") if k < count)
    if count < 1:
        raise ValueError("it has no record")
    return count


def _text(file: h5py.File, name: str) -> str:
    return bytes(file.attrs.get(name, b"")).decode("ascii")


_UNITS = {"time": "s", "m": "1", "mean": "1", "energy": "J", "step": "s", "cell": "m", "state": "1"}
_PAGE = 4096


def create(path: Path, times: list[float], rows: Rows, whole: Rows, attributes: dict[str, Any]) -> None:
    """Make the file, all or nothing, with room for a record at each of `times` (s) and the first one in it.

    rows: the first record by dataset; whole: datasets that are written once. Raises OutputError; warns
    (SpinloomWarning) where the disk has no room for all.
    """
    sketch = _Sketch()
    old = ("v108", "v108")  # every HDF5 from 1.8 on reads it, and its structure has checksums
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layout.set_obj_track_times(False)
    with h5py.File(sketch, "w", libver=old, alignment_threshold=1, alignment_interval=8) as file:
        for name, value in {"format": FORMAT, **attributes}.items():
            file.attrs[name] = _fixed(value)
        file.require_group("energies")
        file["time"] = np.array([times[0], *[np.nan] * (len(times) - 1)])
        for name, values in {"stopped": np.zeros(1, np.int8), **whole}.items():
            file[name] = values
        for name, row in rows.items():
            space = h5py.h5s.create_simple((len(times), *row.shape))
            h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(row.dtype), space, layout)
            file[name][0] = row
        for name in file.keys() & _UNITS.keys():
            file[name].attrs["unit"] = _fixed(_UNITS[name])
        for part in file["energies"].values():
            part.attrs["unit"] = _fixed("J")
    with replacing(path, "free space or choose another path") as temporary:
        needed, free = len(times) * sum(row.nbytes for row in rows.values()), shutil.disk_usage(path.parent).free
        if needed > free:
            told = f"{path} will take {needed / 1e9:.3g} GB for all its records, {free / 1e9:.3g} GB are free"
            warnings.warn(f"{told}; record less often, or averages_only=True", SpinloomWarning, stacklevel=4)
        sketch.save(temporary)


class _Sketch(io.RawIOBase):
    """A file in memory that keeps only the pages that were written: HDF5 does not survive a disk that is full."""

    def __init__(self) -> None:
        self.pages: defaultdict[int, bytearray] = defaultdict(lambda: bytearray(_PAGE))
        self.place = self.size = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        return self.place

    def truncate(self, size: int | None = None) -> int:
        self.size = self.place if size is None else size
        return self.size

    def _parts(self, view: memoryview) -> Iterator[tuple[memoryview, memoryview]]:
        """The next bytes of the file, page by page, beside those of `view`."""
        while view:
            page, first = divmod(self.place, _PAGE)
            there = memoryview(self.pages[page])[first : first + len(view)]
            yield there, view[: len(there)]
            view, self.place = view[len(there) :], self.place + len(there)

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        for there, part in self._parts(view):
            part[:] = there
        return len(view)

    def write(self, content: Any) -> int:
        view = memoryview(content).cast("B")
        for there, part in self._parts(view):
            there[:] = part
        self.size = max(self.size, self.place)
        return len(view)

    def save(self, path: Path) -> None:
        """To the disk, with holes where nothing was written."""
        with path.open("wb") as file:
            for page, content in sorted(self.pages.items()):
                file.seek(page * _PAGE)
                file.write(content)
            file.truncate(self.size)


def _fixed(value: Any) -> Any:
    """Text of fixed length: that of variable length lies in a part of the file without checksums."""
    return np.bytes_(value.encode("ascii")) if isinstance(value, str) else value


_WAITING = 20
"""Waiting for the disk takes at most about this share (one part in so many) of the time of a run."""


class Writer(AbstractContextManager):
    """Appends records to an existing file; to be used in a `with` statement. Methods raise OutputError."""

    def __init__(self, path: Path) -> None:
        with opened(path) as file:
            names = ["time", "stopped", "mean", "energy", "step", *(f"energies/{term}" for term in file["energies"])]
            names += ["state", "state_record"] if "state" in file else ["m"]
            self.places: dict[str, tuple[Any, np.dtype]] = {name: _place(file[name]) for name in names}
            if rewritten := [name for name, (offset, _) in self.places.items() if offset is None]:
                raise ValueError(f"another program has rewritten {rewritten[0]!r}: it can be read, but not continued")
            slots = rows(file, "state_record").tolist() if "state" in file else []
            self.slot = slots.index(finished_records(file) - 1) if slots else None
        self.path, self.next_wait = path, clock.monotonic()
        with self._naming():
            self.file = open(path, "r+b", buffering=0)  # noqa: SIM115
        self.waiting: tuple[int, list[float], np.ndarray | None] = (0, [], None)  # first record, times, last state

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self.file, suppress(OutputError) if kind else nullcontext():
            self.publish()

    def append(self, number: int, time: float, rows: Rows, state: np.ndarray) -> None:
        """Record `number`: its rows, its time (s), and the state from which the next one starts."""
        with self._naming():
            for name, row in rows.items():
                self._write(name, number, row)
        _, times, _ = self.waiting
        self.waiting = (number - len(times), [*times, time], state)  # at once: Ctrl-C may come in between
        if clock.monotonic() >= self.next_wait:
            self.publish()

    def publish(self) -> None:
        """Let the records that are written so far exist."""
        (first, times, state), self.waiting = self.waiting, (0, [], None)  # after an error they do not exist
        if not times:
            return
        with self._naming():
            if self.slot is not None:
                self.slot = 1 - self.slot
                self._write("state", self.slot, state)
                self._write("state_record", self.slot, first + len(times) - 1)
            before = clock.monotonic()
            os.fsync(self.file.fileno())
            now = clock.monotonic()
            self.next_wait = now + _WAITING * (now - before)
            self._write("time", first, times)

    def stop(self) -> None:
        """Mark the recording as complete, though there is room for more."""
        self.publish()
        with self._naming():
            os.fsync(self.file.fileno())
            self._write("stopped", 0, 1)

    def _write(self, name: str, row: int, values: Any) -> None:
        offset, kind = self.places[name]
        content = memoryview(np.ascontiguousarray(values, kind.base).tobytes())
        self.file.seek(offset + row * kind.itemsize)
        while content:
            content = content[self.file.write(content) :]

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = "free space and run the same command again: it goes on after the last record"
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}; {remedy}") from error


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording as it was when it was loaded.

    path: its file. time: s, (records,), the first is the start. mean: m averaged over the cells with material,
    (records, 3, *batch); of macrospins m itself. energy: J, (records, *batch); energies: of each term by the name of
    its class. step: s, with which the next segment begins, (records, *batch). complete: whether the run is at its end;
    stopped: whether a criterion has ended it. mesh, geometry: as in `Magnet`, None for macrospins.
    settings: what was given, tensors by their SHA-256. version: of the Spinloom that began it.
    """

    path: Path
    time: torch.Tensor
    mean: torch.Tensor
    energy: torch.Tensor
    energies: dict[str, torch.Tensor]
    step: torch.Tensor
    complete: bool
    stopped: bool
    mesh: Mesh | None
    geometry: torch.Tensor | None
    settings: dict[str, Any]
    version: str

    def m(self, index: int) -> torch.Tensor:
        """State of one record, read now: (3, *batch) or (3, *batch, nz, ny, nx). Negative indices count from the end.

        Raises InputError where there is no such record, and with averages only for all but the last one.
        """
        count = len(self.time)
        if not -count <= index < count:
            raise InputError(f"{self.path} has records 0 to {count - 1}, got {index}")
        name, row = "m", index % count
        with opened(self.path) as file:
            if "state" in file:
                if row != finished_records(file) - 1:
                    raise InputError(
                        f"{self.path} keeps averages and its last state only; load it again if the run has gone on, "
                        "record with averages_only=False for all states"
                    )
                name, row = "state", rows(file, "state_record").tolist().index(row)
            return torch.from_numpy(rows(file, name, row, 1)[0])

    @property
    def final(self) -> torch.Tensor:
        """The last state, (3, *batch) or (3, *batch, nz, ny, nx)."""
        return self.m(-1)


def load_recording(path: str | Path) -> Recording:
    """The recording in a file, also while it is being written or after a kill.

    Raises InputError, with the remedy, for a file that cannot be read, is damaged or is no recording.
    """
    path = Path(path)
    with opened(path) as file:
        count, stopped = finished_records(file), bool(rows(file, "stopped")[0])
        names = ["time", "mean", "energy", "step", *(f"energies/{term}" for term in file["energies"])]
        kept = {name: torch.from_numpy(rows(file, name, 0, count)) for name in names}
        mesh = geometry = None
        if "cell" in file:
            nx, ny, nz = (int(n) for n in file.attrs["cells"])
            dx, dy, dz = (float(h) if h.ndim == 0 else torch.from_numpy(h) for h in file["cell"][()])
            mesh, geometry = Mesh((nx, ny, nz), (dx, dy, dz)), torch.from_numpy(file["geometry"][()])
        return Recording(
            path,
            **{name: kept.pop(name) for name in names[:4]},
            energies={name.removeprefix("energies/"): energy for name, energy in kept.items()},
            complete=stopped or count == len(file["time"]),
            stopped=stopped,
            mesh=mesh,
            geometry=geometry,
            settings=json.loads(_text(file, "settings")),
            version=_text(file, "spinloom"),
        )
