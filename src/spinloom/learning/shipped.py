"""Weights that describe themselves, and the small trained networks that come with Spinloom.

A safetensors file says in its header (key "spinloom": {"format", "version", "sha256"} and the fields of `Shipped`, save
bytes and digest) which network it is for and how it was made; the checksum is over everything, since safetensors would
not notice a flipped bit. `spinloom weights` lists what is shipped, `benchmarks/shipped.py` makes those files again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import nn

from spinloom import __version__
from spinloom.errors import InputError, unknown_name
from spinloom.files import write_bytes
from spinloom.identity import add_tensors, read_exactly
from spinloom.learning.deep_networks import densenet, resnet20
from spinloom.learning.networks import count_parameters, fashion_cnn, mlp
from spinloom.learning.weights import load_weights, own_tensors, read_tensors

BUILDERS: Mapping[str, Callable[..., nn.Sequential]]
BUILDERS = {"fashion_cnn": fashion_cnn, "mlp": mlp, "resnet20": resnet20, "densenet": densenet}
"""Networks by the name in the header."""
FOLDER = Path(__file__).parent / "checkpoints"
ENDING = ".safetensors"
FORMAT, VERSION, KEY = "spinloom-weights", 1, "spinloom"


@dataclass(frozen=True)
class Shipped:
    """What a file of weights is and how it was made.

    name: of the file, without ending. network, arguments: name of the builder and what it is called with.
    dataset: name in the catalogue of data sets. accuracy: correct share (0 to 1) of its whole test split, in software.
    seed, command: of the training. spinloom: version that wrote the file. parameters: trainable weights and biases.
    bytes: size of the file. digest: SHA-256 of all of the above but bytes, and of the tensors.
    """

    name: str
    network: str
    arguments: Mapping[str, Any]
    dataset: str
    accuracy: float
    seed: int
    command: str
    spinloom: str
    parameters: int
    bytes: int
    digest: str


def names() -> list[str]:
    """The shipped checkpoints, sorted."""
    return sorted(file.stem for file in FOLDER.glob(f"*{ENDING}"))


def path(name: str) -> Path:
    """The file of a shipped checkpoint. Raises InputError for an unknown name, with the nearest known one."""
    if name not in names():
        raise unknown_name("shipped checkpoint", name, names())
    return FOLDER / f"{name}{ENDING}"


def describe(name: str) -> Shipped:
    """What a shipped checkpoint is and how it was made. Raises InputError: unknown name, damaged file."""
    return _described(path(name), _require_header(path(name)))


def load(name: str) -> nn.Sequential:
    """The trained network, on the CPU, in evaluation mode: input (n, *image), scaled as `Scaling.of` its data set.

    Raises InputError: unknown name, damaged file (the SHA-256 in its header is checked).
    """
    return load_described(path(name))


def resolve_weights(given: str | Path) -> Path:
    """The file that is meant: one that exists, else the shipped checkpoint of that name. Raises InputError."""
    file = Path(given).expanduser()
    if file.is_file():
        return file
    if str(given) in names():
        return path(str(given))
    raise InputError(f"no weights file at {given}, and {unknown_name('shipped checkpoint', str(given), names())}")


def weights_for(given: str | Path, dataset: str) -> Path:
    """`resolve_weights`, for networks of one data set. Raises InputError, also for weights described as of another."""
    file = resolve_weights(given)
    described = read_description(file)
    if described:
        require_dataset(described, dataset)
    return file


def require_dataset(described: Shipped, dataset: str) -> None:
    """Raise InputError if the weights were trained on another data set."""
    if described.dataset != dataset:
        raise InputError(
            f"the weights {described.name} were trained on {described.dataset}, the data set is {dataset}; add "
            f"`--dataset {described.dataset}` (`spinloom data fetch {described.dataset}` brings it), or other weights"
        )


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
    built = _built(network, arguments).state_dict()
    if {name: tensor.shape for name, tensor in built.items()} != {name: one.shape for name, one in tensors.items()}:
        raise InputError(f"{network} with {dict(arguments)} has other tensors than the model; give what built it")
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "name": path.stem, "network": network}
    header |= {"arguments": dict(arguments), "dataset": dataset, "accuracy": accuracy, "seed": seed}
    header |= {"command": command, "spinloom": __version__, "parameters": count_parameters(model)}
    header["sha256"] = _checksum(header, tensors)
    write_bytes(path, to_bytes(tensors, metadata={KEY: json.dumps(header)}))
    return _described(path, header)


def read_description(path: Path) -> Shipped | None:
    """The description in a file, None if it has none (other weights). The tensors are not read, nor checked.

    Raises InputError if the description is incomplete or of a newer version.
    """
    header = _read_header(path)
    return None if header is None else _described(path, header)


def load_described(path: Path) -> nn.Sequential:
    """The network with its weights, in evaluation mode. Raises InputError if the file is damaged or of another kind."""
    header = _require_header(path)
    described = _described(path, header)
    if _checksum(header, read_tensors(path)) != described.digest:
        raise _damaged(path, "its checksum differs")
    model = _built(described.network, described.arguments)
    load_weights(model, path)
    return model.eval()


def _built(network: str, arguments: Mapping[str, Any]) -> nn.Sequential:
    if network not in BUILDERS:
        raise unknown_name("network", network, BUILDERS)
    try:
        return BUILDERS[network](**arguments)
    except TypeError as error:
        raise InputError(f"{network} cannot be built with {dict(arguments)}: {error}") from error


def _read_header(path: Path) -> dict[str, Any] | None:
    """The header, None where there is none that can be read. Raises InputError if it is of a newer version."""
    try:
        with safe_open(path, framework="pt") as file:
            header = read_exactly((file.metadata() or {}).get(KEY, "{}"))
    except (OSError, SafetensorError, ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        return None
    if header.get("version") != VERSION:
        raise InputError(
            f"{path} has weights format version {header.get('version')}, this Spinloom reads {VERSION}; "
            "read it with the Spinloom that wrote it"
        )
    return header


def _require_header(path: Path) -> dict[str, Any]:
    header = _read_header(path)
    if header is None:
        raise _damaged(path, "it has no description that can be read")
    return header


def _described(path: Path, header: Mapping[str, Any]) -> Shipped:
    """The header as a `Shipped`. Raises InputError if it is incomplete."""
    known = {field.name: header.get(field.name) for field in fields(Shipped)}
    known |= {"bytes": path.stat().st_size, "digest": header.get("sha256")}
    lacking = [name for name, value in known.items() if value is None]
    arguments = known["arguments"]
    if lacking or not isinstance(arguments, dict):
        raise _damaged(path, f"its description lacks {', '.join(lacking or ['arguments'])}")
    known["arguments"] = {name: _frozen(value) for name, value in arguments.items()}
    return Shipped(**known)  # type: ignore[arg-type]


def _damaged(path: Path, reason: str) -> InputError:
    """The error for a file that is not as it was written."""
    return InputError(f"{path} is damaged: {reason}; copy the file again (a shipped one: install Spinloom again)")


def _checksum(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the header without its own checksum, and of every tensor's name, type, shape and bytes."""
    described = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    add_tensors(digest, dict(sorted(tensors.items())))
    return digest.hexdigest()


def _frozen(value: Any) -> Any:
    """JSON has lists where Python had tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
