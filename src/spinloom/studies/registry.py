"""Published systems by name. A new one is a new file (or folder) in this package; nothing else changes.

A study is a module with a docstring whose first line says what it shows, a frozen dataclass `Settings`, and
`run(settings) -> StudyResult`. `mtj_transfer.py` is called `mtj-transfer`.
"""

import ast
import shlex
from dataclasses import MISSING, fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from spinloom import studies

_OWN = ("registry", "kit")


def names() -> list[str]:
    """All studies, as typed on the command line. Imports none of them."""
    found = (module.name for module in iter_modules(studies.__path__))
    return sorted(name.replace("_", "-") for name in found if name not in _OWN)


def headline(name: str) -> str:
    """The first line of a study's docstring, read without importing it."""
    spec = find_spec(_module(name))
    source = Path(spec.origin).read_text() if spec and spec.origin else ""
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


def study(name: str) -> ModuleType:
    """The study's module. Raises InputError for an unknown name, with the nearest known one."""
    if name not in names():
        from spinloom.errors import unknown_name

        raise unknown_name("study", name, names())
    return import_module(_module(name))


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


def _module(name: str) -> str:
    return f"{studies.__name__}.{name.replace('-', '_')}"
