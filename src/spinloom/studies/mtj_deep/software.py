"""The deep network in software: from scratch, from a ReLU network, or from a file."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.learning import (
    Compute,
    Distillation,
    Slide,
    Sliding,
    densenet,
    fit,
    load_weights,
    read_tensors,
    replace_activations,
    resnet20,
    train_once,
)
from spinloom.nn import ChannelAffine
from spinloom.progress import Report
from spinloom.quantities import duration
from spinloom.studies.kit.stages import Stages
from spinloom.studies.mtj_deep.plan import Plan
from spinloom.studies.mtj_deep.settings import Settings
from spinloom.studies.mtj_transfer.software import Software, ready


def build(settings: Settings, plan: Plan, train: ImageSet, order: str = "pre") -> nn.Sequential:
    """An untrained network for these images. order: of a ResNet's blocks."""
    image, classes = train.shape, len(train.classes)
    if settings.network == "densenet":
        return densenet(image, classes, plan.growth, plan.layers, seed=settings.seed)
    return resnet20(image, classes, plan.width, plan.blocks, order, settings.seed)


def given(path: Path, settings: Settings, plan: Plan, train: ImageSet) -> Software:
    """Trained weights from a file; a ResNet's order of blocks shows in its names. Raises InputError."""
    order = "post" if "bn1.weight" in read_tensors(path) else "pre"
    network = build(settings, plan, train, order)
    load_weights(network, path)
    return ready(network, f"weights from {path.name}")


def trained(settings: Settings, plan: Plan, train: ImageSet, stages: Stages) -> Software:
    """Train, or take up a training where an earlier run was killed. Raises OutputError."""
    training = plan.training(train.name, len(train), settings.seed, settings.start is not None)
    start = _start(settings)
    kept = {**asdict(training), "network": settings.network, "width": plan.width, "blocks": plan.blocks}
    kept |= {"growth": plan.growth, "layers": plan.layers, "start": start, "images": len(train)}
    compute = Compute(settings.accelerator, settings.devices, settings.precision)
    kept |= compute.identity
    path = stages.path("network", kept, ".safetensors")
    origin = f"trained here, {training.epochs} epochs of {len(train):,} images"
    origin += f" from {settings.start.name}" if settings.start else ""
    network = build(settings, plan, train, "post" if settings.start else "pre")

    def run(checkpoint: Path, report: Report) -> None:
        if settings.start is None:
            fit(network, train, training, checkpoint, report, compute=compute)
            return
        teacher = _teacher(settings, plan, train, network)
        replace_activations(network, nn.Tanh, Sliding)
        objective, slide = Distillation(teacher), Slide()
        fit(network, train, training, checkpoint, report, objective=objective, before_step=slide, compute=compute)
        replace_activations(network, Sliding, nn.Tanh)

    began = perf_counter()
    now = train_once(path, network, "training in software", run)
    return ready(network, f"{origin}, {duration(perf_counter() - began) if now else 'in an earlier run'}")


def _start(settings: Settings) -> str | None:
    """What distinguishes one start from another; None without. Raises InputError for a file that cannot be read."""
    if settings.start is None:
        return None
    read_tensors(settings.start)  # says in one line what is wrong with the file
    content = hashlib.sha256(settings.start.read_bytes()).hexdigest()
    pixels = (settings.start_mean, settings.start_std)
    return content if pixels == (Settings.start_mean, Settings.start_std) else f"{content} {pixels}"


def _teacher(settings: Settings, plan: Plan, train: ImageSet, network: nn.Sequential) -> nn.Module:
    """The ReLU network of the start file for inputs scaled as ours; its weights are put into `network` too."""
    assert settings.start is not None
    tensors = {name.removeprefix("module."): tensor for name, tensor in read_tensors(settings.start).items()}
    relu = build(settings, plan, train, "post")
    for model in (relu, network):
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            wrong = " ".join(str(error).split())[:300]
            raise InputError(f"{settings.start} does not fit a ResNet-20 for {train.name}: {wrong}") from error
    replace_activations(relu, nn.Tanh, nn.ReLU)
    ours, theirs = (torch.tensor([train.mean, train.std]), torch.tensor([settings.start_mean, settings.start_std]))
    rescale = ChannelAffine(ours[1] / theirs[1], (ours[0] - theirs[0]) / theirs[1])
    return nn.Sequential(rescale, relu)
