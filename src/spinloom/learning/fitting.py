"""Train a network, in software or on devices: AdamW or SGD with a one-cycle rate, resumable at any moment.

lightning-fabric carries the loop: CPU, one GPU, several GPUs, mixed precision (see `Compute`).
"""

from pathlib import Path

from torch import nn

from spinloom.data import ImageSet
from spinloom.learning.checkpoint import Parts, claim
from spinloom.learning.checks import require_trainable
from spinloom.learning.compute import ON_CPU, Compute
from spinloom.learning.identity import parts_of
from spinloom.learning.loop import Job
from spinloom.learning.objectives import Labels, Objective
from spinloom.learning.processes import run_in_processes
from spinloom.learning.training import BeforeStep, Training
from spinloom.progress import Report, silent

__all__ = ["Training", "fit"]

SAVE_EVERY = 60.0
"""s between checkpoints within an epoch."""


def fit(
    model: nn.Module,
    train: ImageSet,
    training: Training,
    checkpoint: Path | str | None = None,
    report: Report = silent,
    *,
    objective: Objective | None = None,
    before_step: BeforeStep | None = None,
    compute: Compute = ON_CPU,
    save_every: float = SAVE_EVERY,
) -> list[float]:
    """Train `model` in place and return the mean loss of each epoch.

    Parameters that need no gradient stay as they are. The model may contain devices: their own slopes carry the
    gradient back, and their instance and noise are part of the checkpoint. A model in evaluation mode is put into
    training mode; parts in evaluation mode of a model in training mode (a frozen norm, say) stay so.

    checkpoint: a file written after each epoch and every `save_every` seconds within; where it belongs to this very
        training (settings, first weights, code, devices, images, labels, objective with its teacher, `before_step`,
        number of processes and precision), the run goes on from it and ends with the same weights to the bit (same
        machine and threads). One of another training is kept as NAME.old, with a SpinloomWarning that says in what
        they differ; a damaged one is replaced, with a warning.
    objective: what is minimised, by default cross-entropy with `training.smoothing`. What it changes of itself is in
        the checkpoint if it is a module with that in its state dict.
    before_step: changes the model on its way, see `BeforeStep`.
    compute: for several devices everything must be picklable, a bar of its own is shown in place of `report`, and see
        `Compute` for what the processes share.
    One device: the model stays where it was trained, on the GPU say; several: it comes back to the CPU. PyTorch's
    global random state is left as it was. Raises InputError if there are fewer images than one batch, if a batch cannot
    be shared among the devices, if network, images, labels and objective do not fit together, if the loss is not
    finite, or for a checkpoint path that holds something else, which stays as it is; OutputError where no checkpoint
    can be written.
    """
    objective = Labels(training.smoothing) if objective is None else objective
    require_trainable(model, train, training, compute, save_every)
    fabric = compute.fabric()
    if not model.training:
        model.train()
    path = None if checkpoint is None else Path(checkpoint)
    parts: Parts = {}
    state = None
    if path is not None:
        parts = parts_of(model, train, training, objective, before_step, compute)
        state = claim(path, parts)
    job = Job(model, train, training, objective, before_step, save_every, path, parts, state)
    return job.run(fabric, report) if compute.devices == 1 else run_in_processes(fabric, job)
