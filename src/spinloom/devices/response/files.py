"""Responses on disk: safetensors, whose header describes the rest in JSON and carries a checksum.

The header key "spinloom" holds {"format", "version", "unit_drive", "drive_unit", "metadata", "sha256"}; the
tensors are drive, value, slope, noise and slope_noise, which version 1 had not. safetensors itself would not notice a
flipped bit.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from spinloom.devices.response.response import Response, as_path
from spinloom.errors import InputError
from spinloom.files import write_bytes
from spinloom.identity import add_tensors, read_exactly

FORMAT, VERSION = "spinloom-response", 2
KEY = "spinloom"
TENSORS = ("drive", "value", "slope", "noise", "slope_noise")
_OF_VERSION = {1: TENSORS[:-1], 2: TENSORS}
REMEDY = "save the response again with spinloom.devices.save_response"


def save_response(path: str | Path, response: Response) -> None:
    """Write a response to a .safetensors file, whole or not at all. Raises OutputError, InputError for what is none."""
    if not isinstance(response, Response):
        raise InputError(f"only a Response can be saved, got {response!r}; simulate or read one")
    # a fresh copy each: safetensors refuses tensors that share memory, as expanded rows and views do
    tensors = {name: getattr(response, name).detach().cpu().contiguous().clone() for name in TENSORS}
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "unit_drive": response.unit_drive}
    header |= {"drive_unit": response.drive_unit, "metadata": dict(response.metadata)}
    header["sha256"] = _digest(header, tensors)
    write_bytes(as_path(path), to_bytes(tensors, metadata={KEY: json.dumps(header)}))


def load_response(path: str | Path) -> Response:
    """Read what `save_response` wrote, on the CPU, tensors bit for bit.

    Raises InputError naming the file: absent, truncated, damaged, of another format or a newer version.
    """
    header, tensors = _read(as_path(path))
    if header.get("format") != FORMAT:
        raise InputError(f"{path} is not a Spinloom response: its header does not say {FORMAT!r}; {REMEDY}")
    wanted = _OF_VERSION.get(header.get("version"))  # type: ignore[arg-type]
    if wanted is None:
        raise InputError(
            f"{path} has response format version {header.get('version')}, this Spinloom reads 1 to {VERSION}; "
            "read it with the Spinloom that wrote it"
        )
    if set(tensors) != set(wanted):
        raise InputError(f"{path} holds {sorted(tensors)}, expected {sorted(wanted)}; {REMEDY}")
    claimed = header.pop("sha256", None)
    if claimed != _digest(header, tensors):
        raise InputError(f"{path} is damaged: its checksum differs; {REMEDY}")
    try:
        return Response(
            **tensors,
            unit_drive=float(header["unit_drive"]),
            drive_unit=str(header["drive_unit"]),
            metadata={str(key): str(text) for key, text in header["metadata"].items()},
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} has an incomplete header ({error!r}); {REMEDY}") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY, "{}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        header = read_exactly(text)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise InputError(f"cannot read {path}: {reason}; check the path") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is truncated, damaged or no safetensors file; {REMEDY}") from error
    if not isinstance(header, dict):
        raise InputError(f"{path} is not a Spinloom response: its header is no JSON object; {REMEDY}")
    return header, tensors


def _digest(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    add_tensors(digest, {name: tensors[name] for name in TENSORS if name in tensors})
    return digest.hexdigest()
