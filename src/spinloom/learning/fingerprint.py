"""A name for all that an object consists of, to its end: the same in every process, another for any difference."""

import hashlib
from collections.abc import Iterable
from types import MethodType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from spinloom.identity import add_tensors
from spinloom.learning.written_code import CODE, is_wrapped, open_code

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_COMPILED = ("_is_torch_compile", "_compile_kwargs")
"""The second is lightning-fabric's."""
_Known = dict[int, tuple[int, Any]]
"""Objects met so far by id, with their number; holding them keeps their ids from being used again."""


def fingerprint(thing: Any, apart: Iterable[Any] = ()) -> str:
    """SHA-256 of an object and of all that it is made of.

    Followed are attributes (in `__dict__` and slots), items, tensors and generators by their content, hooks, closures,
    arguments of partial functions, the instances of bound methods, and the code of functions and classes that a user
    wrote (see `written_code`); what else there is, by what pickling would keep of it. No address and no order of a set
    takes part. That two places hold the same object takes part, so that cycles end.

    apart: objects that only their number stands for.
    """
    return _walk(thing, {id(one): (number, one) for number, one in enumerate(apart)})


def _walk(thing: Any, known: _Known) -> str:
    digest, todo = hashlib.sha256(), [thing]
    while todo:  # not recursive: an object may be nested deeper than Python's stack
        label, parts = _opened(todo.pop(), known)
        digest.update(f"{len(label)} {label} {len(parts)};".encode(errors="surrogatepass"))
        todo.extend(reversed(parts))
    return digest.hexdigest()


def _opened(one: Any, known: _Known) -> tuple[str, list[Any]]:
    """What an object is in itself, and its parts."""
    name = type(one).__qualname__
    if isinstance(one, _PLAIN):
        return f"{name} {one!r}", []
    if type(one) is tuple:  # whether equal ones are the same object is up to the interpreter
        return name, list(one)
    if type(one) is frozenset:
        return name, _sorted(one, known)
    if id(one) in known:
        return f"again {known[id(one)][0]}", []
    known[id(one)] = len(known), one
    if isinstance(one, set | frozenset):
        return name, _sorted(one, known)
    if isinstance(one, torch.Tensor):
        return f"{name} {_content(one)} {one.requires_grad}", _hooks(one)
    if isinstance(one, MethodType):
        return name, [one.__func__, one.__self__]
    if isinstance(one, torch.Generator):
        return name, [one.get_state()]
    if isinstance(one, ModuleType):
        return f"{name} {one.__name__}", []
    if isinstance(one, RemovableHandle):  # a number that counts all hooks of the process
        return name, []
    if type(one) is dict:
        return name, [part for item in one.items() for part in (item[0], _without_handles(*item))]
    if type(one) is list:
        return name, one
    if name == "OptimizedModule":  # compiling changes nothing but speed
        return "again", [one._orig_mod]
    if isinstance(one, CODE) or is_wrapped(one):
        return open_code(one)
    return name, [type(one), *_reduced(one)]


def _sorted(items: Iterable[Any], known: _Known) -> list[str]:
    return sorted(_walk(item, dict(known)) for item in items)


def _hooks(tensor: torch.Tensor) -> list[Any]:
    """What changes its gradient on the way."""
    kinds = tensor._backward_hooks, tensor._post_accumulate_grad_hooks
    return [list((kind or {}).values()) for kind in kinds]


def _content(tensor: torch.Tensor) -> str:
    digest = hashlib.sha256()
    add_tensors(digest, {"": tensor if tensor.layout == torch.strided else tensor.to_dense()})
    return digest.hexdigest()


def _without_handles(key: Any, value: Any) -> Any:
    """Hooks of a module are listed under the numbers of their handles."""
    hooks = isinstance(key, str) and "_hooks" in key and isinstance(value, dict)
    return list(value.values()) if hooks else value


def _reduced(one: Any) -> list[Any]:
    """What pickling keeps; without that the attributes, and the state of a module."""
    try:
        reduced = one.__reduce_ex__(4)
    except Exception:  # locks, files, scripted and parametrised modules: each refuses in its own way
        state = one.state_dict() if isinstance(one, nn.Module) else None
        return [_in_order(getattr(one, "__dict__", None)), state]
    if isinstance(reduced, str):
        return [reduced]
    made, arguments, state, items, pairs = (*reduced, *[None] * 5)[:5]
    return [made, arguments, _in_order(state), *(None if part is None else list(part) for part in (items, pairs))]


def _in_order(state: Any) -> Any:
    """Attributes in the order of their names, without the marks that compiling leaves on a module."""
    if not isinstance(state, dict):
        return state
    return {name: state[name] for name in sorted(state, key=str) if name not in _COMPILED}
