"""Train many independent copies of a network side by side: seeds, dampings or sizes as one batch of tensors.

Each has parameters along leading dimensions, an order of examples and a loss of its own; the sum of the losses keeps
their gradients apart, and Adam works number by number: a copy is trained as it would be alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.data import SpectraSet
from spinloom.errors import InputError, require_positive
from spinloom.nn.radio import Imperfections, fabricate, radio_layers
from spinloom.progress import Report, silent
from spinloom.seeding import Seed, generator

Forward = Callable[[nn.Module, torch.Tensor], torch.Tensor]
"""forward(network, x (members, batch, ...) or, in one order, (batch, ...)) -> logits (members, batch, classes)."""
Watched = dict[str, Any]
"""Ready for JSON, on the test set, 0 to 1. accuracies: of every member after the last epoch, whichever was the best.
curve: accuracies at some `epochs`, (epochs, members). confusion: see `confusion`."""


@dataclass(frozen=True)
class Course:
    """How copies are trained.

    epochs: passes over the examples. batch: examples per step; the last, smaller one is used too. rate: of Adam at its
    peak, warmup: share of all steps in which it rises; it then falls as a cosine. seeds: one for every member, the
    order of its examples; same_order: that of the first for all, which spares gathering them for each. Raises
    InputError for numbers that cannot be.
    """

    epochs: int = 100
    batch: int = 256
    rate: float = 5e-3
    warmup: float = 0.05
    seeds: tuple[int, ...] = (0,)
    same_order: bool = False

    def __post_init__(self) -> None:
        require_positive("", epochs=self.epochs, batch=self.batch, rate=self.rate)
        if not self.seeds or not 0 <= self.warmup < 1:
            raise InputError("a course needs at least one seed and a warm-up share from 0 to below 1")

    def rate_at(self, done: float) -> float:
        """Share of the peak rate when this share of all steps is done."""
        if done < self.warmup:
            return done / self.warmup
        return 0.5 + 0.5 * math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))


def fit_members(
    network: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    course: Course,
    *,
    groups: Sequence[dict[str, Any]] | None = None,
    forward: Forward = lambda network, x: network(x),
    after: Callable[[float], object] = lambda done: None,
    report: Report = silent,
) -> torch.Tensor:
    """Train in place; returns the mean loss of every epoch and member, (epochs, members).

    inputs: (n, ...), labels: (n,) int64. groups: parameters with rates of their own, as Adam takes them (default: all
    that need a gradient, at the course's rate); "schedule" in a group takes the place of the course's `rate_at` for it.
    after: called after every step with the share of all steps done, to change a linewidth or a mask. Raises InputError
    if the network's output is not (members, batch, classes), or becomes NaN.
    """
    members = len(course.seeds)
    groups = groups or [{"params": [p for p in network.parameters() if p.requires_grad]}]
    groups = [{"lr": course.rate, "schedule": course.rate_at, **group} for group in groups]
    optimiser = torch.optim.Adam(groups, fused=inputs.device.type != "mps")
    rates = [group["lr"] for group in optimiser.param_groups]
    sources = [generator(seed) for seed in course.seeds[: 1 if course.same_order else None]]
    steps = math.ceil(len(inputs) / course.batch)
    losses = torch.zeros(course.epochs, members)
    network.train()
    for epoch in range(course.epochs):
        order = torch.stack([torch.randperm(len(inputs), generator=source) for source in sources]).to(inputs.device)
        total = torch.zeros(members, device=inputs.device)
        for step, chosen in enumerate(order.split(course.batch, 1)):
            done = (epoch * steps + step) / (course.epochs * steps)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * group["schedule"](done + 1 / (course.epochs * steps))
            examples = chosen[0] if course.same_order else chosen  # in one order, a matrix product serves all members
            logits, wanted = forward(network, inputs[examples]), labels[chosen].expand(members, -1)
            if logits.ndim != 3 or logits.shape[:2] != wanted.shape:
                given = f"{(*wanted.shape, 'classes')} here; got {tuple(logits.shape)}"
                raise InputError(f"copies trained together give logits (members, batch, classes), {given}")
            loss = F.cross_entropy(logits.transpose(1, 2), wanted, reduction="none").mean(1)
            optimiser.zero_grad()
            loss.sum().backward()
            optimiser.step()
            total += loss.detach() * chosen.shape[1]
            after(done + 1 / (course.epochs * steps))
        losses[epoch] = total.cpu() / len(inputs)
        if not bool(losses[epoch].isfinite().all()):
            raise InputError(f"the loss is not finite in epoch {epoch + 1}; lower the rate or check the data")
        report(epoch + 1, course.epochs, f"loss {float(losses[epoch].mean()):.3f}")
    return losses


@torch.inference_mode()
def accuracies(network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, batch: int = 2_000) -> torch.Tensor:
    """Share of correct examples of every member, 0 to 1, (members,), in one read."""
    network.eval()
    correct = torch.zeros(())
    for x, y in zip(inputs.split(batch), labels.split(batch), strict=True):
        correct = correct + (network(x).argmax(-1) == y).float().sum(-1)
    return correct / len(labels)


def fit_watched(
    network: nn.Module,
    train: SpectraSet,
    test: SpectraSet,
    course: Course,
    every: int,
    forward: Forward = lambda network, x: network(x),
    report: Report = silent,
) -> Watched:
    """Train in place with `fit_members`, testing after the first, every `every`-th and the last epoch."""
    epochs: list[int] = []
    curve: list[list[float]] = []

    def look(done: int, total: int, note: str = "") -> None:
        if done % every == 0 or done in (1, total):
            epochs.append(done)
            curve.append(accuracies(network, test.values, test.labels).tolist())
            network.train()
        report(done, total, note)

    fit_members(network, train.values, train.labels, course, forward=forward, report=look)
    return {"epochs": epochs, "curve": curve, "accuracies": curve[-1], "confusion": confusion(network, test)}


@torch.inference_mode()
def confusion(network: nn.Module, test: SpectraSet) -> list[list[float]]:
    """Share of every class (rows) given each class (columns), mean of the members; rows add up to 1 or are empty."""
    classes = len(test.classes)
    given = network.eval()(test.values).argmax(-1)
    cells = (test.labels * classes + given).flatten().bincount(minlength=classes**2).view(classes, classes)
    return (cells / cells.sum(1, keepdim=True).clamp(min=1)).tolist()


def join_watched(parts: Sequence[Watched]) -> Watched:
    """Members trained in several batches as one."""
    counts = torch.tensor([len(part["accuracies"]) for part in parts], dtype=torch.float64)
    tables = torch.tensor([part["confusion"] for part in parts], dtype=torch.float64)
    return {
        "epochs": parts[0]["epochs"],
        "curve": [[*chain(*rows)] for rows in zip(*(part["curve"] for part in parts), strict=True)],
        "accuracies": [*chain(*(part["accuracies"] for part in parts))],
        "confusion": ((counts.view(-1, 1, 1) * tables).sum(0) / counts.sum()).tolist(),
    }


def fabricate_restarts(network: nn.Module, given: Imperfections, devices: int, seed: Seed) -> None:
    """Fabricate a network of devices x restarts members; all restarts of a device share its factors."""
    fabricate(network, given, seed)
    for layer in radio_layers(network).values():
        for name, factor in layer.named_buffers():
            if name.endswith("_factor"):
                apart = factor.unflatten(0, (devices, -1))
                factor.copy_(apart[:, :1].expand_as(apart).flatten(0, 1))


@torch.no_grad()
def keep_best_start(
    network: nn.Module, draw: Callable[[], object], loss: Callable[[], torch.Tensor], tries: int
) -> None:
    """Call `draw`, which changes trained parameters in place, `tries` times; leave every member those of least loss.

    loss: of every member, (members,), with the parameters as they are; members are the first dimension of all.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    least, kept = torch.full((len(parameters[0]),), torch.inf), [p.detach().clone() for p in parameters]
    for _ in range(tries):
        draw()
        found = loss()
        better = found < least
        least = torch.where(better, found, least)
        for parameter, keep in zip(parameters, kept, strict=True):
            keep[better] = parameter[better]
    for parameter, keep in zip(parameters, kept, strict=True):
        parameter.copy_(keep)
