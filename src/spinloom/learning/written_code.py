"""What functions and classes do, as far as a user wrote them: their code and all that it refers to."""

import argparse
import dataclasses
import dis
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

CODE = (FunctionType, CodeType, type, property, classmethod, staticmethod)
"""What `open_code` takes, besides whatever wraps a function and keeps it as `__wrapped__`."""
_DATA = (type(None), bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, np.ndarray, np.generic)
_METHODS = (MethodType, functools.cached_property, functools.partialmethod, functools.singledispatchmethod)
_FOLLOWED = (*CODE, *_DATA, *_METHODS, torch.Tensor, nn.Module, functools.partial)


def open_code(one: Any) -> tuple[str, list[Any]]:
    """A name and the parts of a function, class, property or code object. Installed packages count by name alone."""
    kind = type(one).__name__
    if isinstance(one, CodeType):
        return kind, [one.co_code, one.co_consts, one.co_names]
    if isinstance(one, property):
        return kind, [one.fget, one.fset]
    if isinstance(one, FunctionType):
        return _function(one)
    if isinstance(one, type):
        return _class(one)
    held = {name: value for name, value in vars(one).items() if not _is_pythons(name)}
    return kind, [type(one), one.__wrapped__, held]


def _function(one: FunctionType) -> tuple[str, list[Any]]:
    if compiled := vars(one).get("_torchdynamo_orig_callable"):
        return "compiled", [compiled]
    held = [_content(cell) for cell in one.__closure__ or ()]
    if not _is_users(one.__module__):
        return f"function {one.__module__}.{one.__qualname__}", [held, one.__defaults__, one.__kwdefaults__]
    parts = [one.__code__, held, one.__defaults__, one.__kwdefaults__, vars(one), dict(_globals(one))]
    return f"function {one.__qualname__}", parts


def _class(one: type) -> tuple[str, list[Any]]:
    if not _is_users(one.__module__):  # PyTorch makes classes from a user's, of a parametrised network say
        return f"class {one.__module__}.{one.__qualname__}", [
            base for base in one.__mro__ if _is_users(base.__module__)
        ]
    said = {name: value for name, value in sorted(vars(one).items()) if _is_said(name, value)}
    return f"class {one.__qualname__}", [one.__bases__, said]


def _is_said(name: str, value: Any) -> bool:
    """Of a class's own names: all code, and attributes; not what Python keeps about it."""
    return isinstance(value, CODE) or (_is_followed(value) and not _is_pythons(name))


def _is_pythons(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _globals(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What its code reads of its module, and of the user's modules and bare namespaces that it refers to."""
    for path in sorted(_paths(function.__code__)):
        held = function.__globals__
        for depth, name in enumerate(path, 1):
            value = held.get(name)
            if _is_namespace(value):
                held = vars(value)
                continue
            if name in held and _is_followed(value):
                yield ".".join(path[:depth]), value
            break


def _paths(code: CodeType) -> set[tuple[str, ...]]:
    """Dotted names that begin with one of the module, as the code and what is defined within it read them."""
    found: set[tuple[str, ...]] = set()
    path: tuple[str, ...] = ()
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            path = (step.argval,)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            path = (*path, step.argval) if path else path
        elif step.opname != "EXTENDED_ARG":
            path = ()
        found.add(path)
    inner = (_paths(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return found.union(*inner)


def _is_namespace(value: Any) -> bool:
    """Whether it holds names of the user's, of which each counts by itself."""
    if isinstance(value, ModuleType):
        return _is_users(value.__name__)
    return isinstance(value, argparse.Namespace | SimpleNamespace)


def _is_followed(value: Any) -> bool:
    """Whether it decides what the code does: not a logger, say, which belongs to a package."""
    return (
        isinstance(value, _FOLLOWED)
        or dataclasses.is_dataclass(value)
        or is_wrapped(value)
        or _is_users(type(value).__module__)
    )


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # of a name that has no value yet
        return "nothing"


def is_wrapped(one: Any) -> bool:
    """Whether it wraps a function and says which, as what is cached or compiled does."""
    return "__wrapped__" in getattr(one, "__dict__", ())


@functools.cache
def _is_users(module: str | None) -> bool:
    """Whether a module is neither Python's, nor installed, nor Spinloom's."""
    package = (module or "").partition(".")[0]
    if package in sys.stdlib_module_names or package == "spinloom":
        return False
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return not {"site-packages", "dist-packages"} & {*Path(file).parts}
