"""Train a network, in software or on devices: AdamW or SGD with a one-cycle rate, resumable at any moment.

lightning-fabric carries the loop: CPU, one GPU, several GPUs, mixed precision (see `Compute`).
"""

import io
from functools import partial
from pathlib import Path

import torch
from torch import nn

from spinloom.data.imageset import ImageSet
from spinloom.errors import InputError
from spinloom.learning.compute import ON_CPU, Compute
from spinloom.learning.loop import Job, share
from spinloom.learning.objectives import Labels, Objective
from spinloom.learning.progress import Report, silent
from spinloom.learning.training import BeforeStep, Training

__all__ = ["Training", "fit"]

SAVE_EVERY = 60.0
"""s between checkpoints within an epoch."""


def fit(
    model: nn.Module,
    train: ImageSet,
    training: Training,
    checkpoint: Path | None = None,
    report: Report = silent,
    *,
    objective: Objective | None = None,
    before_step: BeforeStep | None = None,
    compute: Compute = ON_CPU,
    save_every: float = SAVE_EVERY,
) -> list[float]:
    """Train `model` in place and return the mean loss of each epoch.

    Parameters that need no gradient stay as they are. The model may contain devices: their own slopes carry the
    gradient back, and their instance and noise are part of the checkpoint.

    checkpoint: a file written after each epoch and every `save_every` seconds within; where it belongs to this very
        training (settings, first weights, devices, images, labels, objective with its teacher, `before_step`), the run
        goes on from it and ends with the same weights to the bit (same machine, threads and `compute`).
    objective: what is minimised, by default cross-entropy with `training.smoothing`.
    before_step: changes the model on its way, see `BeforeStep`; must be picklable for several devices.
    One device: the model stays where it was trained, on the GPU say; several: it comes back to the CPU. The global
    random state of the CPU is left as it was, that of GPUs is not. Raises InputError if there are fewer images than one
    batch, if a batch cannot be shared among the devices, or the loss is not finite.
    """
    if len(train) < training.batch:
        raise InputError(f"{len(train.images)} images are fewer than one batch of {training.batch}")
    if training.batch % compute.devices:
        raise InputError(f"a batch of {training.batch} cannot be shared evenly among {compute.devices} devices")
    fabric = compute.fabric()
    job = Job(model, train, training, checkpoint, objective or Labels(training.smoothing), before_step, save_every)
    if compute.devices == 1:
        return job.run(fabric, report)
    state, losses = fabric.launch(partial(share, job=job))
    model.load_state_dict(torch.load(io.BytesIO(state), "cpu", weights_only=True))
    return losses
