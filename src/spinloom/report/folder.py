"""The folder a study writes into: its own, found to be writable before the long work."""

import json
import os
from pathlib import Path

from spinloom.errors import InputError
from spinloom.files import write_text


def reserve(out: Path, study: str, command: str) -> Path:
    """Keep the command in the folder of stages, which is returned. study: its name.

    Raises InputError if `out` holds a result or stages of another study, OutputError if it cannot be written.
    """
    _require_own(out / "result.json", study)
    stages = out / ".cache"
    _require_free(stages / "command.txt", study)
    write_text(stages / "command.txt", f"{command}\n")
    return stages


def _require_free(path: Path, study: str) -> None:
    """A run that has no result yet, killed or still at work, has left its command."""
    words = path.read_text(errors="replace").split() if os.path.isfile(path) else []
    if words[:2] == ["spinloom", "run"] and words[2:3] != [study]:
        other = " ".join(words[2:3])
        raise InputError(f"{path.parent} holds stages of {other}; give {study} another --out")


def _require_own(path: Path, study: str) -> None:
    if not os.path.exists(path):  # unlike Path.exists, false for a place that cannot be looked at: writing says why
        return
    try:
        found = json.loads(path.read_bytes())
        name = found["name"] if {"name", "claims", "versions"} <= found.keys() else None
    except (OSError, ValueError, AttributeError):
        name = None
    if name != study:
        what = "no result of Spinloom" if name is None else f"a result of {name}"
        raise InputError(
            f"{path} is {what}, which {study} would replace; choose another --out, for example {path.parent / study}"
        )
