"""Train a network, in software or on devices: AdamW or SGD with a one-cycle rate, resumable at any moment.

lightning-fabric carries the loop: CPU, one GPU, several GPUs, mixed precision (see `Compute`).
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError, require_positive
from spinloom.identity import digest, package, versions
from spinloom.learning.checkpoint import Parts, claim
from spinloom.learning.images import Scaling
from spinloom.learning.loop import Job, run_in_processes
from spinloom.learning.networks import count_parameters
from spinloom.learning.settings import ON_CPU, BeforeStep, Compute, Labels, Objective, Training
from spinloom.nn import device_layers
from spinloom.progress import Report, silent

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
    _require_trainable(model, train, training, compute, save_every)
    fabric = compute.fabric()
    if not model.training:
        model.train()
    path = None if checkpoint is None else Path(checkpoint)
    parts: Parts = {}
    state = None
    if path is not None:
        parts = _parts(model, train, training, objective, before_step, compute)
        state = claim(path, parts)
    job = Job(model, train, training, objective, before_step, save_every, path, parts, state)
    return job.run(fabric, report) if compute.devices == 1 else run_in_processes(fabric, job)


def _parts(
    model: nn.Module, train: ImageSet, training: Training, objective: Any, before_step: Any, compute: Compute
) -> Parts:
    """What the training consists of, all that decides its outcome, as it is before the first step."""
    layers = device_layers(model)
    settings = {**asdict(training), "processes": compute.devices, "precision": compute.precision}
    scaling = {"mean": train.mean, "deviation": train.std}
    parameters = f"{type(model).__qualname__} of {count_parameters(model):,} trained parameters"
    return {
        **{name: repr(value) for name, value in {**settings, **scaling}.items()},
        "images": f"{len(train)} of {train.shape}, {train.name}, {digest(train.images)}",
        "labels": digest(train.labels),
        "network": f"{parameters}, {digest(model, apart=layers.values())}",
        "devices": f"{', '.join(layers) or 'none'}, {digest(layers)}",
        "objective": f"{_named(objective)}, {digest(objective, apart=[model])}",
        "before_step": f"{_named(before_step)}, {digest(before_step, apart=[model])}",
        "source of Spinloom": package(),
        **versions(),
    }


def _named(thing: Any) -> str:
    return getattr(thing, "__qualname__", None) or ("none" if thing is None else type(thing).__qualname__)


def _require_trainable(
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
