"""Activations in the flow of a network, each given a module of its own, so that it can become devices.

torch.fx shows functional calls and modules called in several places; where it cannot follow, names in the code do.
"""

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.nn.activation.layer import DeviceActivation
from spinloom.nn.watching import kept_modes

REPLACEABLE: tuple[type[nn.Module], ...] = (nn.Tanh, nn.Sigmoid, nn.Hardtanh)
_KINDS: dict[Any, type[nn.Module]] = {
    **dict.fromkeys((torch.tanh, torch.tanh_, functional.tanh, "tanh", "tanh_"), nn.Tanh),
    **dict.fromkeys((torch.sigmoid, torch.sigmoid_, torch.special.expit, functional.sigmoid), nn.Sigmoid),
    **dict.fromkeys(("sigmoid", "sigmoid_"), nn.Sigmoid),
    **dict.fromkeys((functional.hardtanh, functional.hardtanh_), nn.Hardtanh),
}
CALLS = {call if isinstance(call, str) else call.__name__: kind for call, kind in _KINDS.items()}
CALLS |= {"expit": nn.Sigmoid}  # torch calls itself special_expit
"""Names of functions and methods that are activations, with the module that does the same."""


class _Tracer(fx.Tracer):
    def __init__(self, leaves: tuple[type[nn.Module], ...]) -> None:
        super().__init__()
        self.leaves = leaves

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self.leaves) or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module, leaves: tuple[type[nn.Module], ...] = (DeviceActivation, *REPLACEABLE)) -> fx.Graph | str:
    """The graph of the model's forward pass, or one line that says why there is none. leaves: not looked into."""
    try:
        return _Tracer(leaves).trace(model)
    except Exception as error:  # tracing runs the user's code on stand-ins: anything can come out
        return (str(error).strip() or type(error).__name__).splitlines()[0]


def _repeated_modules(graph: fx.Graph, model: nn.Module) -> list[tuple[fx.Node, nn.Module]]:
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
    """The module that does the same as a functional activation.

    Raises InputError for an in-place call whose input is used again, or limits that are not numbers.
    """
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


Wanted = Callable[[str, type[nn.Module]], bool]


def expand(model: nn.Module, wanted: Wanted) -> tuple[nn.Module, dict[str, str]]:
    """The model (which this may change) with a module for each wanted activation.

    It is rewritten by torch.fx only where that is needed. Also returns the modules that were made because one stood in
    several places: new name -> name of the original. Raises InputError where torch.fx cannot follow.
    """
    if isinstance(model, REPLACEABLE):
        return model, {}
    origin = _separate(model, wanted)
    graph = trace(model)
    if isinstance(graph, str):
        _require_no_hidden_calls(model, wanted, graph)
        return model, origin
    called = [node for node in graph.nodes if node.op in ("call_function", "call_method") and node.target in _KINDS]
    equivalents = [(node, _equivalent(node)) for node in called]
    functions = [(node, module) for node, module in equivalents if wanted(node.name, type(module))]
    repeats = [
        (node, module)
        for node, module in _repeated_modules(graph, model)
        if wanted(str(node.target), type(module)) or wanted(node.name, type(module))
    ]
    if not functions and not repeats:
        return model, origin
    _require_one_mode(model, graph)
    for node, module in functions:
        _call_module(model, graph, node, module)
    for node, module in repeats:
        target = str(node.target)
        origin[_call_module(model, graph, node, copy.deepcopy(module))] = origin.get(target, target)
    rewritten = fx.GraphModule(model, graph, type(model).__name__)
    rewritten.training = model.training
    return rewritten, origin


def _separate(model: nn.Module, wanted: Wanted) -> dict[str, str]:
    """Give a wanted activation that hangs in several places a module for each: new name -> name of the first place."""
    first: dict[nn.Module, str] = {}
    origin = {}
    for above, parent in list(model.named_modules()):
        for leaf, module in list(parent._modules.items()):
            if not isinstance(module, REPLACEABLE):
                continue
            name = f"{above}.{leaf}" if above else leaf
            known = first.setdefault(module, name)
            if known != name and (wanted(name, type(module)) or wanted(known, type(module))):
                setattr(parent, leaf, copy.deepcopy(module))
                origin[name] = known
    return origin


def _call_module(model: nn.Module, graph: fx.Graph, node: fx.Node, module: nn.Module) -> str:
    name = node.name
    while hasattr(model, name):
        name += "_device"
    model.add_module(name, module)
    module.training = model.training
    with graph.inserting_after(node):
        call = graph.call_module(name, (node.all_input_nodes[0],))
    node.replace_all_uses_with(call)
    graph.erase_node(node)
    return name


def _require_no_hidden_calls(model: nn.Module, wanted: Wanted, reason: str) -> None:
    """Raise InputError for modules whose own forward names tanh, sigmoid or hardtanh where these are wanted.

    Also in methods and functions that it names, and under another name. PyTorch's own modules are not looked into.
    """
    own = [
        (name or type(module).__name__, module)
        for name, module in model.named_modules()
        if not type(module).__module__.startswith(("torch.nn", "spinloom.nn"))
    ]
    hidden = [name for name, module in own for kind in _kinds(module) if wanted(name, kind)]
    if hidden:
        raise InputError(
            f"forward of {', '.join(dict.fromkeys(hidden))} calls an activation as a function and torch.fx cannot "
            f"follow the network ({reason}); use nn.Tanh, nn.Sigmoid or nn.Hardtanh modules"
        )


def _require_one_mode(model: nn.Module, graph: fx.Graph) -> None:
    """Raise InputError if the forward pass asks for `self.training`, which a graph would freeze."""
    with kept_modes(model):
        model.train(not model.training)
        other = trace(model)
    if isinstance(other, str) or _described(other) != _described(graph):
        raise InputError(
            f"{type(model).__name__} acts differently in training (functional dropout?) and calls an activation as a "
            "function or in several places; use modules for dropout, or one activation module per place"
        )


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
            known = _KINDS.get(meant) if callable(meant) and isinstance(meant, Hashable) else None
            kind = known or CALLS.get(name)
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
