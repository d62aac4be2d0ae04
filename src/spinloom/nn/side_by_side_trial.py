"""A small trial of whether instances of one network can stand side by side in a batch."""

import torch
from torch import nn

from spinloom.nn.layers import members

IMAGES, SEEDS = 3, (0, 1)
"""Of the trial; as 2 does not divide 3, a second branch from the same input fails on it."""
_TOLERANCE = 1e-3
"""Of the largest output: what other batch sizes may do to rounding."""


def can_stand_side_by_side(model: nn.Module, example: torch.Tensor) -> bool:
    """Whether each instance of `layers.members` gives there what it gives alone.

    Not where a network mixes the rows of a batch (batch norm without running statistics) or gives its device layers
    other rows than one for each input (frames folded into the batch, sequences with the time first).
    example: at least one input. The model, in the mode it is in, serves one instance afterwards, the one of before.
    """
    inputs = trial_inputs(example)
    with torch.inference_mode():
        try:
            together = members(model, SEEDS)(inputs.repeat_interleave(len(SEEDS), 0))
            alone = [members(model, [seed])(inputs) for seed in SEEDS]
            return agree(together, torch.stack(alone, 1).flatten(0, 1))
        except Exception:  # a network's own code may fail on another number of rows in any way
            return False
        finally:
            members(model, ())


def trial_inputs(example: torch.Tensor) -> torch.Tensor:
    return example[torch.arange(IMAGES) % len(example)]


def agree(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two outputs are the same but for rounding."""
    return torch.allclose(one, other, rtol=0, atol=_TOLERANCE * float(other.abs().max()), equal_nan=True)
