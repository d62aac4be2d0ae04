"""Train a software network: AdamW or SGD with a one-cycle rate, resumable after every epoch."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.data.imageset import ImageSet
from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.learning.augmentation import Augmentation, augment
from spinloom.learning.checkpoint import Snapshot, fingerprint
from spinloom.learning.pixels import Scaling
from spinloom.learning.progress import Report, silent
from spinloom.seeding import child_seed, generator


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    epochs: passes over the images. batch: images per step. rate: peak of the one-cycle learning rate.
    optimiser: "adam" (AdamW) or "sgd" (Nesterov momentum 0.9). weight_decay: as PyTorch's optimisers use it.
    smoothing: label smoothing. seed: order of the images, augmentation and dropout.
    """

    epochs: int = 8
    batch: int = 128
    rate: float = 2e-3
    optimiser: str = "adam"
    weight_decay: float = 0.05
    smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0

    def __post_init__(self) -> None:
        require_positive("", epochs=self.epochs, batch=self.batch, rate=self.rate)
        require_non_negative("", weight_decay=self.weight_decay, smoothing=self.smoothing)
        if self.optimiser not in ("adam", "sgd"):
            raise InputError(f"optimiser must be 'adam' or 'sgd', got {self.optimiser!r}")


def fit(
    model: nn.Module,
    train: ImageSet,
    training: Training,
    checkpoint: Path | None = None,
    report: Report = silent,
) -> list[float]:
    """Train `model` in place and return the mean loss of each epoch.

    checkpoint: a file written after each epoch; where it belongs to this very training, the run goes on from it.
    The global random state is left as it was. Raises InputError if there are fewer images than one batch.
    """
    steps = len(train.images) // training.batch
    if not steps:
        raise InputError(f"{len(train.images)} images are fewer than one batch of {training.batch}")
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.5-2x faster convolutions
    optimiser = _optimiser(model, training)
    total = steps * training.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, training.rate, total_steps=total, pct_start=0.2)
    snapshot = Snapshot(checkpoint, fingerprint(asdict(training), model, train.labels), model, optimiser, schedule)
    losses = snapshot.restore()
    for epoch in range(len(losses), training.epochs):
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
            losses.append(_epoch(model, train, training, epoch, optimiser, schedule, report))
        snapshot.store(losses)
    return losses


def _optimiser(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    if training.optimiser == "adam":
        return torch.optim.AdamW(model.parameters(), weight_decay=training.weight_decay)
    return torch.optim.SGD(model.parameters(), momentum=0.9, nesterov=True, weight_decay=training.weight_decay)


def _epoch(  # type: ignore[no-untyped-def]
    model: nn.Module, train: ImageSet, training: Training, epoch: int, optimiser, schedule, report: Report
) -> float:
    """One pass over the images in random order; returns the mean loss. Its randomness depends on seed and epoch."""
    source = generator(training.seed * 100_003 + epoch)
    torch.manual_seed(child_seed(source))
    model.train()
    steps = len(train.images) // training.batch
    order = torch.randperm(len(train.images), generator=source)[: steps * training.batch]
    running, scaling = torch.zeros(()), Scaling.of(train)
    for step, chosen in enumerate(order.split(training.batch), 1):
        batch = augment(train.images[chosen], training.augmentation, source)
        logits = model(scaling(batch))
        loss = F.cross_entropy(logits, train.labels[chosen], label_smoothing=training.smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        running += loss.detach()
        report(epoch * steps + step, steps * training.epochs, f"epoch {epoch + 1}, loss {running / step:.3f}")
    return float(running / steps)
