"""What other packages add to Spinloom by entry points, and objects by `package.module:name`. Imports nothing heavy.

A package registers places: `name = "package.module:Class"` in the group `spinloom.devices`, `name = "package.module"`
in `spinloom.studies`.
"""

import ast
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from spinloom.errors import InputError, unknown_name

Kind = Literal["device", "study"]
GROUPS: dict[Kind, str] = {"device": "spinloom.devices", "study": "spinloom.studies"}


def find_names(kind: Kind) -> list[str]:
    """Names that installed packages registered, sorted. Imports none of them."""
    return sorted({entry.name for entry in entry_points(group=GROUPS[kind])})


def find_place(kind: Kind, name: str, ours: Mapping[str, str]) -> str:
    """Where the thing of that name stands; ours: places by name.

    Raises InputError for an unknown name, with the nearest one, and for a name that two have.
    """
    places = {f"Spinloom ({ours[name]})": ours[name]} if name in ours else {}
    for entry in entry_points(group=GROUPS[kind], name=name):
        places[f"{entry.dist.name if entry.dist else 'a package'} ({entry.value})"] = entry.value
    if not places:
        raise unknown_name(kind, name, {*ours, *find_names(kind)})
    if len(places) > 1:
        raise InputError(f"the {kind} name {name!r} is registered twice, by {' and '.join(places)}; uninstall one")
    return next(iter(places.values()))


def load_object(place: str, what: str) -> Any:
    """The object at a place. Raises InputError, which begins with `what` it is, where there is none."""
    module, _, path = (part.strip() for part in place.partition(":"))
    found = _importing(lambda: import_module(module), module, what)
    for name in path.split(".") if path else ():
        if not hasattr(found, name):
            there = ", ".join(key for key in vars(found) if not key.startswith("_")) or "nothing"
            raise InputError(f"{what}: {module} has no {path!r}, only {there}")
        found = getattr(found, name)
    return found


def read_headline(place: str) -> str:
    """First line of the docstring of a module or class, read without importing it; the place where it has none.

    Raises InputError where there is no such module.
    """
    module, _, name = (part.strip() for part in place.partition(":"))
    spec = _importing(lambda: find_spec(module), module, place)  # imports the packages above it
    if spec is None:
        raise InputError(f"there is no module {module}")
    tree = ast.parse(Path(spec.origin).read_text() if spec.origin else "")
    nodes: list[Any] = [node for node in tree.body if getattr(node, "name", None) == name] if name else [tree]
    return ((ast.get_docstring(nodes[0]) if nodes else None) or place).split("\n")[0]


def _importing(action: Callable[[], Any], module: str, what: str) -> Any:
    try:
        return action()
    except Exception as error:  # whatever a stranger's module raises while it loads
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{what}: the module {module!r} does not import ({reason}); check it") from error
