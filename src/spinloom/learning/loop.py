"""The loop of a training, as each process runs it; several processes: started, their outcome fetched, errors said."""

import copy
import json
import math
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException
from torch.optim.lr_scheduler import OneCycleLR

from spinloom.data import ImageSet
from spinloom.errors import InputError, OutputError, PhysicsError, SpinloomError
from spinloom.files import write_bytes, write_text
from spinloom.learning.checkpoint import (
    Parts,
    Snapshot,
    global_states,
    outcome,
    packed,
    put_back,
    set_global_states,
    take_stream,
    unpacked,
)
from spinloom.learning.images import Scaling, augment
from spinloom.learning.settings import BeforeStep, Distillation, Labels, Objective, Training
from spinloom.progress import Report, bar, silent
from spinloom.seeding import child_seed, generator

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_RISE = 0.2
"""Share of the steps in which the rate rises."""
_OUTCOME, _ERROR = "outcome", "error.json"
_ERRORS = {kind.__name__: kind for kind in (InputError, OutputError, PhysicsError)}
_PORT = "MASTER_PORT"


@dataclass
class Job:
    """One training, all that a process needs to carry it out.

    parts: what it consists of, for its checkpoint. state: what a checkpoint holds of it, None for a fresh start.
    """

    model: nn.Module
    train: ImageSet
    training: Training
    objective: Objective
    before_step: BeforeStep | None
    save_every: float
    checkpoint: Path | None
    parts: Parts
    state: bytes | None

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return len(self.train) // self.training.batch

    def run(self, fabric: "Fabric", report: Report) -> list[float]:
        """Train, from the state of a checkpoint if there is one; returns the mean loss of each epoch."""
        model, training, objective = self.model, self.training, self.objective
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.5-2x faster convolutions
        model.to(fabric.device)
        if isinstance(objective, nn.Module):
            objective.to(fabric.device)
        take_stream([model, objective], fabric.global_rank)
        modes = {module: module.training for module in model.modules()}
        plain = _optimiser(model, training)
        schedule = one_cycle(plain, training.rate, self.steps * training.epochs)
        wrapped, optimiser = fabric.setup(model, plain)  # in the precision asked for: what is restored must find it
        common = {"optimiser": plain, "schedule": schedule, "precision": fabric.strategy.precision}
        snapshot = Snapshot(self.checkpoint, self.parts, self.save_every, fabric, model, objective, common)
        losses, within = snapshot.restore(self.state)
        gpus = [fabric.device] if fabric.device.type == "cuda" else []
        epochs = _Epochs(self, fabric, wrapped, optimiser, schedule, modes, snapshot, losses)
        while len(losses) < training.epochs:
            with torch.random.fork_rng(gpus):  # dropout draws from the global state
                losses.append(epochs.run(within, report))
            within = {}
            average_norms(model, fabric)
            snapshot.store(losses)
        return losses


@dataclass
class _Epochs:
    """Passes over the images in random order; randomness depends on seed and epoch, that of dropout on the process too.

    model, optimiser: as Fabric set them up. modes: of every module, training or evaluation. losses: of the epochs done.
    """

    job: Job
    fabric: "Fabric"
    model: Any
    optimiser: Any
    schedule: Any
    modes: dict[nn.Module, bool]
    snapshot: Snapshot
    losses: list[float]

    def run(self, within: dict[str, Any], report: Report) -> float:
        """The mean loss of the next epoch. within: the state in its middle that a killed run left, if any."""
        job, training, epoch, device = self.job, self.job.training, len(self.losses), self.fabric.device
        source = generator(training.seed * 100_003 + epoch)
        torch.manual_seed(child_seed(source) + self.fabric.global_rank)
        for module, mode in self.modes.items():
            module.training = mode
        batches = torch.randperm(len(job.train), generator=source)[: job.steps * training.batch].split(training.batch)
        running, first = torch.zeros((), device=device), 0
        if within:
            first, running = int(within["step"]), within["running"].to(device)
            source.set_state(within["source"])
            set_global_states(within["global"], device)
        scaling = Scaling.of(job.train)
        for step in range(first, job.steps):
            running += self._step(batches[step], epoch * job.steps + step, scaling, source, step == first)
            if step + 1 < job.steps and self.snapshot.due():
                state = {"step": step + 1, "running": running.cpu(), "source": source.get_state()}
                self.snapshot.store(self.losses, {**state, "global": global_states(device)})
            note = f"epoch {epoch + 1}, loss {running / (step + 1):.3f}"
            report(epoch * job.steps + step + 1, job.steps * training.epochs, note)
        mean = float(self.fabric.all_reduce(running)) / job.steps  # type: ignore[arg-type]
        if not math.isfinite(mean):
            raise InputError(f"the loss of epoch {epoch + 1} is not finite; take a lower rate than {training.rate:g}")
        return mean

    def _step(
        self, chosen: torch.Tensor, number: int, scaling: Scaling, source: torch.Generator, first: bool
    ) -> torch.Tensor:
        job, fabric = self.job, self.fabric
        if job.before_step is not None:
            job.before_step(job.model, number, job.steps * job.training.epochs)
        images = augment(job.train.images[chosen], job.training.augmentation, source)
        own = slice(fabric.global_rank, None, fabric.world_size)
        inputs, labels = fabric.to_device((scaling(images[own]), job.train.labels[chosen][own]))
        loss = self._loss(inputs, labels, first)
        self.optimiser.zero_grad()
        fabric.backward(loss)
        if first and fabric.world_size > 1:
            require_gradients(job.model)
        self.optimiser.step()
        self.schedule.step()
        return loss.detach()

    def _loss(self, inputs: torch.Tensor, labels: torch.Tensor, first: bool) -> torch.Tensor:
        network = f"the network cannot take inputs {tuple(inputs.shape)}", "give images of the shape it was made for"
        with self.fabric.autocast():  # around the model too, or Fabric gives double logits back in single precision
            with _explained(*network) if first else nullcontext():
                logits = self.model(inputs)
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            if first:
                _require_classes(self.job.objective, logits, self.job.train)
            aim = f"the objective cannot take logits {tuple(logits.shape)}", "see spinloom.learning.Objective"
            with _explained(*aim) if first else nullcontext():
                loss = self.job.objective(inputs, logits, labels)
        _require_loss(loss)
        return loss


def _optimiser(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if training.optimiser == "adam":
        return torch.optim.AdamW(learnt, weight_decay=training.weight_decay)
    return torch.optim.SGD(learnt, momentum=0.9, nesterov=True, weight_decay=training.weight_decay)


def one_cycle(optimiser: torch.optim.Optimizer, rate: float, steps: int) -> OneCycleLR:
    """PyTorch's one-cycle schedule (Smith and Topin, arXiv 1708.07120) over `steps` >= 1, with `rate` as its peak.

    A single step is the first of two: the last of all has no rate. With five the rise would end at the very first step,
    which PyTorch divides by; a little less of it leaves that step near the peak, as with four.
    """
    rise = _RISE if round(_RISE * steps, 9) != 1 else 0.9 * _RISE
    return OneCycleLR(optimiser, rate, total_steps=max(steps, 2), pct_start=rise)


@torch.no_grad()
def average_norms(model: nn.Module, fabric: "Fabric") -> None:
    """Make the running statistics of every norm that follows its inputs the mean over all processes.

    Shares are of one size, so that the running means become those of one process with the whole batches, but for
    rounding; the running variances are the mean of those within the shares, as the norms applied them in training.
    """
    if fabric.world_size == 1:
        return
    for norm in model.modules():
        if isinstance(norm, nn.modules.batchnorm._NormBase) and norm.training and norm.track_running_stats:
            for running in (norm.running_mean, norm.running_var):
                if running is not None:
                    running.copy_(fabric.all_reduce(running.clone()))  # type: ignore[arg-type]


def _require_classes(objective: Any, logits: torch.Tensor, train: ImageSet) -> None:
    """Raise InputError if the network has fewer outputs than an objective that compares them with labels needs."""
    if not isinstance(objective, Labels | Distillation):
        return
    largest = int(train.labels.max())
    if logits.ndim != 2 or logits.shape[1] <= largest:
        raise InputError(
            f"labels of {train.name!r} go up to {largest}, the network gives outputs {tuple(logits.shape)}; "
            f"it must give (batch, classes) with more than {largest} classes"
        )


def _require_loss(loss: Any) -> None:
    """Raise InputError for a loss that is not one number, or that no weight has a part in."""
    if not isinstance(loss, torch.Tensor) or loss.ndim:
        given = f"a tensor {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
        raise InputError(f"the objective must return one number as a tensor (), got {given}; take the mean, say")
    if not loss.requires_grad:
        raise InputError("the loss does not depend on any weight that is trained; is it detached, or all frozen?")


def require_gradients(model: nn.Module) -> None:
    """Raise InputError for a weight that is trained but has no part in the loss: processes wait for its gradient."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            raise InputError(
                f"{name} of the network has no part in the loss, which several processes cannot share; "
                f"freeze it with requires_grad_(False) or train on one device"
            )


@contextmanager
def _explained(what: str, remedy: str) -> Iterator[None]:
    """Say what was given where the user's own code, or PyTorch in it, refuses it. Raises InputError."""
    try:
        yield
    except (SpinloomError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"{what}: {' '.join(str(error).split())}; {remedy}") from error


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
        found = unpacked((Path(folder) / _OUTCOME).read_bytes())
    put_back(job.model, job.objective, found)
    return found["losses"]


def _share(fabric: "Fabric", job: Job, folder: Path) -> None:
    """The work of one process; the first one leaves the outcome."""
    # what came here is memory that the processes share
    job.model, job.objective, job.before_step = copy.deepcopy((job.model, job.objective, job.before_step))
    try:
        with bar(f"training on {fabric.world_size} devices") as report:
            losses = job.run(fabric, report if fabric.is_global_zero else silent)
        if fabric.is_global_zero:
            write_bytes(folder / _OUTCOME, packed({**outcome(job.model, job.objective), "losses": losses}))
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
