"""The random numbers of a training: their states, and streams of their own for several processes."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from spinloom.nn import device_layers


def global_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Of PyTorch's global generators, that of a GPU included if `device` is one."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_global_states(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Go on with states that `global_states` gave."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def generators(parts: Iterable[Any]) -> list[torch.Generator]:
    """Those that modules among `parts`, and modules within, hold as attributes; each once, in order."""
    modules = [module for part in parts if isinstance(part, nn.Module) for module in part.modules()]
    held = [value for module in modules for value in vars(module).values() if isinstance(value, torch.Generator)]
    return list({id(one): one for one in held}.values())


def take_stream(parts: Iterable[Any], process: int) -> None:
    """Give the devices and generators of `parts` the noise of one process of several; the first one's is as it was."""
    parts = list(parts)
    for part in parts:
        for layer in device_layers(part).values() if isinstance(part, nn.Module) else ():
            layer.stream = process
    for one in generators(parts) if process else ():
        one.manual_seed((one.initial_seed() + process) % 2**63)
