"""The network in software: trained here, or from the user's file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.learning.images import MIRRORED, Augmentation
from spinloom.learning.networks import fashion_cnn, fashion_cnn_like
from spinloom.learning.settings import Training
from spinloom.learning.shipped import load_described, read_description, require_dataset, resolve_weights
from spinloom.learning.transfer import replace_activations
from spinloom.learning.weights import digest, load_weights, read_tensors
from spinloom.nn import ChannelAffine


@dataclass(frozen=True)
class Software:
    """network: trained, in evaluation mode. origin: how it came about, in words. digest: of its weights."""

    network: nn.Module
    origin: str
    digest: str

    @classmethod
    def of(cls, network: nn.Module, origin: str) -> "Software":
        """A trained network, put in evaluation mode and the layout that convolutions are fastest with."""
        network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, origin, digest(network))


def read_software(weights: Path, train: ImageSet) -> Software:
    """The user's weights in a network of this family, or a shipped checkpoint (by file or name) in its own network.

    Raises InputError if there are none, they do not fit, or a checkpoint is of another data set than `train`.
    """
    path = resolve_weights(weights)
    described = read_description(path)
    if described:
        require_dataset(described, train.name)
        origin = f"shipped weights {described.name}" if path != weights else f"weights from {path}"
        return Software.of(load_described(path), origin)
    network = fashion_cnn_like(read_tensors(path), train.shape, len(train.classes))
    load_weights(network, path)
    return Software.of(network, f"weights from {path}")


def plan_software(train: ImageSet, size: Any, seed: int) -> tuple[nn.Sequential, Training]:
    """An untrained network for these images and its training.

    size: channels, hidden, dropout of the network; images_seen, repeats counted, and most_epochs for small data sets.
    Images are mirrored where that keeps their meaning.
    """
    network = fashion_cnn(train.shape, len(train.classes), size.channels, size.hidden, size.dropout, seed)
    epochs = min(max(round(size.images_seen / len(train)), 1), size.most_epochs)
    mirrored = Augmentation(flip=train.name in MIRRORED)
    return network, Training(epochs=epochs, batch=min(128, len(train)), augmentation=mirrored, seed=seed)


def read_relu_teacher(
    path: Path, relu: nn.Module, network: nn.Module, train: ImageSet, pixels: tuple[Sequence[float], Sequence[float]]
) -> nn.Module:
    """A trained ReLU network for inputs that are scaled as `train` is; its weights are put into `network` too.

    path: its weights. relu: a network of its kind, whose tanh become ReLU. pixels: mean and standard deviation, by
    channel, of the pixels (0 to 1) that it was trained with. Raises InputError for weights that do not fit.
    """
    tensors = {name.removeprefix("module."): tensor for name, tensor in read_tensors(path).items()}
    for model in (relu, network):
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            wrong = " ".join(str(error).split())[:300]
            raise InputError(f"{path} does not fit this network for {train.name}: {wrong}") from error
    replace_activations(relu, nn.Tanh, nn.ReLU)
    ours, theirs = torch.tensor([train.mean, train.std]), torch.tensor(pixels)
    return nn.Sequential(ChannelAffine(ours[1] / theirs[1], (ours[0] - theirs[0]) / theirs[1]), relu)
