"""Activations called as functions in a network that torch.fx cannot follow, found by the names in its code."""

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from torch import nn

from spinloom.nn.tracing import CALLS, kind_of


def hidden_calls(model: nn.Module) -> list[tuple[str, type[nn.Module]]]:
    """Modules whose own forward names tanh, sigmoid or hardtanh: their names and the activation.

    Also in methods and functions that it names, and under another name. PyTorch's own modules are not looked into.
    """
    found = []
    for name, module in model.named_modules():
        if not type(module).__module__.startswith(("torch.nn", "spinloom.nn")):
            found += [(name or type(module).__name__, kind) for kind in _kinds(module)]
    return found


def _kinds(module: nn.Module) -> Iterator[type[nn.Module]]:
    waiting, seen = [_meant("forward", module, {})], set[Any]()
    while waiting:
        function = waiting.pop()
        function = inspect.unwrap(getattr(function, "__func__", function))
        if not isinstance(function, FunctionType) or function.__module__.startswith("torch.") or function in seen:
            continue
        seen.add(function)
        for name in _names(function.__code__):
            meant = _meant(name, module, function.__globals__)
            if isinstance(meant, nn.Module):  # self.tanh = nn.Tanh() is no function
                continue
            kind = kind_of(meant) or CALLS.get(name)
            if kind:
                yield kind
            elif callable(meant):
                waiting.append(meant)


def _names(code: CodeType) -> Iterator[str]:
    """Of attributes and globals, in functions within the function too."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def _meant(name: str, module: nn.Module, others: dict[str, Any]) -> Any:
    """What a name in the code of a module stands for, without running a property."""
    for place in (module._modules, vars(module)):
        if name in place:
            return place[name]
    return getattr(type(module), name, others.get(name))
