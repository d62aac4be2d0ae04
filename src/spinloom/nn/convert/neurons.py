"""Move the leaky neurons of a network onto devices."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import nn

from spinloom.devices import NbOxNeuron
from spinloom.errors import InputError, unknown_name
from spinloom.nn.spiking.layer import LeakyNeurons
from spinloom.nn.spiking.nbox import NbOxNeurons
from spinloom.seeding import Seed, child_seed, generator


def to_neurons(
    model: nn.Module, mapping: NbOxNeuron | Mapping[str, NbOxNeuron], *, seed: Seed = 0, **options: Any
) -> nn.Module:
    """A copy of `model` whose `LeakyNeurons` are devices, fabricated; weights and `model` stay as they are.

    mapping: a device for every layer of leaky neurons, or {"layer.name": device, ...}. options: of `NbOxNeurons`
    (spread, stuck, noise). Networks of `to_memory` work, before or after. Train the copy to make up for what devices do
    differently.

    Raises InputError if nothing can be replaced, a name is unknown, or devices cannot stand for a layer.
    """
    twin, source = copy.deepcopy(model), generator(seed)
    sites = {name: layer for name, layer in twin.named_modules() if type(layer) is LeakyNeurons}
    pairs = dict(mapping) if isinstance(mapping, Mapping) else dict.fromkeys(sites, mapping)
    for name, device in pairs.items():
        if name not in sites:
            raise unknown_name("layer of leaky neurons", name, sites)
        if not isinstance(device, NbOxNeuron):
            raise InputError(f"layer {name!r} was given a {type(device).__name__}; give it an NbOxNeuron")
    if not pairs:
        raise InputError(f"nothing to replace in {type(model).__name__}: no LeakyNeurons that the mapping names")
    for name, device in pairs.items():
        try:
            made = NbOxNeurons.of(sites[name], device, **options).resample(child_seed(source))
        except InputError as error:
            raise InputError(f"layer {name!r}: {error}") from None
        if not name:
            return made
        twin.set_submodule(name, made)
    return twin
