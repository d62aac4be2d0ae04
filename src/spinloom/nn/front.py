"""The part of a network in front of its first device layer, which instances side by side can share."""

import torch
from torch import nn

from spinloom.nn.layers import device_layers, members
from spinloom.nn.side_by_side_trial import SEEDS, agree, trial_inputs


def shared_front(model: nn.Module, example: torch.Tensor) -> str | None:
    """Name of the device layer up to which instances side by side may share one pass, or None if there is none.

    example: at least one input. It is tried on a small batch: a network that carries a tensor around its first device
    layer (a skip connection) fails there, or gives other outputs than with repeated input. The model, in the mode it is
    in, serves one instance afterwards, the one of before.
    """
    inputs = trial_inputs(example)
    first = _first_called(model, inputs)
    with torch.inference_mode():
        try:
            apart = members(model, SEEDS)(inputs.repeat_interleave(len(SEEDS), 0))
            same = agree(members(model, SEEDS, first)(inputs), apart)
        except Exception:  # a network's own code may fail on another number of rows in any way
            return None
        finally:
            members(model, ())
    return first if same else None


def _first_called(model: nn.Module, inputs: torch.Tensor) -> str | None:
    """By order of calls, which need not be that of the modules."""
    called: list[str] = []
    members(model, SEEDS[:1])  # the layers' own noise stays where it is
    hooks = [
        layer.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, layer in device_layers(model).items()
    ]
    try:
        with torch.inference_mode():
            model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
        members(model, ())
    return called[0] if called else None
