"""Train a network, in software or on devices: AdamW or SGD with a one-cycle rate, resumable at any moment.

lightning-fabric carries the loop: CPU, one GPU, several GPUs, mixed precision (see `Compute`).
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from spinloom.data import ImageSet
from spinloom.errors import InputError, SpinloomError, SpinloomWarning, require_positive
from spinloom.identity import digest, package, versions
from spinloom.learning import checkpoint as disk
from spinloom.learning.networks import count_parameters
from spinloom.learning.settings import ON_CPU, Compute, Distillation, Labels, Objective, Scaling, Training, augment
from spinloom.nn import device_layers
from spinloom.progress import Report, silent
from spinloom.seeding import child_seed, generator

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BeforeStep = Callable[[nn.Module, int, int], None]
"""Called as before_step(model, step, steps of the whole training) before each step; its only memory is the step."""
_RISE = 0.2
"""Share of the steps in which the rate rises."""


def fit(
    model: nn.Module,
    train: ImageSet,
    training: Training,
    checkpoint: Path | str | None = None,
    report: Report = silent,
    *,
    objective: Objective | None = None,
    before_step: BeforeStep | None = None,
    compute: Compute = ON_CPU,
    save_every: float = 60.0,
) -> list[float]:
    """Train `model` in place and return the mean loss of each epoch.

    Parameters that need no gradient stay as they are. The model may contain devices: their own slopes carry the
    gradient back, and their instance and noise are part of the checkpoint. A model in evaluation mode is put into
    training mode; parts in evaluation mode of a model in training mode (a frozen norm, say) stay so.

    checkpoint: a file written after each epoch and every `save_every` s within; where it belongs to this very
        training (settings, first weights, code, devices, images, labels, objective with its teacher, `before_step`,
        number of processes and precision), the run goes on from it and ends with the same weights to the bit (same
        machine and threads). One of another training is kept as NAME.old, a damaged one replaced, with a warning.
    objective: what is minimised, by default cross-entropy with `training.smoothing`. What it changes of itself is in
        the checkpoint if it is a module with that in its state dict. before_step: changes the model on its way.
    compute: for several devices everything must be picklable, and a bar of its own is shown in place of `report`.
    One device: the model stays where it was trained, on the GPU say; several: it comes back to the CPU. PyTorch's
    global random state is left as it was. Raises InputError if there are fewer images than one batch, if a batch cannot
    be shared among the devices, if network, images, labels and objective do not fit together, if the loss is not
    finite, or for a checkpoint path that holds something else, which stays as it is; OutputError where no checkpoint
    can be written.
    """
    objective = Labels(training.smoothing) if objective is None else objective
    job = Job(model, train, training, objective, before_step, save_every)
    _require_trainable(job, compute)
    fabric = compute.fabric()
    if not model.training:
        model.train()
    if checkpoint is not None:
        job.checkpoint, job.parts = Path(checkpoint), _parts(job, compute)
        job.state = disk.claim(job.checkpoint, job.parts)
    return job.run(fabric, report) if compute.devices == 1 else disk.run_in_processes(fabric, job)


@dataclass
class Job:
    """One training, all that a process needs to carry it out.

    parts: what it consists of, for its checkpoint. state: what a checkpoint holds of it, None for a fresh start.
    losses: of the epochs done. Set by `run`: network, optimiser as Fabric set them up; common: what has a state besides
    the model, by name. Randomness depends on seed and epoch, that of dropout on the process too.

    All processes store and restore together: weights, optimiser, schedule and precision are common; buffers, states of
    devices, generators and of the objective are each one's own.
    """

    model: nn.Module
    train: ImageSet
    training: Training
    objective: Objective
    before_step: BeforeStep | None
    save_every: float
    checkpoint: Path | None = None
    parts: disk.Parts = field(default_factory=dict)
    state: bytes | None = None
    losses: list[float] = field(default_factory=list)
    fabric: Any = field(init=False)
    network: Any = field(init=False)
    optimiser: Any = field(init=False)
    common: dict[str, Any] = field(init=False)
    saved: float = field(init=False)

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return len(self.train) // self.training.batch

    def run(self, fabric: "Fabric", report: Report) -> list[float]:
        """Train, from the state of a checkpoint if there is one; returns the mean loss of each epoch."""
        model, training = self.model, self.training
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.5-2x faster convolutions
        model.to(fabric.device)
        if isinstance(self.objective, nn.Module):
            self.objective.to(fabric.device)
        disk.take_stream([model, self.objective], fabric.global_rank)
        modes = {module: module.training for module in model.modules()}
        plain = _optimiser(model, training)
        schedule = one_cycle(plain, training.rate, self.steps * training.epochs)
        self.fabric, self.saved = fabric, monotonic()
        self.network, self.optimiser = fabric.setup(model, plain)  # in the precision asked for: restored states need it
        self.common = {"optimiser": plain, "schedule": schedule, "precision": fabric.strategy.precision}
        within = self._restore()
        while len(self.losses) < training.epochs:
            for module, mode in modes.items():
                module.training = mode
            # dropout draws from the global state
            with torch.random.fork_rng([fabric.device] if fabric.device.type == "cuda" else []):
                self.losses.append(self._epoch(within, report))
            within = {}
            average_norms(model, fabric)
            self._store()
        return self.losses

    def _epoch(self, within: Mapping[str, Any], report: Report) -> float:
        """The mean loss of the next epoch. within: the state in its middle that a killed run left, if any."""
        training, epoch, device = self.training, len(self.losses), self.fabric.device
        source = generator(training.seed * 100_003 + epoch)
        torch.manual_seed(child_seed(source) + self.fabric.global_rank)
        batches = torch.randperm(len(self.train), generator=source)[: self.steps * training.batch].split(training.batch)
        running, first = torch.zeros((), device=device), 0
        if within:
            first, running = int(within["step"]), within["running"].to(device)
            source.set_state(within["source"])
            torch.set_rng_state(within["global"])
            if device.type == "cuda":
                torch.cuda.set_rng_state(within["cuda"], device)
        scaling = Scaling.of(self.train)
        for step in range(first, self.steps):
            running += self._step(batches[step], epoch * self.steps + step, scaling, source, step == first)
            late = monotonic() - self.saved >= self.save_every
            if self.checkpoint and step + 1 < self.steps and self.fabric.broadcast(late):  # the first one's clock
                state = {"step": step + 1, "running": running.cpu(), "source": source.get_state()}
                cuda = {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
                self._store({**state, "global": torch.get_rng_state(), **cuda})
            note = f"epoch {epoch + 1}, loss {running / (step + 1):.3f}"
            report(epoch * self.steps + step + 1, self.steps * training.epochs, note)
        mean = float(self.fabric.all_reduce(running)) / self.steps
        if not math.isfinite(mean):
            raise InputError(f"the loss of epoch {epoch + 1} is not finite; take a lower rate than {training.rate:g}")
        return mean

    def _step(
        self, chosen: torch.Tensor, number: int, scaling: Scaling, source: torch.Generator, first: bool
    ) -> torch.Tensor:
        fabric = self.fabric
        if self.before_step is not None:
            self.before_step(self.model, number, self.steps * self.training.epochs)
        images = augment(self.train.images[chosen], self.training.augmentation, source)
        own = slice(fabric.global_rank, None, fabric.world_size)
        inputs, labels = fabric.to_device((scaling(images[own]), self.train.labels[chosen][own]))
        loss = self._loss(inputs, labels, first)
        self.optimiser.zero_grad()
        fabric.backward(loss)
        if first and fabric.world_size > 1:
            require_gradients(self.model)
        self.optimiser.step()
        self.common["schedule"].step()
        return loss.detach()

    def _loss(self, inputs: torch.Tensor, labels: torch.Tensor, first: bool) -> torch.Tensor:
        network = f"the network cannot take inputs {tuple(inputs.shape)}", "give images of the shape it was made for"
        with self.fabric.autocast():  # around the model too, or Fabric gives double logits back in single precision
            with _explained(*network) if first else nullcontext():
                logits = self.network(inputs)
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            if first and isinstance(self.objective, Labels | Distillation):
                largest = int(self.train.labels.max())
                if logits.ndim != 2 or logits.shape[1] <= largest:
                    given = f"labels of {self.train.name!r} go up to {largest}, the network gives outputs"
                    wanted = f"it must give (batch, classes) with more than {largest} classes"
                    raise InputError(f"{given} {tuple(logits.shape)}; {wanted}")
            aim = f"the objective cannot take logits {tuple(logits.shape)}", "see spinloom.learning.Objective"
            with _explained(*aim) if first else nullcontext():
                loss = self.objective(inputs, logits, labels)
        if not isinstance(loss, torch.Tensor) or loss.ndim:
            given = f"a tensor {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise InputError(f"the objective must return one number as a tensor (), got {given}; take the mean, say")
        if not loss.requires_grad:
            raise InputError("the loss does not depend on any weight that is trained; is it detached, or all frozen?")
        return loss

    def _store(self, within: Mapping[str, Any] | None = None) -> None:
        """Write the present state, if there is a checkpoint; within: of an unfinished epoch. Raises OutputError."""
        if self.checkpoint is None:
            return
        own = disk.outcome(self.model, self.objective)
        for name, _ in self.model.named_parameters(remove_duplicate=False):
            own["states"][0].pop(name, None)
        own["generators"] = [one.get_state() for one in disk.generators([self.model, self.objective])]
        every = [disk.packed({**own, "within": dict(within or {})})] * self.fabric.world_size
        if self.fabric.world_size > 1:
            torch.distributed.all_gather_object(every, every[0])
        if self.fabric.is_global_zero:
            common = {name: part.state_dict() for name, part in self.common.items()}
            state = {"losses": self.losses, "model": self.model.state_dict(), "common": common, "own": every}
            disk.write(self.checkpoint, self.parts, disk.packed(state))
        self.saved = monotonic()

    def _restore(self) -> Mapping[str, Any]:
        """Put back what a checkpoint holds, if there is one; returns what was stored of an unfinished epoch."""
        if self.state is None:
            return {}
        try:
            state = disk.unpacked(self.state)
            own = disk.unpacked(state["own"][self.fabric.global_rank])
        except Exception as error:  # in whatever way: a state that cannot be read costs time, never the run
            warnings.warn(f"{self.checkpoint} starts anew, it cannot be read: {error}", SpinloomWarning, stacklevel=2)
            return {}
        own["states"][0] = {**state["model"], **own["states"][0]}  # its own buffers
        disk.put_back(self.model, self.objective, own)
        for one, random in zip(disk.generators([self.model, self.objective]), own["generators"], strict=True):
            one.set_state(random)
        for name, part in self.common.items():
            part.load_state_dict(state["common"][name])
        self.losses = list(state["losses"])
        return own["within"]


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

    Running means become those of one process with the whole batches, variances the mean of those within the shares.
    """
    if fabric.world_size == 1:
        return
    for norm in model.modules():
        if isinstance(norm, nn.modules.batchnorm._NormBase) and norm.training and norm.track_running_stats:
            for running in (norm.running_mean, norm.running_var):
                if running is not None:
                    running.copy_(fabric.all_reduce(running.clone()))  # type: ignore[arg-type]


def require_gradients(model: nn.Module) -> None:
    """Raise InputError for a weight that is trained but has no part in the loss: processes wait for its gradient."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            none = f"{name} of the network has no part in the loss, which several processes cannot share"
            raise InputError(f"{none}; freeze it with requires_grad_(False) or train on one device")


@contextmanager
def _explained(what: str, remedy: str) -> Iterator[None]:
    """Say what was given where the user's own code, or PyTorch in it, refuses it. Raises InputError."""
    try:
        yield
    except (SpinloomError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"{what}: {' '.join(str(error).split())}; {remedy}") from error


def _parts(job: Job, compute: Compute) -> disk.Parts:
    """What the training consists of, all that decides its outcome, as it is before the first step."""
    model, train, layers = job.model, job.train, device_layers(job.model)
    settings = {**asdict(job.training), "processes": compute.devices, "precision": compute.precision}
    scaling = {"mean": train.mean, "deviation": train.std}
    parameters = f"{type(model).__qualname__} of {count_parameters(model):,} trained parameters"
    return {
        **{name: repr(value) for name, value in {**settings, **scaling}.items()},
        "images": f"{len(train)} of {train.shape}, {train.name}, {digest(train.images)}",
        "labels": digest(train.labels),
        "network": f"{parameters}, {digest(model, apart=layers.values())}",
        "devices": f"{', '.join(layers) or 'none'}, {digest(layers)}",
        "objective": f"{_named(job.objective)}, {digest(job.objective, apart=[model])}",
        "before_step": f"{_named(job.before_step)}, {digest(job.before_step, apart=[model])}",
        "source of Spinloom": package(),
        **versions(),
    }


def _named(thing: Any) -> str:
    return getattr(thing, "__qualname__", None) or ("none" if thing is None else type(thing).__qualname__)


def _require_trainable(job: Job, compute: Compute) -> None:
    """Raise InputError for what no training can begin with."""
    model, images, batch = job.model, len(job.train), job.training.batch
    if images < batch:
        raise InputError(f"{images} images are fewer than one batch of {batch}")
    if batch % compute.devices:
        raise InputError(f"a batch of {batch} cannot be shared evenly among {compute.devices} devices")
    require_positive("s", save_every=job.save_every)
    Scaling.of(job.train)
    if any(isinstance(parameter, nn.parameter.UninitializedParameter) for parameter in model.parameters()):
        raise InputError("the network has weights without a shape; call it once with an example input before fit")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError("the network has no parameter to train; set requires_grad of some")
    for name, parameter in model.named_parameters():
        if not bool(parameter.isfinite().all()):
            raise InputError(f"{name} of the network holds NaN or infinity; start from other weights")
