"""Teacher and student for a data set."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.learning import count_parameters, fashion_cnn, fit, load_weights, read_tensors, resnet20, train_once
from spinloom.studies.mtj_distillation.plan import Plan
from spinloom.studies.mtj_parts.stages import Stages


def teacher(train: ImageSet, plan: Plan, seed: int) -> nn.Module:
    """The large network, untrained."""
    classes = len(train.classes)
    if train.shape[0] == 3:
        return resnet20(train.shape, classes, plan.teacher_width, plan.blocks, seed=seed)
    return fashion_cnn(train.shape, classes, plan.teacher_channels, plan.teacher_hidden, plan.teacher_dropout, seed)


def student(train: ImageSet, plan: Plan, seed: int) -> nn.Module:
    """The small network, untrained: at most a quarter of the teacher's parameters."""
    classes = len(train.classes)
    if train.shape[0] == 3:
        return resnet20(train.shape, classes, plan.student_width, plan.blocks, seed=seed)
    return fashion_cnn(train.shape, classes, plan.student_channels, plan.student_hidden, 0.0, seed)


def trained_teacher(train: ImageSet, plan: Plan, seed: int, stages: Stages, given: Path | None) -> nn.Module:
    """From the file, or trained here. Raises InputError for weights that do not fit, OutputError."""
    model = teacher(train, plan, seed)
    if given is not None:
        model = _like(model, given, train, plan)
        load_weights(model, given)
        return _ready(model)
    training = plan.teaching(train, seed)
    sizes = {"network": repr(model), "images": len(train)}
    path = stages.path("teacher", {**asdict(training), **sizes}, ".safetensors")
    train_once(path, model, "training the teacher", partial(fit, model, train, training))
    return _ready(model)


def _like(model: nn.Module, given: Path, train: ImageSet, plan: Plan) -> nn.Module:
    """A residual teacher in the order of blocks of the file."""
    if train.shape[0] != 3:
        return model
    order = "post" if "bn1.weight" in read_tensors(given) else "pre"
    return resnet20(train.shape, len(train.classes), plan.teacher_width, plan.blocks, order)


def _ready(model: nn.Module) -> nn.Module:
    return model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def require_quarter(large: nn.Module, small: nn.Module) -> None:
    """Raise InputError if the student has more than a quarter of the teacher's parameters."""
    many, few = count_parameters(large), count_parameters(small)
    if 4 * few > many:
        raise InputError(f"the student has {few:,} parameters, more than a quarter of the teacher's {many:,}")
