"""Move a trained network onto devices, its weights unchanged."""

import copy
from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from torch import nn

from spinloom.devices import Response
from spinloom.errors import InputError, unknown_name
from spinloom.nn.activation.affine import PLAIN, Affine, Converters, affine_of
from spinloom.nn.activation.layer import DeviceActivation
from spinloom.nn.activation.members import device_layers
from spinloom.nn.activation.tables import Table, tabulate
from spinloom.nn.convert.calls import REPLACEABLE, expand
from spinloom.nn.watching import kept_modes
from spinloom.seeding import Seed, child_seed, generator

Mapped: TypeAlias = Response | Mapping[type[nn.Module] | str, Response]


def to_hardware(
    model: nn.Module,
    mapping: Mapped,
    *,
    sharing: str = "unit",
    example_input: torch.Tensor | None = None,
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
    unknown, an argument is of another kind, or the network calls an activation as a function and torch.fx cannot follow
    it.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    choice, source = Choice(mapping), generator(seed)
    twin = copy.deepcopy(model)
    twin, origin = expand(twin, lambda name, kind: choice.response(name, kind) is not None)
    sites = [(name, module, origin.get(name, name)) for name, module in _activations(twin)]
    seen = {known for name, _, called in sites for known in (name, called)}
    if unused := [key for key in choice.pairs if isinstance(key, str) and key not in seen] if sites else ():
        raise unknown_name("replaceable layer", unused[0], seen)
    chosen = [
        choice.response(name, type(module)) or choice.response(called, type(module)) for name, module, called in sites
    ]
    if not any(chosen):
        raise _nothing(model)
    for (name, module, _), response in zip(sites, chosen, strict=True):
        if response is not None:
            table = choice.table(response, affine_of(module))
            made = DeviceActivation(table, sharing=sharing, seed=child_seed(source), converters=converters)
            layer = _device(module, made, model)
            if not name:
                twin = layer
            else:
                twin.set_submodule(name, layer)
    if example_input is not None:
        _meet(twin, example_input)
    return twin


def _activations(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Replaceable modules by name; one that hangs in two places is listed under both. Not those that make weights."""
    every = model.named_modules(remove_duplicate=False)
    neurons = ((name, module) for name, module in every if "parametrizations" not in name.split("."))
    return [(name, module) for name, module in neurons if isinstance(module, REPLACEABLE)]


def _device(module: nn.Module, layer: DeviceActivation, model: nn.Module) -> DeviceActivation:
    """The layer in the mode of `module`, where the model's weights are."""
    layer.train(module.training)
    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    if weight is None:
        return layer
    # double stays double; half precision would blur the tables, which convert at the input instead
    return layer.to(weight.device, torch.float64 if weight.dtype == torch.float64 else None)


def _meet(model: nn.Module, example: torch.Tensor) -> None:
    """Let every layer see its units: one pass in eval mode, so that nothing is learnt, and its noise forgotten."""
    with kept_modes(model), torch.no_grad():
        model.eval()(example)
    for layer in device_layers(model).values():
        layer.rewind()


def _nothing(model: nn.Module) -> InputError:
    place = nn.modules.activation.__name__
    others = sorted({type(m).__name__ for m in model.modules() if type(m).__module__ == place})
    found = f"its activations are {', '.join(others)}" if others else "no activation found"
    found = f"{found}, it has device layers already" if device_layers(model) else found
    return InputError(
        f"nothing to replace in {type(model).__name__} ({found}); devices stand for Tanh, Sigmoid and Hardtanh, "
        "and the mapping must name one that the network has"
    )


class Choice:
    """The mapping given to `to_hardware`, checked: activation types or layer names to responses.

    A name wins over the exact type, which wins over a base type. A subclass is taken for its base only if it keeps the
    base's forward and is not ReLU6 (name it or its type to convert it). One table is made per response and affine.
    Raises InputError for keys or values of the wrong kind.
    """

    def __init__(self, mapping: Mapped) -> None:
        if not isinstance(mapping, Response | Mapping):
            raise InputError(f"give a Response or a mapping {{nn.Tanh: response, ...}}, got {type(mapping).__name__}")
        self.pairs: dict[Any, Response] = (
            dict.fromkeys(REPLACEABLE, mapping) if isinstance(mapping, Response) else dict(mapping)
        )
        for key, response in self.pairs.items():
            _require(key, response)
        self._tables: dict[tuple[int, Affine], Table] = {}

    def response(self, name: str, kind: type[nn.Module]) -> Response | None:
        """The response for the activation called `name` of type `kind`, or None to leave it as it is."""
        if not issubclass(kind, REPLACEABLE):
            return None
        for key in (name, kind):
            if key in self.pairs:
                return self.pairs[key]
        for base in REPLACEABLE:
            plain = issubclass(kind, base) and kind.forward is base.forward and not issubclass(kind, nn.ReLU6)
            if plain and base in self.pairs:
                return self.pairs[base]
        return None

    def table(self, response: Response, affine: Affine) -> Table:
        """The table of this response, made once."""
        key = (id(response), affine)
        if key not in self._tables:
            self._tables[key] = tabulate(response, affine)
        return self._tables[key]


def _require(key: object, response: object) -> None:
    shown = key.__name__ if isinstance(key, type) else repr(key)
    if not isinstance(response, Response):
        raise InputError(f"the mapping gives {shown} a {type(response).__name__}; give it a spinloom Response")
    if not isinstance(key, str) and not (isinstance(key, type) and issubclass(key, REPLACEABLE)):
        raise InputError(f"cannot map {shown}: keys are layer names, nn.Tanh, nn.Sigmoid, nn.Hardtanh or subclasses")
