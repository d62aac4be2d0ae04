"""What a training asks of its network, images and objective, said before the work or at its first step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError, SpinloomError, require_positive
from spinloom.learning.compute import Compute
from spinloom.learning.objectives import Distillation, Labels
from spinloom.learning.pixels import Scaling
from spinloom.learning.training import Training


def require_trainable(
    model: nn.Module, train: ImageSet, training: Training, compute: Compute, save_every: float
) -> None:
    """Raise InputError for what no training can begin with."""
    if len(train) < training.batch:
        raise InputError(f"{len(train)} images are fewer than one batch of {training.batch}")
    if training.batch % compute.devices:
        raise InputError(f"a batch of {training.batch} cannot be shared evenly among {compute.devices} devices")
    require_positive("s", save_every=save_every)
    Scaling.of(train)
    if any(isinstance(parameter, nn.parameter.UninitializedParameter) for parameter in model.parameters()):
        raise InputError("the network has weights without a shape; call it once with an example input before fit")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError("the network has no parameter to train; set requires_grad of some")
    for name, parameter in model.named_parameters():
        if not bool(parameter.isfinite().all()):
            raise InputError(f"{name} of the network holds NaN or infinity; start from other weights")


def require_classes(objective: Any, logits: torch.Tensor, train: ImageSet) -> None:
    """Raise InputError if the network has fewer outputs than an objective that compares them with labels needs."""
    if not isinstance(objective, Labels | Distillation):
        return
    largest = int(train.labels.max())
    if logits.ndim != 2 or logits.shape[1] <= largest:
        raise InputError(
            f"labels of {train.name!r} go up to {largest}, the network gives outputs {tuple(logits.shape)}; "
            f"it must give (batch, classes) with more than {largest} classes"
        )


def require_loss(loss: Any) -> None:
    """Raise InputError for a loss that is not one number, or that no weight has a part in."""
    if not isinstance(loss, torch.Tensor) or loss.ndim:
        given = f"a tensor {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise InputError(f"the objective must return one number as a tensor (), got {given}; take the mean, say")
    if not loss.requires_grad:
        raise InputError("the loss does not depend on any weight that is trained; is it detached, or all frozen?")


def require_gradients(model: nn.Module) -> None:
    """Raise InputError for a weight that is trained but has no part in the loss: processes wait for its gradient."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            raise InputError(
                f"{name} of the network has no part in the loss, which several processes cannot share; "
                f"freeze it with requires_grad_(False) or train on one device"
            )


@contextmanager
def explained(what: str, remedy: str) -> Iterator[None]:
    """Say what was given where the user's own code, or PyTorch in it, refuses it. Raises InputError."""
    try:
        yield
    except (SpinloomError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"{what}: {' '.join(str(error).split())}; {remedy}") from error
