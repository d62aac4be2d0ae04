"""A training whose outcome is kept: done once, taken from its file afterwards."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from spinloom.learning.progress import Report, bar
from spinloom.learning.weights import load_weights, save_weights


def train_once(model: nn.Module, path: Path, title: str, run: Callable[[Path, Report], object]) -> bool:
    """Load the weights at `path`, or train and write them there; returns whether it was trained now.

    run: called as run(checkpoint, report), trains `model` in place; the checkpoint lies beside `path` until all is
    done, so that a killed training goes on. title: of the progress bar. Raises OutputError.
    """
    if path.exists():
        load_weights(model, path)
        return False
    checkpoint = path.with_suffix(".checkpoint")
    with bar(title) as report:
        run(checkpoint, report)
    save_weights(model.cpu(), path)
    checkpoint.unlink(missing_ok=True)
    return True
