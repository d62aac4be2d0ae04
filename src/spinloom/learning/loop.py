"""The loop of a training, in one process or several."""

import copy
import io
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spinloom.data.imageset import ImageSet
from spinloom.errors import InputError
from spinloom.learning.augmentation import augment
from spinloom.learning.checkpoint import Snapshot, fingerprint
from spinloom.learning.objectives import Objective
from spinloom.learning.pixels import Scaling
from spinloom.learning.progress import Report, bar, silent
from spinloom.learning.training import BeforeStep, Training
from spinloom.nn import device_layers
from spinloom.seeding import child_seed, generator

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def share(fabric: "Fabric", job: "Job") -> tuple[bytes, list[float]]:
    """The work of one process of several; the first one's state dict, serialised, and losses are taken."""
    job.model = copy.deepcopy(job.model)  # what came here is memory that the processes share
    with bar(f"training on {fabric.world_size} devices") as report:
        losses = job.run(fabric, report if fabric.is_global_zero else silent)
    content = io.BytesIO()  # as bytes: a tensor would be memory shared with a process that ends
    torch.save(job.model.state_dict(), content)
    return content.getvalue(), losses


@dataclass
class Job:
    """One training, all that a process needs to carry it out."""

    model: nn.Module
    train: ImageSet
    training: Training
    checkpoint: Path | None
    objective: Objective
    before_step: BeforeStep | None
    save_every: float

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return len(self.train) // self.training.batch

    def _key(self) -> str:
        data = {"images": self.train.images, "labels": self.train.labels}
        ways = [
            (name, m.gradient, m.difference_step, str(m.converters), m.spread, m.read_noise)
            for name, m in device_layers(self.model).items()
        ]
        scaling = (str(self.train.mean), str(self.train.std))
        settings = {**asdict(self.training), "devices": ways, "scaling": scaling}
        return fingerprint(settings, self.model, data, self.objective, self.before_step)

    def run(self, fabric: "Fabric", report: Report) -> list[float]:
        """Train, from a checkpoint of this training if there is one; returns the mean loss of each epoch."""
        model, training = self.model, self.training
        key = self._key() if self.checkpoint else ""
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.5-2x faster convolutions
        model.to(fabric.device)
        if isinstance(self.objective, nn.Module):
            self.objective.to(fabric.device)
        optimiser = _optimiser(model, training)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, training.rate, total_steps=self.steps * training.epochs, pct_start=0.2
        )
        snapshot = Snapshot(self.checkpoint, key, model, optimiser, schedule)
        losses, within = snapshot.restore()
        snapshot.write = fabric.is_global_zero
        wrapped, optimiser = fabric.setup(model, optimiser)
        while len(losses) < training.epochs:
            with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
                losses.append(Epoch(self, fabric, wrapped, optimiser, schedule, snapshot, losses).run(within, report))
            within = {}
            snapshot.store(losses)
        fabric.barrier()
        return losses


@dataclass
class Epoch:
    """One pass over the images in random order; its randomness depends on seed and epoch."""

    job: Job
    fabric: "Fabric"
    model: Any
    optimiser: Any
    schedule: Any
    snapshot: Snapshot
    losses: list[float]

    def run(self, within: dict[str, Any], report: Report) -> float:
        """The mean loss. within: the state in the middle of the epoch that a killed run left, if any."""
        job, training, epoch = self.job, self.job.training, len(self.losses)
        source = generator(training.seed * 100_003 + epoch)
        torch.manual_seed(child_seed(source))
        self.model.train()
        batches = torch.randperm(len(job.train), generator=source)[: job.steps * training.batch].split(training.batch)
        running, first = torch.zeros((), device=self.fabric.device), 0
        if within:
            first, running = int(within["step"]), within["running"].to(self.fabric.device)
            source.set_state(within["source"])
            torch.set_rng_state(within["global"])
        saved, scaling = monotonic(), Scaling.of(job.train)
        for step in range(first, job.steps):
            running += self._step(batches[step], epoch * job.steps + step, scaling, source)
            note = f"epoch {epoch + 1}, loss {running / (step + 1):.3f}"
            if monotonic() - saved >= job.save_every and step + 1 < job.steps:
                state = {"step": step + 1, "running": running.cpu(), "source": source.get_state()}
                self.snapshot.store(self.losses, {**state, "global": torch.get_rng_state()})
                saved = monotonic()
            report(epoch * job.steps + step + 1, job.steps * training.epochs, note)
        mean = float(self.fabric.all_reduce(running)) / job.steps  # type: ignore[arg-type]
        if not math.isfinite(mean):
            raise InputError(f"the loss of epoch {epoch + 1} is not finite; take a lower rate than {training.rate:g}")
        return mean

    def _step(self, chosen: torch.Tensor, number: int, scaling: Scaling, source: torch.Generator) -> torch.Tensor:
        job, fabric = self.job, self.fabric
        if job.before_step is not None:
            job.before_step(job.model, number, job.steps * job.training.epochs)
        images = augment(job.train.images[chosen], job.training.augmentation, source)
        own = slice(fabric.global_rank, None, fabric.world_size)
        inputs, labels = fabric.to_device((scaling(images[own]), job.train.labels[chosen][own]))
        logits = self.model(inputs)
        with fabric.autocast():
            loss = job.objective(inputs, logits, labels)
        self.optimiser.zero_grad()
        fabric.backward(loss)
        self.optimiser.step()
        self.schedule.step()
        return loss.detach()


def _optimiser(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not learnt:
        raise InputError("the network has no parameter to train; set requires_grad of some")
    if training.optimiser == "adam":
        return torch.optim.AdamW(learnt, weight_decay=training.weight_decay)
    return torch.optim.SGD(learnt, momentum=0.9, nesterov=True, weight_decay=training.weight_decay)
