"""A training whose outcome is kept: done once, taken from its file afterwards."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from torch import nn

from spinloom.files import write_text
from spinloom.learning.weights import load_weights, save_weights
from spinloom.progress import Report, bar


def train_once(path: Path, model: nn.Module, title: str, run: Callable[[Path, Report], object]) -> bool:
    """Load the weights at `path`, or train and write them there; returns whether it was trained now.

    run: called as run(checkpoint, report), trains `model` in place; the checkpoint lies beside `path` until all is
    done, so that a killed training goes on. title: of the progress bar. Weights that are not as `keep` wrote them are
    trained again. Raises OutputError.
    """
    if is_whole(path):
        load_weights(model, path)
        return False
    checkpoint = path.with_suffix(".checkpoint")
    with bar(title) as report:
        run(checkpoint, report)
    keep(path, model.cpu())
    checkpoint.unlink(missing_ok=True)
    return True


def keep(path: Path, model: nn.Module) -> None:
    """Write the weights, and their SHA-256 beside them. Raises OutputError."""
    save_weights(path, model)
    write_text(_seal(path), _digest(path))


def is_whole(path: Path) -> bool:
    """Whether weights are there as `keep` wrote them."""
    return path.exists() and _seal(path).exists() and _seal(path).read_bytes() == _digest(path).encode()


def _seal(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
