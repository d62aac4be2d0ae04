"""The loop of a training, as each process runs it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.learning.checkpoint import Parts
from spinloom.learning.epoch import Epoch
from spinloom.learning.objectives import Objective
from spinloom.learning.randomness import take_stream
from spinloom.learning.schedule import one_cycle
from spinloom.learning.shared_norms import average_norms
from spinloom.learning.snapshot import Snapshot
from spinloom.learning.training import BeforeStep, Training
from spinloom.progress import Report

if TYPE_CHECKING:
    from lightning_fabric import Fabric


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
        while len(losses) < training.epochs:
            with torch.random.fork_rng(gpus):  # dropout draws from the global state
                epoch = Epoch(self, fabric, wrapped, optimiser, schedule, modes, snapshot, losses)
                losses.append(epoch.run(within, report))
            within = {}
            average_norms(model, fabric)
            snapshot.store(losses)
        return losses


def _optimiser(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if training.optimiser == "adam":
        return torch.optim.AdamW(learnt, weight_decay=training.weight_decay)
    return torch.optim.SGD(learnt, momentum=0.9, nesterov=True, weight_decay=training.weight_decay)
