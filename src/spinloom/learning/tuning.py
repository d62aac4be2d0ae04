"""What of a network on devices is trained, and on which devices."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from spinloom.errors import InputError, require_count
from spinloom.nn import resample


@contextmanager
def only_last_layer(model: nn.Module) -> Iterator[nn.Module]:
    """Within the block only the last layer with weights (of those that have any) learns; afterwards all is as before.

    Yields that layer. Batch norms still follow their inputs while the model trains. Raises InputError if no linear or
    convolution layer is there.
    """
    weighted = [module for module in model.modules() if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)]
    if not weighted:
        raise InputError(f"{type(model).__name__} has no linear or convolution layer to train")
    before = {parameter: parameter.requires_grad for parameter in model.parameters()}
    try:
        model.requires_grad_(False)
        weighted[-1].requires_grad_(True)
        yield weighted[-1]
    finally:
        for parameter, learnt in before.items():
            parameter.requires_grad_(learnt)
            if not learnt:
                parameter.grad = None


class FreshInstances:
    """Noise-aware training: a `before_step` of `fit` that fabricates a new instance of all devices every few steps.

    The weights then learn to serve any instance, not one. every: steps between instances. seed: of the instances.
    Raises InputError for every < 1.
    """

    def __init__(self, every: int = 1, seed: int = 0) -> None:
        require_count(every=every)
        self.every, self.seed = every, seed

    def __call__(self, model: nn.Module, step: int, steps: int) -> None:
        if step % self.every == 0:
            resample(model, self.seed * 1_000_003 + step)
