"""Parts that the settings of a study are built from, and its two sizes. Imports nothing heavy, so --help is quick."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any


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
        self._least, self._values = dict(least or {}), values

    def of(self, settings: Any) -> SimpleNamespace:
        """The size asked for. Raises InputError for a number that is too small."""
        size = {name: pair[bool(settings.full)] for name, pair in self._values.items()}
        for name in size.keys() & {field.name for field in fields(settings)}:
            given = getattr(settings, name)
            if given is None or given == ():
                continue
            for one in given if isinstance(given, tuple) else (given,):
                if not isinstance(one, str) and one < self._least.get(name, 1):
                    from spinloom.errors import InputError  # imports torch

                    raise InputError(f"{name} must be >= {self._least.get(name, 1)}, got {one}")
            size[name] = given
        return SimpleNamespace(**size)

    def full(self) -> SimpleNamespace:
        """The published size, that bars are set for."""
        return SimpleNamespace(**{name: pair[1] for name, pair in self._values.items()})
