"""Results of a study's stages kept on disk, so that a killed run goes on where it was, and how long they took."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import Any

from spinloom import identity
from spinloom.files import write_text

TICK = 5.0
"""s; a run that is killed forgets no more of its time than this."""


class Stages:
    """A folder of finished stages, one file each, named by all that determines its content.

    folder: made when the first stage ends. body: the study's function; its source and that of its package and of this
    one take part, so that changed code computes anew. common: what every stage depends on (seed, data).
    """

    def __init__(self, folder: Path, body: Callable[..., Any], common: Mapping[str, Any]) -> None:
        self.folder, self.common, self._body = folder, dict(common), body
        self.earlier = 0.0
        """s that stages taken from earlier runs took then."""
        self._asked: dict[Path, bool] = {}
        self._counted: set[Path] = set()
        self._running: Path | None = None
        self._started = self._before = self._written = 0.0

    def depend(self, **more: Any) -> None:
        """Stages asked for from now on depend on more: on a trained network, say."""
        self.common |= more

    @property
    def resumed(self) -> bool:
        """Whether anything asked for was there from an earlier run."""
        return any(self._asked.values()) or self.earlier > 0

    def path(self, name: str, arguments: Mapping[str, Any], suffix: str = ".json") -> Path:
        """The file of the stage of this name with these arguments."""
        name = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
        parts = {"stage": name, "common": sorted(self.common.items()), "arguments": sorted(arguments.items())}
        path = self.folder / f"{name}-{identity.of(self._body, **parts)[:16]}{suffix}"
        kept = path.exists() or path.with_suffix(".checkpoint").exists()
        self._asked.setdefault(path, kept)  # at the first time: what this run writes is asked for before
        return path

    def kept(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function of keyword arguments that returns plain JSON values: computed once, then kept.

        All that decides its result must be in its name and arguments, in `common`, or in the code. Raises OutputError.
        """

        @wraps(function)
        def get(**arguments: Any) -> Any:
            path = self.path(function.__name__, arguments)
            try:
                found = json.loads(path.read_text())
                if found["sha256"] == _digest(found["value"]):
                    self.take(path)
                    return found["value"]
            except (OSError, ValueError, TypeError, KeyError):
                pass  # absent, or damaged by hand: compute it again
            with self.timed(path):
                value = function(**arguments)
                write_text(path, json.dumps({"sha256": _digest(value), "value": value}))
            return value

        return get

    @contextmanager
    def timed(self, path: Path) -> Iterator[None]:
        """Keep the time that the block takes as that of this stage; one within another counts for the outer one."""
        if self._running:
            yield
            return
        self._before = self._times().get(path.name, 0.0)  # of runs that were killed in it
        self.earlier += self._before
        self._counted.add(path)
        self._running, self._started = path, perf_counter()
        try:
            yield
            self._write()
        finally:
            self._running = None

    def tick(self) -> None:
        """Called now and then by what takes long, so that a kill does not lose its time."""
        if self._running and perf_counter() - max(self._written, self._started) > TICK:
            self._write()

    def take(self, path: Path) -> None:
        """The stage of this file was there; its time counts once, unless it was computed in this run."""
        if self._asked.get(path) and path not in self._counted and not self._running:
            self._counted.add(path)
            self.earlier += self._times().get(path.name, 0.0)

    def _times(self) -> dict[str, float]:
        try:
            return dict(json.loads((self.folder / "times.json").read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def _write(self) -> None:
        assert self._running
        self._written = perf_counter()
        times = self._times() | {self._running.name: self._before + self._written - self._started}
        write_text(self.folder / "times.json", json.dumps(times, indent=1))


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
