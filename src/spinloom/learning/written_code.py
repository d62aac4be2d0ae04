"""What functions and classes do, as far as a user wrote them: their code and all that it refers to."""

import dataclasses
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

CODE = (FunctionType, CodeType, type, property, classmethod, staticmethod)
"""What `open_code` takes, besides whatever wraps a function and keeps it as `__wrapped__`."""
_DATA = (type(None), bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, np.ndarray, np.generic)
_FOLLOWED = (*CODE, *_DATA, torch.Tensor, nn.Module, MethodType, functools.partial)


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
    return kind, [one.__wrapped__]


def _function(one: FunctionType) -> tuple[str, list[Any]]:
    if compiled := vars(one).get("_torchdynamo_orig_callable"):
        return "compiled", [compiled]
    held = [_content(cell) for cell in one.__closure__ or ()]
    if not _is_users(one.__module__):
        return f"function {one.__module__}.{one.__qualname__}", [held, one.__defaults__, one.__kwdefaults__]
    parts = [one.__code__, held, one.__defaults__, one.__kwdefaults__, vars(one), dict(_globals(one))]
    return f"function {one.__qualname__}", parts


def _class(one: type) -> tuple[str, list[Any]]:
    if not _is_users(one.__module__):
        return f"class {one.__module__}.{one.__qualname__}", []
    said = {name: value for name, value in sorted(vars(one).items()) if _is_said(name, value)}
    return f"class {one.__qualname__}", [one.__bases__, said]


def _is_said(name: str, value: Any) -> bool:
    """Of a class's own names: all code, and attributes; not what Python keeps about it."""
    return isinstance(value, CODE) or (_is_followed(value) and not (name.startswith("__") and name.endswith("__")))


def _globals(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The names of a function's module that its code may use, and of the user's modules that it refers to."""
    names = sorted(_names(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType) and _is_users(value.__name__):
            inner = {other: vars(value)[other] for other in names if other in vars(value)}
            yield from ((f"{name}.{other}", found) for other, found in inner.items() if _is_followed(found))
        elif name in function.__globals__ and _is_followed(value):
            yield name, value


def _names(code: CodeType) -> set[str]:
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


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
