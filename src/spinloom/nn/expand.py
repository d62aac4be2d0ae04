"""Give every activation of a network a module of its own, so that it can become devices."""

import copy
from collections.abc import Callable

from torch import fx, nn

from spinloom.errors import InputError
from spinloom.nn.choice import REPLACEABLE
from spinloom.nn.hidden_calls import hidden_calls
from spinloom.nn.tracing import depends_on_mode, function_nodes, repeated_modules, trace

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
    functions = [(node, module) for node, module in function_nodes(graph) if wanted(node.name, type(module))]
    repeats = [
        (node, module)
        for node, module in repeated_modules(graph, model)
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
    hidden = [name for name, kind in hidden_calls(model) if wanted(name, kind)]
    if hidden:
        raise InputError(
            f"forward of {', '.join(dict.fromkeys(hidden))} calls an activation as a function and torch.fx cannot "
            f"follow the network ({reason}); use nn.Tanh, nn.Sigmoid or nn.Hardtanh modules"
        )


def _require_one_mode(model: nn.Module, graph: fx.Graph) -> None:
    if depends_on_mode(model, graph):
        raise InputError(
            f"{type(model).__name__} acts differently in training (functional dropout?) and calls an activation as a "
            "function or in several places; use modules for dropout, or one activation module per place"
        )
