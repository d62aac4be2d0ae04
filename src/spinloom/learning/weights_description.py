"""What a file of weights says about itself: the JSON header of a safetensors file, with a checksum over everything.

The header key "spinloom" holds {"format", "version", "sha256"} and the fields of `Shipped`, save bytes and digest.
safetensors itself would not notice a flipped bit.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from spinloom.errors import InputError
from spinloom.identity import add_tensors, read_exactly

FORMAT, VERSION = "spinloom-weights", 1
KEY = "spinloom"


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


def read_header(path: Path) -> dict[str, Any] | None:
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


def describe_header(path: Path, header: Mapping[str, Any]) -> Shipped:
    """The header as a `Shipped`. Raises InputError if it is incomplete."""
    known = {field.name: header.get(field.name) for field in fields(Shipped)}
    known |= {"bytes": path.stat().st_size, "digest": header.get("sha256")}
    lacking = [name for name, value in known.items() if value is None]
    arguments = known["arguments"]
    if lacking or not isinstance(arguments, dict):
        raise damaged(path, f"its description lacks {', '.join(lacking or ['arguments'])}")
    known["arguments"] = {name: _frozen(value) for name, value in arguments.items()}
    return Shipped(**known)  # type: ignore[arg-type]


def damaged(path: Path, reason: str) -> InputError:
    """The error for a file that is not as it was written."""
    return InputError(f"{path} is damaged: {reason}; copy the file again (a shipped one: install Spinloom again)")


def checksum(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the header without its own checksum, and of every tensor's name, type, shape and bytes."""
    described = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    add_tensors(digest, dict(sorted(tensors.items())))
    return digest.hexdigest()


def _frozen(value: Any) -> Any:
    """JSON has lists where Python had tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
