"""What a study is built from: parts of its settings, its two sizes. Imports nothing heavy, so that --help is quick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from spinloom.errors import InputError


@dataclass(frozen=True)
class Common:
    """What every study has."""

    out: Path | None = None
    """Folder for result.json, figures and report.html (default: out/NAME); a killed run started again here resumes."""
    seed: int = 0
    """Of the first network, of fabrication and noise; further networks count on from it."""
    full: bool = False
    """The published size (hours on two cores) instead of the reduced one (minutes)."""


@dataclass(frozen=True)
class Images:
    """A data set of images."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes the published one where it is found, else a packaged
    sample."""


@dataclass(frozen=True)
class Weights:
    """A trained network instead of training here."""

    weights: Path | None = None
    """Trained weights instead of training here: a file (safetensors or a state dict saved by torch) or the name of a
    shipped network (see `spinloom weights`)."""


@dataclass(frozen=True)
class OnDevice:
    """The device that serves as neuron."""

    device: str = "mtj-neuron"
    """A device by name (see `spinloom list`), a class as package.module:Class, or your own curve: a CSV file or
    Spinloom's safetensors, whose spread, temperature and parameters are those of the file."""
    set: tuple[str, ...] = ()
    """Parameters of the device as name=value in SI units, for example diameter=80e-9 damping=0.02."""
    temperature: float = 300.0
    """K."""


class Sizes:
    """Values that have a reduced and a full size: Sizes(instances=(5, 20), ...).

    A setting of the same name that is given (neither None nor empty) takes the place of both. least: the smallest value
    that such a number may have, where it is not 1. Sizes are read as attributes of what `of` returns.
    """

    def __init__(self, least: Mapping[str, float] | None = None, **values: tuple[Any, Any]) -> None:
        self._least, self.values = dict(least or {}), values

    def of(self, settings: Any) -> SimpleNamespace:
        """The size asked for. Raises InputError for a number that is too small."""
        size = {name: pair[bool(settings.full)] for name, pair in self.values.items()}
        for name in size.keys() & {field.name for field in fields(settings)}:
            given = getattr(settings, name)
            if given is None or given == ():
                continue
            for one in given if isinstance(given, tuple) else (given,):
                if not isinstance(one, str) and one < self._least.get(name, 1):
                    raise InputError(f"{name} must be >= {self._least.get(name, 1)}, got {one}")
            size[name] = given
        return SimpleNamespace(**size)

    def full(self) -> SimpleNamespace:
        """The published size, that bars are set for."""
        return SimpleNamespace(**{name: pair[1] for name, pair in self.values.items()})


def study(title: str, sizes: Sizes | None = None, name: str = "") -> Callable[[Any], Callable[[Any], Any]]:
    """Make `body(run, settings, size)` a study: a function of its settings that writes, prints and returns the result.

    title: of the report. name: as typed on the command line; without it that of the module (mtj_transfer.py is
    mtj-transfer). sizes: what has a reduced and a full size.

    The study raises InputError for settings, weights or devices that cannot be used, OutputError if `out` cannot be
    written.
    """

    def made(body: Callable[..., None]) -> Callable[[Any], Any]:
        @wraps(body)
        def run(settings: Any) -> Any:
            from spinloom.studies.kit.run import Run  # imports torch: not needed for --help

            named = name or body.__module__.rpartition(".")[2].replace("_", "-")
            return Run(body, named, title, settings, (sizes or Sizes()).of(settings)).carry_out()

        return run

    return made
