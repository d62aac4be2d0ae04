"""Share of images a network classifies correctly."""

from dataclasses import dataclass

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError, require_count
from spinloom.learning import Scaling
from spinloom.nn import kept_modes

BATCH = 100
"""Images per forward pass. Larger ones are slower: the allocator gives their memory back and asks for it again."""


@dataclass(frozen=True)
class Examples:
    """Test images as the network takes them, converted once. inputs: (n, ...) float32. labels: (n,) int64.

    Raises InputError without images, or for another number of labels.
    """

    inputs: torch.Tensor
    labels: torch.Tensor

    def __post_init__(self) -> None:
        if not 0 < len(self.inputs) == len(self.labels):
            given = f"{len(self.inputs)} images and {len(self.labels)} labels"
            raise InputError(f"examples are at least one image, each with its label, got {given}")

    @classmethod
    def of(cls, data: ImageSet) -> "Examples":
        """All images of a split, scaled as in training."""
        return cls(Scaling.of(data)(data.images), data.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Examples":
        """The first `count` examples (all, if there are fewer)."""
        return Examples(self.inputs[:count], self.labels[:count])


def accuracy(model: nn.Module, examples: Examples, batch: int = BATCH) -> float:
    """Correct share in 0..1, in evaluation mode, which is left again; devices stay noisy, as `eval()` keeps them.

    Raises InputError if the network's outputs are not finite, or for a batch < 1.
    """
    require_count(batch=batch)
    correct = 0
    with kept_modes(model), torch.inference_mode():
        model.eval()
        for inputs, labels in zip(examples.inputs.split(batch), examples.labels.split(batch), strict=True):
            logits = model(inputs)
            if not bool(logits.isfinite().all()):
                raise InputError("the network's outputs are not finite; check its weights and the response")
            correct += int((logits.argmax(1) == labels).sum())
    return correct / len(examples)
