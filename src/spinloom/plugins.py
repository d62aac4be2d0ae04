"""What other packages add to Spinloom by entry points, and objects by `package.module:name`. Imports nothing heavy."""

import ast
from collections.abc import Collection
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spinloom.errors import InputError


def find_plugins(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """By name, what installed packages register in a group, `spinloom.devices` say. Nothing is imported."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in sorted(entry_points(group=group), key=_package):
        if entry not in found.get(entry.name, ()):  # a package may be found by two paths
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def choose_plugin(kind: str, name: str, entries: tuple[EntryPoint, ...], ours: Collection[str]) -> EntryPoint:
    """The one plugin of that name. Raises InputError where two packages, or a package and we, have it."""
    if name in ours:
        raise InputError(
            f"{_package(entries[0])} registers a {kind} {name!r}, which Spinloom has itself; it must rename it"
        )
    if len(entries) > 1:
        both = " and ".join(f"{_package(entry)} ({entry.value})" for entry in entries)
        raise InputError(f"two packages register a {kind} {name!r}: {both}; uninstall or rename one of them")
    return entries[0]


def load_plugin(kind: str, entry: EntryPoint) -> Any:
    """What the plugin registered. Raises InputError where it cannot be imported."""
    return load_object(entry.value, f"{kind} {entry.name!r} of {_package(entry)}")


def load_object(place: str, what: str) -> Any:
    """The object at `package.module:name`, or the module. Raises InputError, with `what` it is, where there is none."""
    module, _, name = (part.strip() for part in place.partition(":"))
    try:
        found = import_module(module)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{what} cannot be loaded: importing {module} ends with {reason}") from error
    return getattr_named(found, name, what) if name else found


def getattr_named(module: Any, name: str, what: str) -> Any:
    """An attribute of a module. Raises InputError with what there is instead."""
    if hasattr(module, name):
        return getattr(module, name)
    there = [one for one in vars(module) if not one.startswith("_")]
    raise InputError(
        f"{what} cannot be loaded: {module.__name__} holds no {name}, only {', '.join(there) or 'nothing'}"
    )


def read_headline(place: str) -> str:
    """First line of the docstring of a module, or of `package.module:Class`, read without importing the module.

    Raises InputError where there is no such module.
    """
    module, _, name = (part.strip() for part in place.partition(":"))
    try:
        spec = find_spec(module)  # imports the packages above it
    except Exception as error:
        raise InputError(f"importing {module} ends with {type(error).__name__}: {error}") from error
    if spec is None:
        raise InputError(f"there is no module {module}")
    tree = ast.parse(Path(spec.origin).read_text() if spec.origin else "")
    nodes: list[Any] = [node for node in tree.body if getattr(node, "name", None) == name] if name else [tree]
    return ((ast.get_docstring(nodes[0]) if nodes else None) or "").split("\n")[0]


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "a package"
