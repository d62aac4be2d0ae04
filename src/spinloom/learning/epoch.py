"""One pass of a training over its images."""

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.learning.augmentation import augment
from spinloom.learning.checks import explained, require_classes, require_gradients, require_loss
from spinloom.learning.pixels import Scaling
from spinloom.learning.randomness import global_states, set_global_states
from spinloom.learning.snapshot import Snapshot
from spinloom.progress import Report
from spinloom.seeding import child_seed, generator

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from spinloom.learning.loop import Job


@dataclass
class Epoch:
    """One pass over the images in random order; its randomness depends on seed and epoch, dropout on the process too.

    model, optimiser: as Fabric set them up. modes: of every module, training or evaluation.
    """

    job: "Job"
    fabric: "Fabric"
    model: Any
    optimiser: Any
    schedule: Any
    modes: dict[nn.Module, bool]
    snapshot: Snapshot
    losses: list[float]

    def run(self, within: dict[str, Any], report: Report) -> float:
        """The mean loss. within: the state in the middle of the epoch that a killed run left, if any."""
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
            with explained(*network) if first else nullcontext():
                logits = self.model(inputs)
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            if first:
                require_classes(self.job.objective, logits, self.job.train)
            aim = f"the objective cannot take logits {tuple(logits.shape)}", "see learning.objectives.Objective"
            with explained(*aim) if first else nullcontext():
                loss = self.job.objective(inputs, logits, labels)
        require_loss(loss)
        return loss
