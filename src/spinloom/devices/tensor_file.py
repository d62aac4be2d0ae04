"""Files of tensors: safetensors with a header of ours in JSON, read as data, never as code.

The header stands under the key "spinloom": {"format", "version", what the kind adds, "sha256"}. The checksum is ours,
as safetensors itself would not notice a flipped bit.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from spinloom.errors import InputError
from spinloom.files import write_bytes
from spinloom.identity import add_tensors, read_exactly

KEY = "spinloom"
Made = TypeVar("Made")


def as_path(given: Any) -> Path:
    """Raises InputError for what is no path."""
    try:
        return Path(given)
    except TypeError as error:
        raise InputError(f"a path must be a text or a pathlib.Path, got {short(given)}") from error


@dataclass(frozen=True)
class TensorFile:
    """One kind of file. versions: names of the tensors in each, oldest first; the last is written."""

    kind: str
    versions: Mapping[int, tuple[str, ...]]

    @property
    def _remedy(self) -> str:
        return f"save the {self.kind} again with spinloom.devices.save_{self.kind}"

    def write(self, path: str | Path, tensors: Mapping[str, torch.Tensor], **header: Any) -> None:
        """Whole or not at all. Raises OutputError."""
        # a fresh copy each: safetensors refuses tensors that share memory, as expanded rows and views do
        plain = {name: one.detach().cpu().contiguous().clone() for name, one in tensors.items()}
        full = {"format": f"spinloom-{self.kind}", "version": max(self.versions), **header}
        full["sha256"] = _digest(full, plain)
        write_bytes(as_path(path), to_bytes(plain, metadata={KEY: json.dumps(full)}))

    def read(self, path: str | Path, make: Callable[[dict[str, torch.Tensor], dict[str, Any]], Made]) -> Made:
        """What `make` makes of the tensors, on the CPU, bit for bit, and the header.

        Raises InputError naming the file: absent, truncated, damaged, of another format or a newer version, and what
        `make` refuses.
        """
        place, remedy = as_path(path), self._remedy
        try:
            with safe_open(place, framework="pt") as file:
                text = (file.metadata() or {}).get(KEY, "{}")
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            header = read_exactly(text)
        except OSError as error:
            reason = error.strerror or " ".join(str(error).split())
            raise InputError(f"cannot read {path}: {reason}; check the path") from error
        except (SafetensorError, ValueError, RecursionError) as error:
            raise InputError(f"{path} is truncated, damaged or no safetensors file; {remedy}") from error
        if not isinstance(header, dict) or header.get("format") != f"spinloom-{self.kind}":
            said = f"its header does not say 'spinloom-{self.kind}'"
            raise InputError(f"{path} is not a Spinloom {self.kind}: {said}; {remedy}")
        version = header.get("version")
        wanted = self.versions.get(version) if isinstance(version, int) else None
        if wanted is None:
            known = " to ".join(str(one) for one in sorted({min(self.versions), max(self.versions)}))
            found = f"{path} has {self.kind} format version {version}, this Spinloom reads {known}"
            raise InputError(f"{found}; read it with the Spinloom that wrote it")
        if set(tensors) != set(wanted):
            raise InputError(f"{path} holds {sorted(tensors)}, expected {sorted(wanted)}; {remedy}")
        tensors = {name: tensors[name] for name in wanted}
        if header.pop("sha256", None) != _digest(header, tensors):
            raise InputError(f"{path} is damaged: its checksum differs; {remedy}")
        try:
            return make(tensors, header)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path} has an incomplete header ({error!r}); {remedy}") from error


def _digest(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    add_tensors(digest, tensors)
    return digest.hexdigest()
