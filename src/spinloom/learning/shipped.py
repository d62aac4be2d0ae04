"""Weights in files, those that describe themselves, and the small trained networks that come with Spinloom.

A file is safetensors or a PyTorch state dict, read as data, never as code. The header of one that describes itself (key
"spinloom": {"format", "version", "sha256"} and the fields of `Shipped`, save bytes and digest) says what it is; the
checksum is over everything, since safetensors would not notice a flipped bit.
"""

import copy
import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from spinloom import __version__
from spinloom.errors import InputError, unknown_name
from spinloom.files import write_bytes, write_text
from spinloom.identity import add_tensors, read_exactly
from spinloom.learning.networks import count_parameters, densenet, fashion_cnn, mlp, resnet20
from spinloom.nn import device_layers
from spinloom.progress import Report, bar

BUILDERS: Mapping[str, Callable[..., nn.Sequential]]
BUILDERS = {"fashion_cnn": fashion_cnn, "mlp": mlp, "resnet20": resnet20, "densenet": densenet}
"""Networks by the name in the header."""
FOLDER = Path(__file__).parent / "checkpoints"
ENDING = ".safetensors"
FORMAT, VERSION, KEY = "spinloom-weights", 1, "spinloom"
_NESTED = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts commonly keep the state dict in a larger checkpoint."""
_SEAL = ".sha256"


@dataclass(frozen=True)
class Shipped:
    """What a file of weights is and how it was made.

    name: of the file, without ending. network, arguments: name of the builder and what it is called with. accuracy:
    correct share (0 to 1) of the data set's whole test split, in software. seed, command: of the training. spinloom:
    version that wrote the file. parameters: trainable weights and biases. bytes: size of the file. digest: SHA-256 of
    all of the above but bytes, and of the tensors.
    """

    name: str
    network: str
    arguments: Mapping[str, Any]
    dataset: str
    accuracy: float
    seed: int
    command: str
    spinloom: str
    parameters: int
    bytes: int
    digest: str


def names() -> list[str]:
    """The shipped checkpoints, sorted. `spinloom weights` lists them, `benchmarks/shipped.py` makes them again."""
    return sorted(file.stem for file in FOLDER.glob(f"*{ENDING}"))


def path(name: str) -> Path:
    """The file of a shipped checkpoint. Raises InputError for an unknown name, with the nearest known one."""
    if name not in names():
        raise unknown_name("shipped checkpoint", name, names())
    return FOLDER / f"{name}{ENDING}"


def describe(name: str) -> Shipped:
    """What a shipped checkpoint is and how it was made. Raises InputError: unknown name, damaged file."""
    return _described(path(name), _read_header(path(name)))


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
    if described and described.dataset != dataset:
        wanted = described.dataset
        other = f"the weights {described.name} were trained on {wanted}, the data set is {dataset}"
        remedy = f"add `--dataset {wanted}` (`spinloom data fetch {wanted}` brings it), or other weights"
        raise InputError(f"{other}; {remedy}")
    return file


def write(
    path: Path,
    model: nn.Module,
    *,
    network: str,
    arguments: Mapping[str, Any],
    dataset: str,
    accuracy: float,
    seed: int,
    command: str,
) -> Shipped:
    """Write the weights of `model`, which is BUILDERS[network](**arguments), with their description.

    The file appears whole or not at all; its stem is the name. Raises InputError if network and arguments do not build
    a network with these tensors, or the accuracy is not in 0..1; OutputError if the file cannot be written.
    """
    if not 0 <= accuracy <= 1:
        raise InputError(f"accuracy is a share from 0 to 1, got {accuracy:g}")
    tensors = own_tensors(model)
    built = _built(network, arguments).state_dict()
    if {name: tensor.shape for name, tensor in built.items()} != {name: one.shape for name, one in tensors.items()}:
        raise InputError(f"{network} with {dict(arguments)} has other tensors than the model; give what built it")
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "name": path.stem, "network": network}
    header |= {"arguments": dict(arguments), "dataset": dataset, "accuracy": accuracy, "seed": seed}
    header |= {"command": command, "spinloom": __version__, "parameters": count_parameters(model)}
    header["sha256"] = _checksum(header, tensors)
    write_bytes(path, to_bytes(tensors, metadata={KEY: json.dumps(header)}))
    return _described(path, header)


def read_description(path: Path) -> Shipped | None:
    """The description in a file, None if it has none (other weights). The tensors are not read, nor checked.

    Raises InputError if the description is incomplete or of a newer version.
    """
    header = _read_header(path)
    return _described(path, header) if header else None


def load_described(path: Path) -> nn.Sequential:
    """The network with its weights, in evaluation mode. Raises InputError if the file is damaged or of another kind."""
    header = _read_header(path)
    described = _described(path, header)
    if _checksum(header, read_tensors(path)) != described.digest:
        raise _damaged(path, "its checksum differs")
    model = _built(described.network, described.arguments)
    load_weights(model, path)
    return model.eval()


def _built(network: str, arguments: Mapping[str, Any]) -> nn.Sequential:
    if network not in BUILDERS:
        raise unknown_name("network", network, BUILDERS)
    try:
        return BUILDERS[network](**arguments)
    except TypeError as error:
        raise InputError(f"{network} cannot be built with {dict(arguments)}: {error}") from error


def _read_header(path: Path) -> dict[str, Any]:
    """The header, empty where there is none that can be read. Raises InputError if it is of a newer version."""
    try:
        with safe_open(path, framework="pt") as file:
            header = read_exactly((file.metadata() or {}).get(KEY, "{}"))
    except (OSError, SafetensorError, ValueError, RecursionError):
        return {}
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        return {}
    if header.get("version") != VERSION:
        other = f"{path} has weights format version {header.get('version')}, this Spinloom reads {VERSION}"
        raise InputError(f"{other}; read it with the Spinloom that wrote it")
    return header


def _described(path: Path, header: Mapping[str, Any]) -> Shipped:
    """The header as a `Shipped`. Raises InputError if it is empty or incomplete."""
    if not header:
        raise _damaged(path, "it has no description that can be read")
    known: dict[str, Any] = {field.name: header.get(field.name) for field in fields(Shipped)}
    known |= {"bytes": path.stat().st_size, "digest": header.get("sha256")}
    lacking = [name for name, value in known.items() if value is None]
    if lacking or not isinstance(known["arguments"], dict):
        raise _damaged(path, f"its description lacks {', '.join(lacking or ['arguments'])}")
    known["arguments"] = {name: _frozen(value) for name, value in known["arguments"].items()}
    return Shipped(**known)


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is damaged: {reason}; copy the file again (a shipped one: install Spinloom again)")


def _checksum(header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of the header without its own checksum, and of every tensor's name, type, shape and bytes."""
    described = {name: value for name, value in header.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    add_tensors(digest, dict(sorted(tensors.items())))
    return digest.hexdigest()


def _frozen(value: Any) -> Any:
    """JSON has lists where Python had tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


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
    wanted = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(devices)}
    found = {name for name in tensors if not name.startswith(devices)}
    missing, extra = sorted(wanted.keys() - found), sorted(found - wanted.keys())
    if missing or extra:
        problem = f"lacks {missing[0]!r}" if missing else f"has {extra[0]!r}, which the network has not"
        few = ", ".join([*wanted][:12]) + (f", ... ({len(wanted)} in all)" if len(wanted) > 12 else "")
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


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a safetensors or state-dict file. Raises InputError for anything else."""
    if not path.is_file():
        raise InputError(f"no weights file at {path}; give a .safetensors or state-dict file")
    try:
        with warnings.catch_warnings(action="ignore"):  # about pickle protocols; what counts is said below
            with path.open("rb") as file:
                is_safetensors = file.read(9)[8:] == b"{"  # by content: 8 bytes of length, then a JSON object
            loaded = load_file(path) if is_safetensors else torch.load(path, "cpu", weights_only=True)
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
    write_text(path.with_suffix(_SEAL), hashlib.sha256(path.read_bytes()).hexdigest())


def is_whole(path: Path) -> bool:
    """Whether weights are there as `keep` wrote them."""
    seal = path.with_suffix(_SEAL)
    there = path.exists() and seal.exists()
    return there and seal.read_bytes() == hashlib.sha256(path.read_bytes()).hexdigest().encode()
