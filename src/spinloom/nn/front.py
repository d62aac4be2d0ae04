"""The part of a network in front of its first device layer, which instances side by side can share."""

import torch
from torch import nn

from spinloom.nn.layers import device_layers, members

_IMAGES, _SEEDS = 3, (0, 1)
"""Of the trial; as 2 does not divide 3, a second branch from the same input fails on it."""
_TOLERANCE = 1e-3
"""Of the largest output: what other batch sizes may do to rounding."""


def shared_front(model: nn.Module, example: torch.Tensor) -> str | None:
    """Name of the device layer up to which instances side by side may share one pass, or None if there is none.

    example: at least one input. It is tried on a small batch: a network that carries a tensor around its first device
    layer (a skip connection) fails there, or gives other outputs than with repeated input. The model, in the mode it is
    in, serves one instance afterwards, the one of before.
    """
    first = _first_called(model, example)
    inputs = example[torch.arange(_IMAGES) % len(example)]
    with torch.inference_mode():
        try:
            apart = members(model, _SEEDS)(inputs.repeat_interleave(len(_SEEDS), 0))
            together = members(model, _SEEDS, first)(inputs)
            same = torch.allclose(together, apart, rtol=0, atol=_TOLERANCE * float(apart.abs().max()), equal_nan=True)
        except Exception:  # a network's own code may fail on another number of rows in any way
            return None
        finally:
            members(model, ())
    return first if same else None


def _first_called(model: nn.Module, example: torch.Tensor) -> str | None:
    """By order of calls, which need not be that of the modules."""
    called: list[str] = []
    members(model, _SEEDS[:1])  # the layers' own noise stays where it is
    hooks = [
        layer.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, layer in device_layers(model).items()
    ]
    try:
        with torch.inference_mode():
            model(example[:1])
    finally:
        for hook in hooks:
            hook.remove()
        members(model, ())
    return called[0] if called else None
