"""The file that holds the state of a training, so that a killed run goes on: written whole, read as data only.

A line that says what it is, a line of JSON with the parts of the training, a line with the SHA-256 of all that follows
and of the parts, then what `torch.save` made of the state.
"""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

from spinloom.errors import InputError, OutputError, SpinloomWarning
from spinloom.files import write_bytes
from spinloom.identity import read_exactly

HEAD = b"Spinloom checkpoint 1\n"

Parts = Mapping[str, str]
"""What a training consists of: the value or the fingerprint of each part by its name."""


def write(path: Path, parts: Parts, state: bytes) -> None:
    """Write a checkpoint of the training with these parts. Raises OutputError."""
    line = json.dumps(dict(parts)).encode()
    write_bytes(path, b"\n".join([HEAD[:-1], line, _checksum(line, state), state]))


def claim(path: Path, parts: Parts) -> bytes | None:
    """The state that a checkpoint of this very training holds; None where the training starts anew.

    Afterwards `path` may be written to: a checkpoint of another training is kept as NAME.old, with a SpinloomWarning
    that says in what they differ; a damaged one is warned about and left. Raises InputError for a folder or a file that
    is no checkpoint, OutputError if nothing can be written there; such a file stays as it is.
    """
    _require_place(path)
    if not path.exists():
        return None
    _require_checkpoint(path)
    try:
        found, state = _read(path)
    except ValueError:
        again = "it will be replaced and the training starts anew"
        warnings.warn(f"the checkpoint {path} is damaged; {again}", SpinloomWarning, stacklevel=3)
        return None
    if found == dict(parts):
        return state
    _keep_aside(path, sorted(name for name in {*found, *parts} if found.get(name) != parts.get(name)))
    return None


def _read(path: Path) -> tuple[dict[str, str], bytes]:
    """Raises ValueError for a damaged file."""
    head, line, checksum, state = (*path.read_bytes().split(b"\n", 3), b"", b"", b"")[:4]
    if head != HEAD[:-1] or checksum != _checksum(line, state):
        raise ValueError("checksum")
    return read_exactly(line.decode()), state


def _checksum(line: bytes, state: bytes) -> bytes:
    digest = hashlib.sha256(line)
    digest.update(state)
    return digest.hexdigest().encode()


def _require_place(path: Path) -> None:
    try:
        if path.exists() and not path.is_file():  # /dev/null would be replaced by a file
            raise InputError(f"the checkpoint {path} is a folder or a device; give the name of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write the checkpoint {path}: {reason}; choose another place") from error


def _require_checkpoint(path: Path) -> None:
    """A file without content, or of zeros alone, is what a failing machine leaves: nothing is lost with it."""
    try:
        with path.open("rb") as file:
            start = file.read(len(HEAD))
        empty = not start.strip(b"\0") and not path.read_bytes().strip(b"\0")
    except OSError as error:
        raise InputError(f"cannot read the checkpoint {path}: {error.strerror}; give another name") from error
    if not empty and not HEAD.startswith(start):
        raise InputError(
            f"{path} is no checkpoint of this version of Spinloom and stays as it is; give another name or remove it"
        )


def _keep_aside(path: Path, differences: list[str]) -> None:
    old = path.with_name(f"{path.name}.old")
    replaced = ""
    if old.exists():
        _require_checkpoint(old)
        replaced = " in the place of an earlier one"
    os.replace(path, old)
    warnings.warn(
        f"the checkpoint {path} belongs to another training, which differs in {', '.join(differences)}; "
        f"it is kept as {old.name}{replaced}, and this training starts anew",
        SpinloomWarning,
        stacklevel=4,
    )
