"""Weights that describe themselves: a safetensors file that says which network they are for and how they were made."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes
from torch import nn

from spinloom import __version__
from spinloom.errors import InputError, unknown_name
from spinloom.files import write_bytes
from spinloom.learning.deep_networks import densenet, resnet20
from spinloom.learning.networks import count_parameters, fashion_cnn, mlp
from spinloom.learning.weights import load_weights, own_tensors, read_tensors
from spinloom.learning.weights_description import (
    FORMAT,
    KEY,
    VERSION,
    Shipped,
    checksum,
    damaged,
    describe_header,
    read_header,
)

BUILDERS: Mapping[str, Callable[..., nn.Sequential]] = {
    "fashion_cnn": fashion_cnn,
    "mlp": mlp,
    "resnet20": resnet20,
    "densenet": densenet,
}
"""Networks by the name in the header."""


def write(
    path: Path,
    model: nn.Module,
    *,
    network: str,
    arguments: Mapping[str, Any],
    dataset: str,
    accuracy: float,
    seed: int,
    command: str,
) -> Shipped:
    """Write the weights of `model`, which is BUILDERS[network](**arguments), with their description.

    The file appears whole or not at all; its stem is the name. Raises InputError if network and arguments do not build
    a network with these tensors, or the accuracy is not in 0..1; OutputError if the file cannot be written.
    """
    if not 0 <= accuracy <= 1:
        raise InputError(f"accuracy is a share from 0 to 1, got {accuracy:g}")
    tensors = own_tensors(model)
    if _shapes(_built(network, arguments).state_dict()) != _shapes(tensors):
        raise InputError(
            f"{network} with {dict(arguments)} has other tensors than the model; give what it was built by"
        )
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": path.stem,
        "network": network,
        "arguments": dict(arguments),
        "dataset": dataset,
        "accuracy": accuracy,
        "seed": seed,
        "command": command,
        "spinloom": __version__,
        "parameters": count_parameters(model),
    }
    header["sha256"] = checksum(header, tensors)
    write_bytes(path, to_bytes(tensors, metadata={KEY: json.dumps(header)}))
    return describe_header(path, header)


def read_description(path: Path) -> Shipped | None:
    """The description in a file, None if it has none (other weights). The tensors are not read, nor checked.

    Raises InputError if the description is incomplete or of a newer version.
    """
    header = read_header(path)
    return None if header is None else describe_header(path, header)


def load_described(path: Path) -> nn.Sequential:
    """The network with its weights, in evaluation mode. Raises InputError if the file is damaged or of another kind."""
    header = read_header(path)
    if header is None:
        raise damaged(path, "it has no description that can be read")
    described = describe_header(path, header)
    if checksum(header, read_tensors(path)) != described.digest:
        raise damaged(path, "its checksum differs")
    model = _built(described.network, described.arguments)
    load_weights(model, path)
    model.eval()
    return model


def _built(network: str, arguments: Mapping[str, Any]) -> nn.Sequential:
    if network not in BUILDERS:
        raise unknown_name("network", network, BUILDERS)
    try:
        return BUILDERS[network](**arguments)
    except TypeError as error:
        raise InputError(f"{network} cannot be built with {dict(arguments)}: {error}") from error


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}
