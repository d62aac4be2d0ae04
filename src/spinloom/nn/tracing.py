"""Activations that only the flow of a network shows: functional calls, and one module called in several places."""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.nn.activation import DeviceActivation
from spinloom.nn.choice import REPLACEABLE
from spinloom.nn.watching import kept_modes

_KINDS: dict[Callable[..., Any] | str, type[nn.Module]] = {
    torch.tanh: nn.Tanh,
    functional.tanh: nn.Tanh,
    "tanh": nn.Tanh,
    torch.tanh_: nn.Tanh,
    "tanh_": nn.Tanh,
    torch.sigmoid: nn.Sigmoid,
    torch.special.expit: nn.Sigmoid,
    functional.sigmoid: nn.Sigmoid,
    "sigmoid": nn.Sigmoid,
    torch.sigmoid_: nn.Sigmoid,
    "sigmoid_": nn.Sigmoid,
    functional.hardtanh: nn.Hardtanh,
    functional.hardtanh_: nn.Hardtanh,
}
CALLS = {call if isinstance(call, str) else call.__name__: kind for call, kind in _KINDS.items()}
CALLS |= {"expit": nn.Sigmoid}  # torch calls itself special_expit
"""Names of functions and methods that are activations, with the module that does the same."""


def kind_of(call: object) -> type[nn.Module] | None:
    """The module that does the same as a function of PyTorch, None for anything else."""
    return _KINDS.get(call) if callable(call) and isinstance(call, Hashable) else None


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, (DeviceActivation, *REPLACEABLE)) or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module) -> fx.Graph | str:
    """The graph of the model's forward pass, or one line that says why there is none."""
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # tracing runs the user's code on stand-ins: anything can come out
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return graph


def depends_on_mode(model: nn.Module, graph: fx.Graph) -> bool:
    """Whether the forward pass asks for `self.training`, which a graph would freeze. `model` is left as it was."""
    with kept_modes(model):
        model.train(not model.training)
        other = trace(model)
    return isinstance(other, str) or _described(other) != _described(graph)


def function_nodes(graph: fx.Graph) -> list[tuple[fx.Node, nn.Module]]:
    """Functional activations with the module that does the same.

    Raises InputError for an in-place call whose input is used again, or limits that are not numbers.
    """
    found = []
    for node in graph.nodes:
        if node.op in ("call_function", "call_method") and node.target in _KINDS:
            found.append((node, _equivalent(node)))
    return found


def repeated_modules(graph: fx.Graph, model: nn.Module) -> list[tuple[fx.Node, nn.Module]]:
    """Calls of an activation module that is called more than once, with it; the first call of each left out."""
    calls = [(node, model.get_submodule(node.target)) for node in graph.nodes if node.op == "call_module"]
    total, repeats = Counter[str](), []
    for node, module in calls:
        total[node.target] += 1
        if total[node.target] > 1 and isinstance(module, REPLACEABLE):
            repeats.append((node, module))
    return repeats


def _described(graph: fx.Graph) -> str:
    return "\n".join(f"{node.op} {node.target} {node.args} {node.kwargs}" for node in graph.nodes)


def _equivalent(node: fx.Node) -> nn.Module:
    name = node.target if isinstance(node.target, str) else node.target.__name__
    inplace = name.endswith("_") or node.kwargs.get("inplace") is True or node.args[3:4] == (True,)
    if inplace and len(node.all_input_nodes[0].users) > 1:
        raise InputError(f"{node.name!r} works in place on a tensor that is used again; write it without in-place")
    kind = _KINDS[node.target]
    if kind is not nn.Hardtanh:
        return kind()
    limits = dict(zip(("min_val", "max_val"), node.args[1:3], strict=False)) | dict(node.kwargs)
    low, high = limits.get("min_val", -1.0), limits.get("max_val", 1.0)
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise InputError(f"the limits of {node.name!r} are computed in the network; a device needs fixed numbers")
    return nn.Hardtanh(low, high)
