"""Published systems by name. A new one is a new file in this package, or a module that a package registers.

A study is a module with a docstring whose first line says what it shows, a frozen dataclass `Settings`, and
`run(settings) -> StudyResult`. `mtj_transfer.py` is called `mtj-transfer`. Other packages register theirs by an entry
point of the group `spinloom.studies`: its name, and the module.
"""

import shlex
from dataclasses import MISSING, fields
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from spinloom import studies
from spinloom.errors import InputError
from spinloom.plugins import find_names, find_place, load_object, read_headline

_OTHERS = ("registry", "kit")


def names() -> list[str]:
    """All studies, as typed on the command line. Imports none of them."""
    return sorted({*_ours(), *find_names("study")})


def headline(name: str) -> str:
    """The first line of a study's docstring, read without importing it. Raises InputError as `study` does."""
    return read_headline(find_place("study", name, _ours()))


def study(name: str) -> ModuleType:
    """The study's module.

    Raises InputError for an unknown name, with the nearest known one, for a name that two have, and for a plugin that
    cannot be imported or is no study.
    """
    place = find_place("study", name, _ours())
    module = import_module(place) if name in _ours() else load_object(place, f"study {name!r}")
    for part in ("Settings", "run"):
        if not hasattr(module, part):
            raise InputError(f"study {name!r} has no {part}: {module.__name__} must hold a dataclass Settings and run")
    return module


def command(name: str, settings: Any) -> str:
    """The command line that gives these settings."""
    words = ["spinloom", "run", name]
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.default is MISSING or value != field.default:
            flag = f"--{field.name.replace('_', '-')}"
            given = value if isinstance(value, tuple) else (value,)
            words += [flag] if value is True else [flag, *map(str, given)]
    return shlex.join(words)


def _ours() -> dict[str, str]:
    found = (module.name for module in iter_modules(studies.__path__) if module.name not in _OTHERS)
    return {name.replace("_", "-"): f"{studies.__name__}.{name}" for name in found}
