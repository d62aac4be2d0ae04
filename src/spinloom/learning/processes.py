"""A training in several processes: started, its outcome fetched, errors said."""

import copy
import os
import pickle
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException

from spinloom.errors import InputError, SpinloomError
from spinloom.files import write_bytes
from spinloom.learning.checkpoint import outcome, packed, put_back, unpacked
from spinloom.progress import bar, silent

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_OUTCOME, _ERROR, _PORT = "outcome", "error", "MASTER_PORT"


def run_in_processes(fabric: "Fabric", job: Any) -> list[float]:
    """Run a job, with model, objective and before_step, in as many processes as Fabric has.

    The model, and an objective that is a module, take up the outcome; returns the losses. They come back in a file: the
    pipe that Fabric keeps for it holds 64 kB, and nobody reads it before the processes end. Raises what a process
    raises on purpose; InputError for what cannot be sent to another process or begin there.
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
            raise InputError(
                f"cannot start several processes: {' '.join(str(error).split())}; network, objective and before_step "
                f"must be classes or functions of a module, not made within a function, and no layer parametrised"
            ) from error
        finally:  # Fabric leaves the port of this training, where the next one, or a child, would take it up
            os.environ.pop(_PORT, None)
            os.environ.update({} if port is None else {_PORT: port})
        found = unpacked((folder / _OUTCOME).read_bytes())
    put_back(job.model, job.objective, found)
    return found["losses"]


def _share(fabric: "Fabric", job: Any, folder: Path) -> None:
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
    return InputError(
        "a process could not begin, it says why above; a script must call fit below `if __name__ == '__main__':`, "
        "and what is defined in a notebook or at a prompt must be moved to a module"
    )
