"""The state of a training: on disk, so that a killed run goes on, read as data only; and back from several processes.

On disk: a line that says what it is, a line of JSON with the parts of the training, a line with the SHA-256 of that and
of what follows: what `torch.save` made of the state.
"""

import copy
import hashlib
import io
import json
import os
import pickle
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException

from spinloom.errors import InputError, OutputError, SpinloomError, SpinloomWarning
from spinloom.files import write_bytes
from spinloom.nn import device_layers
from spinloom.progress import bar, silent

HEAD = b"Spinloom checkpoint 1\n"
_OUTCOME, _ERROR, _PORT = "outcome", "error", "MASTER_PORT"

Parts = Mapping[str, str]
"""What a training consists of: the value or the fingerprint of each part by its name."""


def write(path: Path, parts: Parts, state: bytes) -> None:
    """Write a checkpoint of the training with these parts. Raises OutputError."""
    line = json.dumps(dict(parts)).encode()
    write_bytes(path, b"\n".join([HEAD[:-1], line, _seal(line, state), state]))


def claim(path: Path, parts: Parts) -> bytes | None:
    """The state that a checkpoint of this very training holds; None where the training starts anew.

    Afterwards `path` may be written to: a checkpoint of another training is kept as NAME.old, with a SpinloomWarning
    that says in what they differ; a damaged one is warned about and left. Raises InputError for a folder or a file that
    is no checkpoint, OutputError if nothing can be written there; such a file stays as it is.
    """
    try:
        if path.exists() and not path.is_file():  # /dev/null would be replaced by a file
            raise InputError(f"the checkpoint {path} is a folder or a device; give the name of a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=path.parent).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write the checkpoint {path}: {reason}; choose another place") from error
    if not path.exists():
        return None
    _, line, seal, state = (*_read(path).split(b"\n", 3), b"", b"", b"")[:4]
    if seal != _seal(line, state):
        again = "it will be replaced and the training starts anew"
        warnings.warn(f"the checkpoint {path} is damaged; {again}", SpinloomWarning, stacklevel=3)
        return None
    found = json.loads(line)
    if found == dict(parts):
        return state
    old, replaced = path.with_name(f"{path.name}.old"), ""
    if old.exists():
        _read(old)
        replaced = " in the place of an earlier one"
    os.replace(path, old)
    differences = ", ".join(sorted(name for name in {*found, *parts} if found.get(name) != parts.get(name)))
    another = f"the checkpoint {path} belongs to another training, which differs in {differences}"
    kept = f"it is kept as {old.name}{replaced}, and this training starts anew"
    warnings.warn(f"{another}; {kept}", SpinloomWarning, stacklevel=3)
    return None


def _seal(line: bytes, state: bytes) -> bytes:
    made = hashlib.sha256(line)
    made.update(state)  # a state may be large: it is not copied behind the line
    return made.hexdigest().encode()


def _read(path: Path) -> bytes:
    """A file without content, or of zeros alone, is what a failing machine leaves: nothing is lost with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the checkpoint {path}: {error.strerror}; give another name") from error
    if content.strip(b"\0") and not HEAD.startswith(content[: len(HEAD)]):
        stays = "is no checkpoint of this version of Spinloom and stays as it is; give another name or remove it"
        raise InputError(f"{path} {stays}")
    return content


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
    modules = _modules(model, objective)
    states = [module.state_dict() for module in modules]
    pairs = zip(modules, states, strict=True)
    left_out = [{name: one for name, one in module.named_buffers() if name not in saved} for module, saved in pairs]
    return {"states": states, "left out": left_out}


def put_back(model: nn.Module, objective: Any, found: Mapping[str, Any]) -> None:
    """Set what `outcome` gave."""
    for module, state, left_out in zip(_modules(model, objective), found["states"], found["left out"], strict=True):
        module.load_state_dict(state)
        for name, buffer in left_out.items():
            place, _, last = name.rpartition(".")
            owner = module.get_submodule(place)
            setattr(owner, last, buffer.to(owner.get_buffer(last).device))


def generators(parts: Iterable[Any]) -> list[torch.Generator]:
    """Those that modules among `parts`, and modules within, hold as attributes; each once, in order."""
    values = [value for part in _modules(*parts) for module in part.modules() for value in vars(module).values()]
    held = [value for value in values if isinstance(value, torch.Generator)]
    return list({id(one): one for one in held}.values())


def take_stream(parts: Iterable[Any], process: int) -> None:
    """Give the devices and generators of `parts` the noise of one process of several; the first one's is as it was."""
    parts = _modules(*parts)
    for layer in (layer for part in parts for layer in device_layers(part).values()):
        layer.stream = process
    for one in generators(parts) if process else ():
        one.manual_seed((one.initial_seed() + process) % 2**63)


def _modules(*parts: Any) -> list[nn.Module]:
    return [part for part in parts if isinstance(part, nn.Module)]


def run_in_processes(fabric: Any, job: Any) -> list[float]:
    """Run a job, with model, objective and before_step, in as many processes as Fabric has.

    The model, and an objective that is a module, take up the outcome, which comes back in a file (Fabric's pipe holds
    64 kB); returns the losses. Raises what a process raises on purpose; InputError for what cannot be sent to another.
    """
    port = os.environ.get(_PORT)
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            fabric.launch(partial(_share, job=job, folder=folder))  # Fabric searches what is not hidden in it
        except ProcessException as error:
            said = pickle.loads((folder / _ERROR).read_bytes()) if (folder / _ERROR).exists() else _not_started(error)
            if said is None:
                raise
            raise said from error
        except (pickle.PicklingError, AttributeError, TypeError, RuntimeError) as error:
            why = f"cannot start several processes: {' '.join(str(error).split())}; network, objective and before_step"
            remedy = "must be classes or functions of a module, not made within a function, and no layer parametrised"
            raise InputError(f"{why} {remedy}") from error
        finally:  # Fabric leaves the port of this training, where the next one, or a child, would take it up
            os.environ.pop(_PORT, None)
            os.environ.update({} if port is None else {_PORT: port})
        found = unpacked((folder / _OUTCOME).read_bytes())
    put_back(job.model, job.objective, found)
    return found["losses"]


def _share(fabric: Any, job: Any, folder: Path) -> None:
    """The work of one process; the first one leaves the outcome."""
    # what came here is memory that the processes share
    job.model, job.objective, job.before_step = copy.deepcopy((job.model, job.objective, job.before_step))
    try:
        with bar(f"training on {fabric.world_size} devices") as report:
            losses = job.run(fabric, report if fabric.is_global_zero else silent)
        if fabric.is_global_zero:
            write_bytes(folder / _OUTCOME, packed({**outcome(job.model, job.objective), "losses": losses}))
    except SpinloomError as error:
        write_bytes(folder / _ERROR, pickle.dumps(error))
        raise
    fabric.barrier()  # nobody leaves while another still needs it
    torch.distributed.destroy_process_group()


def _not_started(error: ProcessException) -> InputError | None:
    """What to do where a process ended before it could say an error of its own."""
    if not isinstance(error, ProcessExitedException) or error.exit_code != 1:
        return None
    script = "a script must call fit below `if __name__ == '__main__':`"
    prompt = "what is defined in a notebook or at a prompt must be moved to a module"
    return InputError(f"a process could not begin, it says why above; {script}, and {prompt}")
