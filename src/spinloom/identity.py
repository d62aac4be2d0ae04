"""What kept work is known by: code by its source, things by their content, the same in every process.

`of(function, **arguments)` names what a function makes of its arguments, for stages kept on disk; `digest` names
things. In a digest the code of Spinloom and of the packages below counts by name alone: `package` and `versions` stand
for it, and `of` takes both.
"""

import hashlib
import importlib.util
import json
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from modulefinder import ModuleFinder
from pathlib import Path, PurePath
from reprlib import repr as short
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from spinloom.errors import InputError

_BY_NAME = sys.stdlib_module_names | {"spinloom", "torch", "numpy", "scipy", "pandas", "numba", "lightning_fabric"}
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_VALUES = (tuple, list, dict, set, frozenset, MappingProxyType, PurePath)
_HELD: dict[type, tuple[str, ...]] = {MethodType: ("__func__", "__self__"), property: ("fget", "fset")}
_HELD |= {CodeType: ("co_code", "co_consts", "co_names")} | dict.fromkeys((classmethod, staticmethod), ("__func__",))
"""What code holds; its own bytes tell two lambdas of one line apart."""
_OPEN_ENDS = ("_thread", "_io", "_socket", "_abc", "torch.utils.hooks")
"""Where locks, files, connections, registers and handles of hooks come from: no number depends on one."""
_MARKS = ("_is_torch_compile", "_compile_kwargs")
"""That compiling leaves on a module; the second is lightning-fabric's."""


def of(function: Callable[..., Any], **arguments: Any) -> str:
    """The name of what `function` makes of `arguments`: another for other source, arguments or versions.

    The source is that of all of Spinloom and of the user's package or script that the function is from; what it holds
    in a closure or as a default counts too. Raises InputError as `digest` does.
    """
    return digest(package(), versions(), function, dict(sorted(arguments.items())))


def digest(*things: Any, apart: Iterable[Any] = ()) -> str:
    """SHA-256, in hexadecimal, of things and of all that they are made of: another for any difference.

    Plain values, containers and paths count by value, tensors, arrays and generators by content, networks and other
    objects by class, attributes and hooks, a user's functions and classes by code, closures, and the source of their
    package or script. Fields that a dataclass does not compare do not count. An object met again within one thing, such
    as a tied weight, counts as such; equal values do not, nor do addresses and the order of a set.

    apart: objects that only their number stands for. Raises InputError for what cannot be named, an iterator say.
    """
    made = hashlib.sha256()
    for thing in things:
        try:
            _walk(thing, made, {id(one): (-number, one) for number, one in enumerate(apart, 1)})
        except RecursionError as error:
            raise InputError(f"{short(thing)} is nested too deeply to be named; give parts of it") from error
    return made.hexdigest()


@cache
def package(name: str = "spinloom") -> str:
    """SHA-256 of all .py files of a package, as first found; of a module alone, also of what it imports beside it.

    "" where there is no file, as at a prompt. Raises InputError if there is no such package.
    """
    found = sys.modules.get(name) or importlib.util.find_spec(name)
    if found is None:
        raise InputError(f"there is no package {name!r}; install it or put it beside the script")
    folders = getattr(found, "__path__", None) or getattr(found, "submodule_search_locations", None) or ()
    files = {one.relative_to(folder).as_posix(): one for folder in folders for one in Path(folder).rglob("*.py")}
    alone = Path(getattr(found, "__file__", None) or getattr(found, "origin", None) or "")
    if not files and alone.is_file() and alone.suffix in (".py", ""):
        finder = ModuleFinder([str(alone.parent)], excludes=_BY_NAME)
        finder.run_script(str(alone))
        beside = {name: getattr(one, "__file__", None) for name, one in finder.modules.items()}
        files = {name: Path(file) for name, file in beside.items() if file}
    return digest({place: files[place].read_bytes() for place in sorted(files)}) if files else ""


def versions() -> dict[str, str]:
    """Of Python (major.minor), PyTorch and NumPy."""
    major, minor, _ = platform.python_version_tuple()
    return {"python": f"{major}.{minor}", "torch": str(torch.__version__), "numpy": np.__version__}


def add_tensors(digest: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put every tensor's name, type, shape and bytes into a hashlib object, in the order of the mapping."""
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        digest.update(plain.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def read_exactly(text: str) -> Any:
    """The JSON value that `json.dumps` wrote as `text`; ValueError for what means the same, such as 2E-05 for 2e-05."""
    value = json.loads(text)
    if json.dumps(value) != text:
        raise ValueError("the text is not as it was written")
    return value


def _walk(one: Any, made: Any, met: dict[Any, tuple[int, Any]]) -> None:
    """Put a thing into a hashlib object. met: objects by id, with their number; held, so that no id is used again."""
    if type(one).__name__ == "OptimizedModule":  # compiling changes nothing but speed
        one = one._orig_mod
    plain, known = isinstance(one, _PLAIN), met.get(id(one))
    text = repr(one) if plain else f"again {known[0]}" if known else ""
    parts = [] if text else _parts(one)
    made.update(f"{type(one).__qualname__} {len(text)} {text} {len(parts)};".encode(errors="surrogatepass"))
    if text:
        return
    number = len(met)
    met[id(one)] = number, one
    for part in parts:
        _walk(part, made, met)
    if isinstance(one, _VALUES) or getattr(one, "__dataclass_params__", None):
        met[str(number)] = met.pop(id(one))  # it counts anew where met again; until here it might have held itself


def _parts(one: Any) -> list[Any]:
    kind = type(one)
    if kind in _HELD:
        return [getattr(one, name) for name in _HELD[kind]]
    if kind in (tuple, list):
        return list(one)
    if kind in (dict, MappingProxyType):
        return [part for item in one.items() for part in item]
    if isinstance(one, set | frozenset):
        return sorted(digest(item) for item in one)
    if isinstance(one, torch.Tensor):
        content = hashlib.sha256()
        add_tensors(content, {"": one if one.layout == torch.strided else one.to_dense()})
        hooks = [list((held or {}).values()) for held in (one._backward_hooks, one._post_accumulate_grad_hooks)]
        return [content.digest(), one.requires_grad, hooks]
    if isinstance(one, torch.Generator):
        return [one.get_state()]
    if isinstance(one, torch.jit.ScriptModule):
        return [one.code, one.state_dict(), one.training]
    if isinstance(one, CellType):
        return [] if one == CellType() else [one.cell_contents]  # none of a name that has no value yet
    if isinstance(one, FunctionType | type | ModuleType):
        return _code(one)
    return [] if kind.__module__ in _OPEN_ENDS else [kind, *_reduced(one)]


def _code(one: Any) -> list[Any]:
    if isinstance(one, ModuleType):
        return [one.__name__, _source(one.__name__)]
    source, name = _source(one.__module__), one.__qualname__
    if isinstance(one, FunctionType):
        if compiled := vars(one).get("_torchdynamo_orig_callable"):
            return [compiled]
        own = [one.__module__] if source is None else [source, one.__code__, vars(one)]
        return [name, one.__closure__ or (), one.__defaults__, one.__kwdefaults__, *own]
    if source is None:  # PyTorch makes classes from a user's, of a parametrised network say
        return [one.__module__, name, [base for base in one.__mro__ if _source(base.__module__) is not None]]
    said = {name: value for name, value in sorted(vars(one).items()) if callable(value) or name[:2] != "__"}
    return [name, source, one.__bases__, said]


def _source(module: str | None) -> str | None:
    """Of the package or script that a module belongs to, "" where no file holds it; None if it counts by name."""
    if module in ("__main__", "__mp_main__") and (spec := getattr(sys.modules.get(module), "__spec__", None)):
        module = spec.name  # of `python -m`
    top = (module or "").partition(".")[0]
    return None if top in _BY_NAME else package(top) if top in sys.modules else ""


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
    return [made, arguments, _attributes(one, state), *(part and list(part) for part in (items, pairs))]


def _attributes(one: Any, state: Any) -> Any:
    """In the order of their names; not what is computed when first asked for, nor the numbers of hooks."""
    if not isinstance(state, dict):
        return state
    left = {*_MARKS, *(field.name for field in getattr(one, "__dataclass_fields__", {}).values() if not field.compare)}
    left |= {name for name in state if isinstance(getattr(type(one), str(name), None), cached_property)}
    return {
        name: list(held.values()) if "_hooks" in str(name) and isinstance(held := state[name], dict) else state[name]
        for name in sorted(state, key=str)
        if name not in left
    }
