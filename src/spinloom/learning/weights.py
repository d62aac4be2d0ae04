"""Weights in files: safetensors or a PyTorch state dict, read as data, never as code; and trainings that are kept."""

import copy
import hashlib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from spinloom import identity
from spinloom.errors import InputError
from spinloom.files import write_bytes, write_text
from spinloom.nn import device_layers
from spinloom.progress import Report, bar

_NESTED = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts commonly keep the state dict in a larger checkpoint."""
_SHOWN = 12
"""Names of tensors in an error."""
_SEAL = ".sha256"


def save_weights(path: Path, model: nn.Module) -> None:
    """Write all weights as safetensors, atomically. Raises OutputError."""
    write_bytes(path, to_bytes(own_tensors(model)))


def own_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """The state dict on the CPU, each tensor with memory of its own: safetensors refuses tied weights otherwise."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}


def load_weights(model: nn.Module, path: Path) -> None:
    """Load weights into `model`, every key and shape matching; device layers take what their states may hold.

    Raises InputError naming the first mismatch; the model then is as before.
    """
    tensors, devices = read_tensors(path), tuple(name and name + "." for name in device_layers(model))
    wanted, found = (
        {name: tensor for name, tensor in all_of.items() if not name.startswith(devices)}
        for all_of in (model.state_dict(), tensors)
    )
    missing = sorted(wanted.keys() - found.keys())
    extra = sorted(found.keys() - wanted.keys())
    if missing or extra:
        problem = f"lacks {missing[0]!r}" if missing else f"has {extra[0]!r}, which the network has not"
        few = ", ".join([*wanted][:_SHOWN]) + (f", ... ({len(wanted)} in all)" if len(wanted) > _SHOWN else "")
        raise InputError(f"{path} {problem}; the network's tensors are {few}")
    for name, tensor in tensors.items():
        if name in wanted and tensor.shape != wanted[name].shape:
            raise InputError(f"{path}: {name} is {tuple(tensor.shape)}, the network needs {tuple(wanted[name].shape)}")
        if not bool(tensor.isfinite().all()):
            raise InputError(f"{path}: {name} holds NaN or infinity; train or export the weights again")
    if devices:  # which may refuse their part
        try:
            copy.deepcopy(model).load_state_dict(tensors)
        except (InputError, RuntimeError) as error:
            raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    model.load_state_dict(tensors)


def digest(model: nn.Module) -> str:
    """SHA-256 of all weights and buffers, for telling one trained network from another."""
    return identity.digest(dict(model.state_dict()))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a safetensors or state-dict file. Raises InputError for anything else."""
    if not path.is_file():
        raise InputError(f"no weights file at {path}; give a .safetensors or state-dict file")
    try:
        with warnings.catch_warnings(action="ignore"):  # about pickle protocols; what counts is said below
            loaded = load_file(path) if _is_safetensors(path) else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # bytes that are no such file, a text say, make the readers fail in any way
        raise InputError(f"{path} is not a whole safetensors or state-dict file; save tensors only") from error
    for key in _NESTED:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(isinstance(t, torch.Tensor) for t in loaded.values()):
        raise InputError(f"{path} holds no state dict (names to tensors); save model.state_dict()")
    return dict(loaded)


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
    write_text(path.with_suffix(_SEAL), _file_digest(path))


def is_whole(path: Path) -> bool:
    """Whether weights are there as `keep` wrote them."""
    seal = path.with_suffix(_SEAL)
    return path.exists() and seal.exists() and seal.read_bytes() == _file_digest(path).encode()


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_safetensors(path: Path) -> bool:
    """By content, not by name: 8 bytes of length, then a JSON object."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"
