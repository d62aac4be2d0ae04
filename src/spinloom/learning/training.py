"""Settings of a training."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from spinloom.errors import InputError, as_whole, require_count, require_non_negative, require_positive
from spinloom.learning.augmentation import Augmentation


def require_share(**quantities: float) -> None:
    """Raise InputError unless every quantity is in 0 to 1."""
    for name, quantity in quantities.items():
        if not 0 <= quantity <= 1:  # NaN is in no range
            raise InputError(f"{name} must be in 0 to 1, got {quantity:g}")


BeforeStep = Callable[[nn.Module, int, int], None]
"""Called as before_step(model, step, steps of the whole training) before each step; its only memory is the step."""


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    epochs: passes over the images. batch: images per step. rate: peak of the one-cycle learning rate.
    optimiser: "adam" (AdamW) or "sgd" (Nesterov momentum 0.9). weight_decay: as PyTorch's optimisers use it.
    smoothing: label smoothing, 0 to 1. seed: order of the images, augmentation and dropout.
    """

    epochs: int = 8
    batch: int = 128
    rate: float = 2e-3
    optimiser: str = "adam"
    weight_decay: float = 0.05
    smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0

    def __post_init__(self) -> None:
        require_count(epochs=self.epochs, batch=self.batch)
        if as_whole(self.seed) is None:
            raise InputError(f"seed must be a whole number, got {self.seed!r}")
        require_positive("", rate=self.rate)
        require_non_negative("", weight_decay=self.weight_decay)
        require_share(smoothing=self.smoothing)
        if self.optimiser not in ("adam", "sgd"):
            raise InputError(f"optimiser must be 'adam' or 'sgd', got {self.optimiser!r}")
