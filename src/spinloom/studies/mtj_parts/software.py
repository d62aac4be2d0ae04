"""The network in software: trained here, or from the user's file."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.learning import (
    digest,
    fashion_cnn,
    fashion_cnn_like,
    fit,
    load_described,
    load_weights,
    read_description,
    read_tensors,
    require_dataset,
    resolve_weights,
    train_once,
)
from spinloom.quantities import duration
from spinloom.studies.mtj_parts.plan import Plan, training_of
from spinloom.studies.mtj_parts.stages import Stages


@dataclass(frozen=True)
class Software:
    """network: trained, in evaluation mode. origin: how it came about, in words. digest: of its weights."""

    network: nn.Module
    origin: str
    digest: str


def given(weights: Path, train: ImageSet) -> Software:
    """The user's weights in a network of this family, or a shipped checkpoint (by file or name) in its own network.

    Raises InputError if there are none, they do not fit, or a checkpoint is of another data set than `train`.
    """
    path = resolve_weights(weights)
    described = read_description(path)
    if described:
        require_dataset(described, train.name)
        origin = f"shipped weights {described.name}" if path != weights else f"weights from {path}"
        return ready(load_described(path), origin)
    network = fashion_cnn_like(read_tensors(path), train.shape, len(train.classes))
    load_weights(network, path)
    return ready(network, f"weights from {path}")


def trained(train: ImageSet, plan: Plan, seed: int, stages: Stages) -> Software:
    """Train, or take up a training where an earlier run was killed. Raises OutputError."""
    training = training_of(plan, train, seed)
    network = fashion_cnn(train.shape, len(train.classes), plan.channels, plan.hidden, plan.dropout, seed)
    settings = {**asdict(training), "channels": plan.channels, "hidden": plan.hidden, "dropout": plan.dropout}
    path = stages.path("network", settings, ".safetensors")
    origin = f"trained here, {training.epochs} epochs of {len(train):,} images"
    started = perf_counter()
    now = train_once(path, network, "training the software network", partial(fit, network, train, training))
    return ready(network, f"{origin}, {duration(perf_counter() - started) if now else 'in an earlier run'}")


def ready(network: nn.Module, origin: str) -> Software:
    """A trained network in evaluation mode and the layout that convolutions are fastest with."""
    network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Software(network, origin, digest(network))
