"""What decides a run, as plain data that JSON can hold: two runs with equal descriptions follow the same trajectory."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

from spinloom.errors import InputError

_SHOWN = 8
"""Tensors of so many elements are written out; of larger ones the SHA-256 is kept."""
_MOST = 3


def described(value: Any, name: str = "it") -> Any:
    """Numbers, names and lists as they are, tensors by type, shape and content, objects by class and attributes.

    Functions are known by their name only. Raises InputError for an object whose content cannot be seen.
    """
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        value = torch.as_tensor(value)
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, tuple | list):
        return [described(part, f"{name}[{k}]") for k, part in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): described(part, f"{name}.{key}") for key, part in value.items()}
    if callable(value) and hasattr(value, "__qualname__"):
        return {"function": f"{value.__module__}.{value.__qualname__}"}
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "__dict__"):
        parts = vars(value)
    else:
        raise InputError(
            f"{name} is a {type(value).__name__}, whose content cannot be compared when the run is resumed; use a "
            "frozen dataclass of numbers and tensors"
        )
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return {"class": kind} | {key: described(part, f"{name}.{key}") for key, part in parts.items()}


def _tensor(value: torch.Tensor) -> dict[str, Any]:
    value = value.detach().cpu().contiguous()
    kind = {"tensor": f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"}
    if value.numel() <= _SHOWN:
        return kind | {"values": value.tolist()}
    content = value.reshape(-1).view(torch.uint8).numpy()
    return kind | {"sha256": hashlib.sha256(content.tobytes()).hexdigest()}


def as_json(settings: dict[str, Any]) -> str:
    """Text from which `json.loads` gives back every number to the bit."""
    return json.dumps(settings, indent=1)


def differences(before: Any, now: Any) -> str:
    """The first few settings that differ, for a message; "" where all are equal."""
    found = [f"{name}: {_brief(a)} in the file, {_brief(b)} now" for name, a, b in _different(before, now, "")]
    return "; ".join(found[:_MOST]) + (f"; and {len(found) - _MOST} more" if len(found) > _MOST else "")


def _different(before: Any, now: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        for key in before:
            yield from _different(before[key], now[key], f"{name}.{key}".removeprefix("."))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for k, (a, b) in enumerate(zip(before, now, strict=True)):
            yield from _different(a, b, f"{name}[{k}]")
    elif _without_place(before) != _without_place(now):
        yield name, before, now


def _without_place(value: Any) -> Any:
    """The name of a class or function of this package without its file, which may move from version to version."""
    return re.sub(r"^spinloom\.(\w+\.)*", "", value) if isinstance(value, str) else value


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("class", value.get("function", value.get("tensor", "other entries")))
    elif isinstance(value, list):
        value = f"{len(value)} entries"
    return str(value) if len(str(value)) < 60 else f"{str(value)[:57]}..."
