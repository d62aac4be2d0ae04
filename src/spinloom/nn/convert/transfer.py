"""Move a trained network onto devices, its weights unchanged.

torch.fx shows functional calls and modules called in several places; where it cannot follow, names in the code do.
"""

import copy
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, TypeAlias

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from spinloom.devices import Response
from spinloom.errors import InputError, unknown_name
from spinloom.nn.activation.layer import DeviceActivation
from spinloom.nn.activation.members import device_layers
from spinloom.nn.activation.tables import PLAIN, Affine, Converters, Table, affine_of, tabulate
from spinloom.nn.hardware import kept_modes
from spinloom.seeding import Seed, child_seed, generator

_ACTIVATIONS = nn.modules.activation.__name__
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
Wanted = Callable[[str, type[nn.Module]], bool]
Mapped: TypeAlias = Response | Mapping[type[nn.Module] | str, Response]


def to_hardware(
    model: nn.Module,
    mapping: Mapped,
    *,
    sharing: str = "unit",
    example_input: Tensor | None = None,
    seed: Seed = 0,
    converters: Converters = PLAIN,
) -> nn.Module:
    """A copy of `model` whose activations are devices; weights, mode, device and `model` stay as they are.

    mapping: a Response for every Tanh, Sigmoid and Hardtanh, or {nn.Tanh: response, "layer.name": response, ...}.
    sharing: "unit", "channel" or "shared", see `DeviceActivation`.
    example_input: one batch; fixes the number of devices now (else at the first forward pass).
    seed: fixes the fabricated instance and its read noise.
    converters: resolution of the reads of every layer.

    Calls of torch.tanh, sigmoid, hardtanh (also as methods and from torch.nn.functional), and a module called in
    several places (each becomes devices of its own), are found by torch.fx; the copy is then an fx.GraphModule, and
    such layers are named as in its graph. A module under several names becomes devices for each of them. Activations
    inside PyTorch's own modules (nn.LSTM) are not replaced.

    Raises InputError if nothing can be replaced (as where all is devices already), a name or type in the mapping is
    unknown, an argument is of another kind, or an activation is called as a function where torch.fx cannot follow.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    pairs, source = _checked(mapping), generator(seed)
    twin, origin = expand(copy.deepcopy(model), lambda name, kind: _chosen(pairs, name, kind) is not None)
    sites = [
        (name, module, origin.get(name, name))
        for name, module in twin.named_modules(remove_duplicate=False)  # under both names where it hangs in two places
        if isinstance(module, REPLACEABLE) and "parametrizations" not in name.split(".")  # those make weights
    ]
    seen = {known for name, _, called in sites for known in (name, called)}
    if unused := [key for key in pairs if isinstance(key, str) and key not in seen] if sites else ():
        raise unknown_name("replaceable layer", unused[0], seen)
    weight = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), None)
    tables: dict[tuple[int, Affine], Table] = {}
    for name, module, called in sites:
        response = _chosen(pairs, name, type(module)) or _chosen(pairs, called, type(module))
        if response is None:
            continue
        affine = affine_of(module)
        table = tables.get((id(response), affine)) or tabulate(response, affine)
        tables[id(response), affine] = table
        layer = DeviceActivation(table, sharing=sharing, seed=child_seed(source), converters=converters)
        layer.train(module.training)
        if weight is not None:
            # double stays double; half precision would blur the tables, which convert at the input instead
            layer.to(weight.device, torch.float64 if weight.dtype == torch.float64 else None)
        if not name:
            twin = layer
        else:
            twin.set_submodule(name, layer)
    if not tables:
        others = sorted({type(one).__name__ for one in model.modules() if type(one).__module__ == _ACTIVATIONS})
        found = f"its activations are {', '.join(others)}" if others else "no activation found"
        found = f"{found}, it has device layers already" if device_layers(model) else found
        rule = "devices stand for Tanh, Sigmoid and Hardtanh, and the mapping must name one that the network has"
        raise InputError(f"nothing to replace in {type(model).__name__} ({found}); {rule}")
    if example_input is not None:
        with kept_modes(twin), torch.no_grad():  # every layer sees its units, nothing is learnt
            twin.eval()(example_input)
        for layer in device_layers(twin).values():
            layer.rewind()
    return twin


def _checked(mapping: Mapped) -> dict[Any, Response]:
    """Activation types or layer names to responses. Raises InputError for keys or values of the wrong kind."""
    if not isinstance(mapping, Response | Mapping):
        raise InputError(f"give a Response or a mapping {{nn.Tanh: response, ...}}, got {type(mapping).__name__}")
    pairs: dict[Any, Any] = dict.fromkeys(REPLACEABLE, mapping) if isinstance(mapping, Response) else dict(mapping)
    for key, response in pairs.items():
        shown = key.__name__ if isinstance(key, type) else repr(key)
        if not isinstance(response, Response):
            raise InputError(f"the mapping gives {shown} a {type(response).__name__}; give it a spinloom Response")
        if not isinstance(key, str) and not (isinstance(key, type) and issubclass(key, REPLACEABLE)):
            known = "layer names, nn.Tanh, nn.Sigmoid, nn.Hardtanh or subclasses"
            raise InputError(f"cannot map {shown}: keys are {known}")
    return pairs


def _chosen(pairs: Mapping[Any, Response], name: str, kind: type[nn.Module]) -> Response | None:
    """The response for the activation called `name` of type `kind`, or None to leave it as it is.

    A name wins over the exact type, which wins over a base type. A subclass is taken for its base only if it keeps the
    base's forward and is not ReLU6 (name it or its type to convert it).
    """
    if not issubclass(kind, REPLACEABLE):
        return None
    bases = (base for base in REPLACEABLE if issubclass(kind, base) and kind.forward is base.forward)
    keys = (name, kind, *(() if issubclass(kind, nn.ReLU6) else bases))
    return next((pairs[key] for key in keys if key in pairs), None)


def trace(model: nn.Module, leaves: tuple[type[nn.Module], ...] = (DeviceActivation, *REPLACEABLE)) -> fx.Graph | str:
    """The graph of the model's forward pass, or one line that says why there is none. leaves: not looked into."""

    class Tracer(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return isinstance(m, leaves) or super().is_leaf_module(m, module_qualified_name)

    try:
        return Tracer().trace(model)
    except Exception as error:  # tracing runs the user's code on stand-ins: anything can come out
        return (str(error).strip() or type(error).__name__).splitlines()[0]


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
        # a forward of one's own may name activations, also in functions that it names, and under another name
        own = [
            (name or type(module).__name__, module)
            for name, module in model.named_modules()
            if not type(module).__module__.startswith(("torch.nn", "spinloom.nn"))
        ]
        if hidden := [name for name, module in own for kind in _kinds(module) if wanted(name, kind)]:
            raise InputError(
                f"forward of {', '.join(dict.fromkeys(hidden))} calls an activation as a function and torch.fx cannot "
                f"follow the network ({graph}); use nn.Tanh, nn.Sigmoid or nn.Hardtanh modules"
            )
        return model, origin
    found, called = list[tuple[fx.Node, nn.Module]](), set[Any]()
    for node in graph.nodes:
        if node.op in ("call_function", "call_method") and node.target in _KINDS:
            module = _equivalent(node)
            if wanted(node.name, type(module)):
                found.append((node, module))
        elif node.op == "call_module":
            module, names = model.get_submodule(node.target), (node.target, node.name)
            again = node.target in called and isinstance(module, REPLACEABLE)  # its first call is left out
            if again and any(wanted(name, type(module)) for name in names):
                found.append((node, copy.deepcopy(module)))
            called.add(node.target)
    if not found:
        return model, origin
    with kept_modes(model):  # a forward pass that asks for `self.training` would be frozen in a graph
        model.train(not model.training)
        other = trace(model)
    if str(other) != str(graph):
        raise InputError(
            f"{type(model).__name__} acts differently in training (functional dropout?) and calls an activation as a "
            "function or in several places; use modules for dropout, or one activation module per place"
        )
    for node, module in sorted(found, key=lambda pair: pair[0].op == "call_module"):
        name, target = node.name, str(node.target)
        while hasattr(model, name):
            name += "_device"
        model.add_module(name, module)
        module.training = model.training
        with graph.inserting_after(node):
            call = graph.call_module(name, (node.all_input_nodes[0],))
        node.replace_all_uses_with(call)
        graph.erase_node(node)
        if node.op == "call_module":
            origin[name] = origin.get(target, target)
    rewritten = fx.GraphModule(model, graph, type(model).__name__)
    rewritten.training = model.training
    return rewritten, origin


def _separate(model: nn.Module, wanted: Wanted) -> dict[str, str]:
    """Give a wanted activation that hangs in several places a module for each: new name -> name of the first place."""
    first: dict[nn.Module, str] = {}
    origin = {}
    for above, parent in list(model.named_modules()):
        for leaf, module in [(leaf, m) for leaf, m in parent._modules.items() if isinstance(m, REPLACEABLE)]:
            name = f"{above}.{leaf}" if above else leaf
            known = first.setdefault(module, name)
            if known != name and (wanted(name, type(module)) or wanted(known, type(module))):
                setattr(parent, leaf, copy.deepcopy(module))
                origin[name] = known
    return origin


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
