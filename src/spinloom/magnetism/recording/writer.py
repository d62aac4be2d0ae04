"""Appends records to the file of a recording, by plain writes to the places of their rows."""

import math
import os
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from spinloom.errors import OutputError
from spinloom.magnetism.recording.file import Rows, finished_records, opened, rows

_REMEDY = "free space and run the same command again: it goes on after the last record"
_WAITING = 20
"""Waiting for the disk takes at most about this share (one part in so many) of the time of a run."""


@dataclass(frozen=True)
class Place:
    """offset of the first row, bytes of one row, type of the numbers."""

    offset: int
    size: int
    kind: np.dtype


def places(file: h5py.File) -> dict[str, Place]:
    """Where the rows of every dataset lie. Raises ValueError for a file that another program has rewritten."""
    names = ["time", "stopped", "mean", "energy", "step", *(f"energies/{term}" for term in file["energies"])]
    names += ["state", "state_record"] if "state" in file else ["m"]
    found = {}
    for name in names:
        offset = file[name].id.get_offset()
        if offset is None:
            raise ValueError(f"another program has rewritten {name!r}: it can be read, but not continued")
        kind = file[name].dtype
        found[name] = Place(offset, kind.itemsize * math.prod(file[name].shape[1:]), kind)
    return found


class Writer:
    """Appends records to an existing file; to be used in a `with` statement. Methods raise OutputError."""

    def __init__(self, path: Path) -> None:
        with opened(path) as file:
            self.places = places(file)
            slots = rows(file, "state_record").tolist() if "state" in file else []
            self.slot = slots.index(finished_records(file) - 1) if slots else None
        self.path, self.next_wait = path, clock.monotonic()
        self.waiting: tuple[int, list[float], np.ndarray | None] = (0, [], None)  # first record, times, last state

    def __enter__(self) -> "Writer":
        with self._naming():
            self.file = open(self.path, "r+b", buffering=0)
        return self

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
        place = self.places[name]
        content = memoryview(np.ascontiguousarray(values, place.kind).tobytes())
        self.file.seek(place.offset + row * place.size)
        while content:
            content = content[self.file.write(content) :]

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}; {_REMEDY}") from error
