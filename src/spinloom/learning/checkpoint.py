"""The state of a training on disk, so that a killed run goes on: written whole, read as data only.

A line that says what it is, a line of JSON with the parts of the training, a line with the SHA-256 of all that follows
and of the parts, then what `torch.save` made of the state.
"""

import hashlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spinloom.errors import InputError, OutputError, SpinloomWarning
from spinloom.files import write_bytes
from spinloom.identity import read_exactly
from spinloom.nn import device_layers

if TYPE_CHECKING:
    from lightning_fabric import Fabric

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


@dataclass
class Snapshot:
    """Binds a checkpoint to what a training changes. Without a path it does nothing.

    All processes of a training store and restore together: weights, optimiser, schedule and precision are common;
    buffers, states of devices, generators and of the objective are each one's own.
    """

    path: Path | None
    parts: Parts
    every: float
    fabric: "Fabric"
    model: nn.Module
    objective: Any
    common: Mapping[str, Any]
    """What has a state besides the model, the same in all processes, by name."""
    _saved: float = field(default_factory=monotonic)

    def due(self) -> bool:
        """Whether `every` seconds have passed since the last one; the first process's clock counts for all."""
        return self.path is not None and self.fabric.broadcast(monotonic() - self._saved >= self.every)

    def store(self, losses: list[float], within: Mapping[str, Any] | None = None) -> None:
        """Write the present state; within: that of an unfinished epoch. Raises OutputError."""
        if self.path is None:
            return
        own = self._gathered(packed(self._own(within or {})))
        if self.fabric.is_global_zero:
            common = {name: part.state_dict() for name, part in self.common.items()}
            state = {"losses": losses, "model": self.model.state_dict(), "common": common, "own": own}
            write(self.path, self.parts, packed(state))
        self._saved = monotonic()

    def restore(self, content: bytes | None) -> tuple[list[float], dict[str, Any]]:
        """Put back what a checkpoint holds.

        Returns the losses of the epochs so far, [] for a fresh start, and what was stored of an unfinished epoch.
        """
        if content is None:
            return [], {}
        try:
            state = unpacked(content)
            own = unpacked(state["own"][self.fabric.global_rank].numpy().tobytes())
        except Exception as error:  # in whatever way: a state that cannot be read costs time, never the run
            warnings.warn(f"{self.path} starts anew, it cannot be read: {error}", SpinloomWarning, stacklevel=2)
            return [], {}
        put_back(self.model, self.objective, {**own, "model": {**state["model"], **own["model"]}})
        for generator, random in zip(generators([self.model, self.objective]), own["generators"], strict=True):
            generator.set_state(random)
        for name, part in self.common.items():
            part.load_state_dict(state["common"][name])
        return list(state["losses"]), own["within"]

    def _own(self, within: Mapping[str, Any]) -> dict[str, Any]:
        weights = {name for name, _ in self.model.named_parameters(remove_duplicate=False)}
        own = outcome(self.model, self.objective)
        own["model"] = {name: value for name, value in own["model"].items() if name not in weights}
        states = [generator.get_state() for generator in generators([self.model, self.objective])]
        return {**own, "generators": states, "within": dict(within)}

    def _gathered(self, own: bytes) -> list[torch.Tensor]:
        """Every process's, in the first one."""
        every: list[Any] = [own] * self.fabric.world_size
        if self.fabric.world_size > 1:
            torch.distributed.all_gather_object(every, own)
        return [torch.frombuffer(bytearray(one), dtype=torch.uint8) for one in every]


def packed(state: Any) -> bytes:
    """Tensors and plain values as bytes; `unpacked` reads them."""
    content = io.BytesIO()  # torch.save reports a full disk as a RuntimeError of its own
    torch.save(state, content)
    return content.getvalue()


def unpacked(content: bytes) -> Any:
    """What was packed, on the CPU, read as data only. Raises what torch.load raises for anything else."""
    return torch.load(io.BytesIO(content), "cpu", weights_only=True)


def outcome(model: nn.Module, objective: Any) -> dict[str, Any]:
    """What a training changes of a model and an objective: state dicts, and the buffers that are not in them."""
    left_out = []
    for module in _modules(model, objective):
        saved = module.state_dict()
        left_out.append({name: buffer for name, buffer in module.named_buffers() if name not in saved})
    states = [module.state_dict() for module in _modules(model, objective)]
    return {"model": states[0], "objective": {} if len(states) == 1 else states[1], "left out": left_out}


def put_back(model: nn.Module, objective: Any, found: Mapping[str, Any]) -> None:
    """Set what `outcome` gave."""
    states = found["model"], found["objective"]
    for module, state, left_out in zip(_modules(model, objective), states, found["left out"], strict=False):
        module.load_state_dict(state)
        for name, buffer in left_out.items():
            place, _, last = name.rpartition(".")
            owner = module.get_submodule(place)
            setattr(owner, last, buffer.to(owner.get_buffer(last).device))


def _modules(*parts: Any) -> list[nn.Module]:
    return [part for part in parts if isinstance(part, nn.Module)]


def global_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Of PyTorch's global generators, that of a GPU included if `device` is one."""
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_global_states(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Go on with states that `global_states` gave."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def generators(parts: Iterable[Any]) -> list[torch.Generator]:
    """Those that modules among `parts`, and modules within, hold as attributes; each once, in order."""
    values = [value for part in _modules(*parts) for module in part.modules() for value in vars(module).values()]
    held = [value for value in values if isinstance(value, torch.Generator)]
    return list({id(one): one for one in held}.values())


def take_stream(parts: Iterable[Any], process: int) -> None:
    """Give the devices and generators of `parts` the noise of one process of several; the first one's is as it was."""
    parts = _modules(*parts)
    for part in parts:
        for layer in device_layers(part).values():
            layer.stream = process
    for one in generators(parts) if process else ():
        one.manual_seed((one.initial_seed() + process) % 2**63)


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
