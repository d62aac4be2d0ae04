"""Move the weights of a trained network into memories."""

import copy
from collections.abc import Mapping
from typing import Any, TypeAlias

from torch import nn

from spinloom.devices import Memory, Writing
from spinloom.errors import InputError, unknown_name
from spinloom.nn.hardware import require_layers
from spinloom.nn.memory.layer import DeviceConv2d, DeviceLinear, MemoryLayer
from spinloom.seeding import Seed, child_seed, generator

_FORMS: dict[type[nn.Module], Any] = {nn.Linear: DeviceLinear, nn.Conv2d: DeviceConv2d}
MappedMemory: TypeAlias = Memory | Mapping[type[nn.Module] | str, Memory]


def to_memory(model: nn.Module, mapping: MappedMemory, *, seed: Seed = 0, **options: Any) -> nn.Module:
    """A copy of `model` whose weights are kept by memories, fabricated, written and verified; `model` stays.

    mapping: a Memory for every nn.Linear and nn.Conv2d, or {nn.Linear: memory, "layer.name": memory, ...}; a name wins.
    seed: fixes the fabricated devices, the noise of programming and of reads. options: of `MemoryLayer` (cells,
    weight_range, device_spread, tolerance, attempts). Biases, norms and activations stay numbers; networks of
    `to_hardware` work, before or after. `programming` tells what writing took.

    Raises InputError if nothing can be replaced, a key is unknown, or the tolerance cannot be met.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    pairs = _checked(mapping)
    twin = copy.deepcopy(model)
    sites = {name: module for name, module in twin.named_modules() if type(module) in _FORMS}
    if unused := [key for key in pairs if isinstance(key, str) and key not in sites]:
        raise unknown_name("linear layer or convolution", unused[0], sites)
    made: dict[nn.Module, MemoryLayer] = {}
    for name, module in sites.items():
        memory = pairs.get(name, pairs.get(type(module)))
        if memory is not None:
            made[module] = _FORMS[type(module)].of(module, memory, **options)
    if not made:
        have = f"it has {len(sites)} linear layers and convolutions that the mapping does not name" if sites else ""
        raise InputError(f"nothing to replace in {type(model).__name__} {have or 'without nn.Linear or nn.Conv2d'}")
    for name, module in list(twin.named_modules(remove_duplicate=False)):  # under all names that it has
        if name and module in made:
            twin.set_submodule(name, made[module])
    source = generator(seed)
    for name, layer in ((name, made[module]) for name, module in sites.items() if module in made):
        try:
            layer.resample(child_seed(source))
        except InputError as error:
            raise InputError(f"layer {name!r}: {error}") from None
    return made.get(twin, twin)


def programming(model: nn.Module) -> dict[str, Writing]:
    """What programming took in each layer of memories since it was fabricated, by name. Raises InputError if none."""
    return {name: layer.ledger for name, layer in memory_layers(model).items()}


def memory_layers(model: nn.Module) -> dict[str, MemoryLayer]:
    """All layers of memories by name. Raises InputError if there is none."""
    return require_layers(model, MemoryLayer)


def _checked(mapping: MappedMemory) -> dict[Any, Memory]:
    if isinstance(mapping, Memory):
        return dict.fromkeys(_FORMS, mapping)
    if not isinstance(mapping, Mapping):
        raise InputError(f"give a Memory or a mapping {{nn.Linear: memory, ...}}, got {type(mapping).__name__}")
    for key, memory in mapping.items():
        shown = key.__name__ if isinstance(key, type) else repr(key)
        if not isinstance(memory, Memory):
            raise InputError(f"the mapping gives {shown} a {type(memory).__name__}; give it a spinloom Memory")
        if not isinstance(key, str) and key not in _FORMS:
            raise InputError(f"cannot map {shown}: keys are layer names, nn.Linear and nn.Conv2d")
    return dict(mapping)
