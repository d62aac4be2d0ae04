"""A training in several processes: started, its outcome fetched, its errors said."""

import copy
import json
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException

from spinloom.errors import InputError, OutputError, PhysicsError, SpinloomError
from spinloom.files import write_bytes, write_text
from spinloom.learning.checkpoint import left_out, packed, put_back, unpacked
from spinloom.learning.loop import Job
from spinloom.progress import bar, silent

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_OUTCOME, _ERROR = "outcome", "error.json"
_ERRORS = {kind.__name__: kind for kind in (InputError, OutputError, PhysicsError)}
_PORT = "MASTER_PORT"


def run_in_processes(fabric: "Fabric", job: Job) -> list[float]:
    """Train in as many processes as Fabric has; the model, and an objective that is a module, take up the outcome.

    It comes back in a file: the pipe that Fabric keeps for it holds 64 kB, and nobody reads it before the processes
    end. Raises what a process raises on purpose; InputError for what cannot be sent to another process or begin there.
    """
    with TemporaryDirectory() as folder, _port_of_its_own():
        try:
            fabric.launch(partial(_share, job=job, folder=Path(folder)))  # Fabric searches what is not hidden in it
        except ProcessException as error:
            said = _said(Path(folder)) or _not_started(error)
            if said is None:
                raise
            raise said from error
        except (pickle.PicklingError, AttributeError, TypeError, RuntimeError) as error:
            raise InputError(
                f"cannot start several processes: {' '.join(str(error).split())}; network, objective and before_step "
                f"must be classes or functions of a module, not made within a function, and no layer parametrised"
            ) from error
        outcome = unpacked((Path(folder) / _OUTCOME).read_bytes())
    job.model.load_state_dict(outcome["model"])
    put_back(job.model, outcome["left out"])
    if isinstance(job.objective, nn.Module):
        job.objective.load_state_dict(outcome["objective"])
    return outcome["losses"]


def _share(fabric: "Fabric", job: Job, folder: Path) -> None:
    """The work of one process; the first one leaves the outcome."""
    # what came here is memory that the processes share
    job.model, job.objective, job.before_step = copy.deepcopy((job.model, job.objective, job.before_step))
    try:
        with bar(f"training on {fabric.world_size} devices") as report:
            losses = job.run(fabric, report if fabric.is_global_zero else silent)
        if fabric.is_global_zero:
            objective = job.objective.state_dict() if isinstance(job.objective, nn.Module) else {}
            weights = {"model": job.model.state_dict(), "left out": left_out(job.model)}
            write_bytes(folder / _OUTCOME, packed({**weights, "objective": objective, "losses": losses}))
    except SpinloomError as error:
        write_text(folder / _ERROR, json.dumps([type(error).__name__, str(error)]))
        raise
    fabric.barrier()  # nobody leaves while another still needs it
    torch.distributed.destroy_process_group()


def _said(folder: Path) -> SpinloomError | None:
    """The error that a process raised on purpose."""
    if not (folder / _ERROR).exists():
        return None
    kind, message = json.loads((folder / _ERROR).read_text())
    return _ERRORS.get(kind, InputError)(message)


def _not_started(error: ProcessException) -> InputError | None:
    """What to do where a process ended before it could say an error of its own."""
    if not isinstance(error, ProcessExitedException) or error.exit_code != 1:
        return None
    return InputError(
        "a process could not begin, it says why above; a script must call fit below `if __name__ == '__main__':`, "
        "and what is defined in a notebook or at a prompt must be moved to a module"
    )


@contextmanager
def _port_of_its_own() -> Iterator[None]:
    """Fabric leaves the port of this training in the environment, where the next one, or a child, would take it up."""
    before = os.environ.get(_PORT)
    try:
        yield
    finally:
        os.environ.pop(_PORT, None)
        if before is not None:
            os.environ[_PORT] = before
