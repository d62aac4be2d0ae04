"""From a network trained with ReLU to one with tanh: the activation is changed gradually while training goes on.

Most published weights belong to ReLU networks, and devices are tanh-like. Swapping the activation at once destroys such
a network; sliding from one function to the other (a homotopy) carries what it has learnt across.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError


class Sliding(nn.Module):
    """(1 - share) ReLU(x) + share tanh(x), any shape; share 0 is ReLU, 1 is tanh."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.share >= 1:
            return torch.tanh(x)
        return F.relu(x) if self.share <= 0 else torch.lerp(F.relu(x), torch.tanh(x), self.share)

    def extra_repr(self) -> str:
        return f"share={self.share:g}"


class Slide:
    """A `before_step` of `fit` that moves every `Sliding` from ReLU to tanh during the first part of the training.

    part: share of all steps that the way takes, evenly. Raises InputError for a part outside 0 to 1.
    """

    def __init__(self, part: float = 0.3) -> None:
        if not 0 <= part <= 1:
            raise InputError(f"part must be in 0 to 1, got {part}")
        self.part = part

    def __call__(self, model: nn.Module, step: int, steps: int) -> None:
        share = min(1.0, step / (self.part * steps)) if self.part else 1.0
        for module in model.modules():
            if isinstance(module, Sliding):
                module.share = share


def replace_activations(model: nn.Module, kind: type[nn.Module], make: Callable[[], nn.Module]) -> nn.Module:
    """Put a new module of `make` in the place of every module of type `kind`, in the model itself; returns it.

    A module under several names becomes one for each. Weights and names stay. Raises InputError if there is none.
    """
    places = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent._modules.items()  # all names, also of one module that has several
        if isinstance(child, kind)
    ]
    if not places:
        raise InputError(f"{type(model).__name__} has no {kind.__name__} to replace")
    for parent, name in places:
        setattr(parent, name, make().train(getattr(parent, name).training))
    return model
