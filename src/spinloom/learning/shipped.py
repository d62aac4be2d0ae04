"""Small trained networks that come with Spinloom, so that deployed accuracy is seen without training.

    names()                  what there is (on the command line: `spinloom weights`)
    describe(name)           network, data set, accuracy, seed and command of one
    load(name)               the network with its weights, checked
    path(name)               its file
    resolve_weights(given)   a file, or the name of one of these
    weights_for(given, dataset)  the same, refused if it says that it is of another data set
    write(path, model, ...)  such a file of your own

`benchmarks/shipped.py` makes the files again.
"""

from pathlib import Path

from torch import nn

from spinloom.errors import InputError, unknown_name
from spinloom.learning.described_weights import BUILDERS, load_described, read_description, write
from spinloom.learning.weights_description import Shipped, damaged

__all__ = [
    "BUILDERS",
    "Shipped",
    "describe",
    "load",
    "load_described",
    "names",
    "path",
    "read_description",
    "require_dataset",
    "resolve_weights",
    "weights_for",
    "write",
]

FOLDER = Path(__file__).parent / "checkpoints"
ENDING = ".safetensors"


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
    found = read_description(path(name))
    if found is None:
        raise damaged(path(name), "it has no description that can be read")
    return found


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
