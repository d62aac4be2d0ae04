"""State of a training on disk, so that a killed run goes on: written whole, read as data only."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spinloom.digests import add_tensors
from spinloom.files import write_bytes


def fingerprint(settings: Mapping[str, Any], model: nn.Module, data: Mapping[str, torch.Tensor], *parts: Any) -> str:
    """A name for this training, of all that decides its outcome.

    settings: plain values. model: as it starts, buffers and devices included. data: images and labels. parts: what else
    takes part (objective, what is done before a step): modules by their description and tensors, others by their
    class and attributes, functions by name.
    """
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True, default=str).encode())
    for tensors in (model.state_dict(), data, *(_tensors(part) for part in parts)):
        add_tensors(digest, tensors)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    digest.update("; ".join((repr(model), *trained, *map(_described, parts))).encode())
    return digest.hexdigest()


def _tensors(part: Any) -> Mapping[str, torch.Tensor]:
    return part.state_dict() if isinstance(part, nn.Module) else {}


def _described(part: Any) -> str:
    if isinstance(part, nn.Module):
        return repr(part)
    name = getattr(part, "__qualname__", type(part).__qualname__)
    return f"{name} {sorted(vars(part).items()) if hasattr(part, '__dict__') else part}"


class Snapshot:
    """Binds a checkpoint file to a model, optimiser and schedule. Without a path it does nothing."""

    def __init__(self, path: Path | None, key: str, model: nn.Module, optimiser: Any, schedule: Any) -> None:
        self._path, self._key = path, key
        self.write = True
        self._parts = {"model": model, "optimiser": optimiser, "schedule": schedule}

    def store(self, losses: list[float], within: Mapping[str, Any] | None = None) -> None:
        """Write the present state; within: that of an unfinished epoch. Raises OutputError."""
        if self._path is None or not self.write:
            return
        state = {name: part.state_dict() for name, part in self._parts.items()}
        content = io.BytesIO()  # torch.save reports a full disk as a RuntimeError of its own
        torch.save({"key": self._key, "losses": losses, "within": dict(within or {}), **state}, content)
        write_bytes(self._path, content.getvalue())

    def restore(self) -> tuple[list[float], dict[str, Any]]:
        """Load the state if it belongs to this training.

        Returns the losses of the epochs so far, [] for a fresh start, and what was stored of an unfinished epoch.
        """
        if self._path is None or not self._path.exists():
            return [], {}
        try:
            saved = torch.load(self._path, "cpu", weights_only=True)  # may have been written on a GPU
        except Exception:  # in whatever way: a checkpoint that cannot be read costs time, never the run
            return [], {}
        if not isinstance(saved, dict) or saved.get("key") != self._key:
            return [], {}
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        return list(saved["losses"]), dict(saved.get("within", {}))
