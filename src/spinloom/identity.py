"""What kept work is known by: code by its source, things by their content, the same in every process.

    of(function, **arguments)   names what a function makes of its arguments: for stages kept on disk
    digest(*things)             names things: settings, tensors, networks, data sets, functions
    package(name)               names the source of a package
    versions()                  what else numbers depend on

Code of Spinloom and of the packages that numbers are made with counts in `digest` by its name alone; `package` and
`versions` stand for it, and `of` takes both.
"""

import hashlib
import importlib.util
import json
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path, PurePath
from reprlib import repr as short
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch.utils.hooks import RemovableHandle

from spinloom.errors import InputError

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_BY_NAME = sys.stdlib_module_names | {"spinloom", "torch", "numpy", "scipy", "pandas", "numba", "lightning_fabric"}
_OPEN_ENDS = ("_thread", "_io", "_socket")
"""Where locks, files and connections come from; no number depends on one."""
_CODE = (CodeType, FunctionType, MethodType, ModuleType, type, property, classmethod, staticmethod)
_COMPILED = ("_is_torch_compile", "_compile_kwargs")
"""Marks on a module; the second is lightning-fabric's."""


def of(function: Callable[..., Any], **arguments: Any) -> str:
    """The name of what `function` makes of `arguments`: another for other source, arguments or versions.

    The source is that of all of Spinloom and of the user's package or script that the function is from; what it holds
    in a closure or as default counts too. Raises InputError as `digest` does.
    """
    return digest(package(), versions(), function, dict(sorted(arguments.items())))


def digest(*things: Any, apart: Iterable[Any] = ()) -> str:
    """SHA-256 of things and of all that they are made of, in hexadecimal: another for any difference.

    Plain values, containers and paths count by value, tensors, arrays and generators by content, networks and other
    objects by class, attributes and hooks; functions and classes of a user by their code, closures, and the source of
    the package or script they are from. Fields of a dataclass
    that do not count in its comparison do not count here. Tied weights, and objects met again within one thing, count
    as such; equal values do not, nor do addresses.

    apart: objects that only their number stands for. Raises InputError for what cannot be named, a generator say.
    """
    made = hashlib.sha256()
    for thing in things:
        try:
            _Walk(made, apart).into(thing)
        except RecursionError as error:
            raise InputError(f"{short(thing)} is nested too deeply to be named; give parts of it") from error
    return made.hexdigest()


@cache
def package(name: str = "spinloom") -> str:
    """SHA-256 of all .py files of a package, or of the file of a module; "" where there is none, as at a prompt.

    As this process first finds them. name: without dots. Raises InputError if there is no such package.
    """
    found = sys.modules.get(name) or importlib.util.find_spec(name)
    if found is None:
        raise InputError(f"there is no package {name!r}; install it or put it beside the script")
    folders = getattr(found, "__path__", None) or getattr(found, "submodule_search_locations", None) or ()
    files = {one.relative_to(folder).as_posix(): one for folder in folders for one in Path(folder).rglob("*.py")}
    alone = Path(getattr(found, "__file__", None) or getattr(found, "origin", None) or "")
    files = files or ({"": alone} if alone.is_file() else {})
    return digest({place: files[place].read_bytes() for place in sorted(files)}) if files else ""


def versions() -> dict[str, str]:
    """Of Python (major.minor), PyTorch and NumPy."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, "torch": str(torch.__version__), "numpy": np.__version__}


def add_tensors(digest: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put every tensor's name, type, shape and bytes into a hashlib object, in the order of the mapping."""
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        digest.update(plain.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def read_exactly(text: str) -> Any:
    """The JSON value that `json.dumps` wrote as `text`. Raises ValueError if it would have written it otherwise.

    A checksum over the value alone misses damage that means the same, such as 2E-05 for 2e-05.
    """
    value = json.loads(text)
    if json.dumps(value) != text:
        raise ValueError("the text is not as it was written")
    return value


class _Walk:
    """Through one thing, into a hashlib object."""

    def __init__(self, made: Any, apart: Iterable[Any] = ()) -> None:
        self.made, self.count = made, 0
        self.met: dict[int, tuple[int, Any]] = {}
        """met: objects by id, with their number; they are held, so that no id is used again."""
        for one in apart:
            self.meet(one)

    def meet(self, one: Any) -> None:
        self.count += 1
        self.met[id(one)] = self.count, one

    def into(self, one: Any) -> None:
        known = self.met.get(id(one))
        label, parts = (f"again {known[0]}", []) if known else _opened(one, self)
        self.made.update(f"{len(label)} {label} {len(parts)};".encode(errors="surrogatepass"))
        if known or (not parts and isinstance(one, _PLAIN)):
            return
        self.meet(one)
        for part in parts:
            self.into(part)
        if _is_value(one):  # met again it counts anew; until here it might have held itself
            del self.met[id(one)]


def _opened(one: Any, walk: _Walk) -> tuple[str, list[Any]]:
    """What a thing is in itself, and its parts."""
    kind = type(one)
    name = kind.__qualname__
    if isinstance(one, _PLAIN):
        return f"{name} {one!r}", []
    if kind in (dict, MappingProxyType):
        return name, [part for item in one.items() for part in (item[0], _without_handles(*item))]
    if kind in (tuple, list):
        return name, list(one)
    if isinstance(one, set | frozenset):
        return name, sorted(digest(item, apart=[held for _, held in walk.met.values()]) for item in one)
    if isinstance(one, torch.Tensor):
        made = hashlib.sha256()
        add_tensors(made, {"": one if one.layout == torch.strided else one.to_dense()})
        hooks = [list((held or {}).values()) for held in (one._backward_hooks, one._post_accumulate_grad_hooks)]
        return f"{name} {made.hexdigest()} {one.requires_grad}", hooks
    if isinstance(one, torch.jit.ScriptModule):
        return name, [one.code, one.state_dict(), one.training]
    if name == "OptimizedModule":  # compiling changes nothing but speed
        return "again", [one._orig_mod]
    if isinstance(one, RemovableHandle) or kind.__module__ in _OPEN_ENDS:
        return name, []
    return name, _code(one) if isinstance(one, _CODE) else [kind, *_reduced(one)]


def _code(one: Any) -> list[Any]:
    """Of functions, classes and what stands in a class, by name or by all that they are."""
    if isinstance(one, CodeType):  # tells two lambdas of one line apart
        return [one.co_code, one.co_consts, one.co_names]
    if isinstance(one, MethodType):
        return [one.__func__, one.__self__]
    if isinstance(one, property):
        return [one.fget, one.fset]
    if isinstance(one, classmethod | staticmethod):
        return [one.__func__]
    if isinstance(one, ModuleType):
        return [one.__name__, _source(one.__name__)]
    source = _source(one.__module__)
    if isinstance(one, FunctionType):
        if compiled := vars(one).get("_torchdynamo_orig_callable"):
            return [compiled]
        held = [_content(cell) for cell in one.__closure__ or ()]
        own = [one.__module__] if source is None else [source, one.__code__, vars(one)]
        return [one.__qualname__, held, one.__defaults__, one.__kwdefaults__, *own]
    if source is None:  # PyTorch makes classes from a user's, of a parametrised network say
        return [
            one.__module__,
            one.__qualname__,
            [base for base in one.__mro__ if _source(base.__module__) is not None],
        ]
    said = {
        name: value for name, value in sorted(vars(one).items()) if isinstance(value, _CODE) or not _is_pythons(name)
    }
    return [one.__qualname__, source, one.__bases__, said]


def _source(module: str | None) -> str | None:
    """Of the package or script that a module belongs to, "" where no file holds it; None if it counts by name."""
    if module in ("__main__", "__mp_main__") and (spec := getattr(sys.modules.get(module), "__spec__", None)):
        module = spec.name  # of `python -m`
    top = (module or "").partition(".")[0]
    if top in _BY_NAME:
        return None
    return package(top) if top in sys.modules else ""


def _reduced(one: Any) -> list[Any]:
    """What pickling keeps, without that the attributes; of what wraps a function, that function."""
    held = getattr(one, "__dict__", None)
    if held and "__wrapped__" in held:
        return [held["__wrapped__"], {} if _source(type(one).__module__) is None else _attributes(one, held)]
    try:
        reduced = one.__reduce_ex__(4)
    except Exception as error:  # each refuses in its own way
        if held is None:
            raise InputError(f"{short(one)} cannot be named: it is neither plain data nor has attributes") from error
        return [_attributes(one, held)]
    if isinstance(reduced, str):
        return [getattr(one, "__module__", None), reduced]
    made, arguments, state, items, pairs = (*reduced, *[None] * 5)[:5]
    return [
        made,
        arguments,
        _attributes(one, state),
        *(None if part is None else list(part) for part in (items, pairs)),
    ]


def _attributes(one: Any, state: Any) -> Any:
    """In the order of their names, without what is computed when first asked for and what says that it is no matter."""
    if not isinstance(state, dict):
        return state
    left = {
        *_COMPILED,
        *(field.name for field in getattr(one, "__dataclass_fields__", {}).values() if not field.compare),
    }
    left |= {name for name in state if isinstance(getattr(type(one), str(name), None), cached_property)}
    return {name: state[name] for name in sorted(state, key=str) if name not in left}


def _is_value(one: Any) -> bool:
    frozen = getattr(getattr(one, "__dataclass_params__", None), "frozen", False)
    return frozen or isinstance(one, tuple | list | dict | set | frozenset | MappingProxyType | PurePath)


def _without_handles(key: Any, value: Any) -> Any:
    """Hooks of a module are listed under the numbers of their handles."""
    return list(value.values()) if isinstance(key, str) and "_hooks" in key and isinstance(value, dict) else value


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # of a name that has no value yet
        return "nothing"


def _is_pythons(name: str) -> bool:
    return name.startswith(("__", "_abc_")) and name != "__slots__"
