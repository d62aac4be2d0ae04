"""Train many independent copies of a network side by side: seeds, dampings or sizes as one batch of tensors.

Every copy has its own parameters along leading dimensions, its own order of examples and its own loss; the sum of the
losses keeps their gradients apart, and Adam works number by number. A copy is trained as it would be alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError, require_positive
from spinloom.progress import Report, silent
from spinloom.seeding import generator

Forward = Callable[[nn.Module, torch.Tensor], torch.Tensor]
"""forward(network, x (members, batch, ...) or, in one order, (batch, ...)) -> logits (members, batch, classes)."""


@dataclass(frozen=True)
class Course:
    """How copies are trained.

    epochs: passes over the examples. batch: examples per step; the last, smaller one is used too. rate: of Adam at its
    peak, warmup: share of all steps in which it rises; it then falls as a cosine. seeds: one for every member, the
    order of its examples. same_order: all members see the examples in the order of the first seed, which spares
    gathering them for each; their parameters still differ.

    Raises InputError for numbers that cannot be.
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
    after: called after every step with the share of all steps done, for what is changed during training, such as a
    linewidth or a mask.

    Raises InputError if the network's output is not (members, batch, classes), or becomes NaN.
    """
    members = len(course.seeds)
    optimiser = torch.optim.Adam(_groups(network, groups, course), fused=inputs.device.type != "mps")
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
            if course.same_order:  # one matrix product serves all members
                loss = _losses(forward(network, inputs[chosen[0]]), labels[chosen].expand(members, -1))
            else:
                loss = _losses(forward(network, inputs[chosen]), labels[chosen])
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


def accuracies(
    network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, batch: int = 2_000, repeats: int = 1
) -> torch.Tensor:
    """Share of correct examples of every member, 0 to 1, (members,), averaged over `repeats` noisy reads."""
    network.eval()
    correct = torch.zeros(())
    with torch.inference_mode():
        for _ in range(repeats):
            for x, y in zip(inputs.split(batch), labels.split(batch), strict=True):
                correct = correct + (network(x).argmax(-1) == y).float().sum(-1)
    return correct / (repeats * len(labels))


def _groups(network: nn.Module, groups: Sequence[dict[str, Any]] | None, course: Course) -> list[dict[str, Any]]:
    common = {"lr": course.rate, "schedule": course.rate_at}
    if groups is None:
        groups = [{"params": [p for p in network.parameters() if p.requires_grad]}]
    return [{**common, **group} for group in groups]


def _losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every member, (members,)."""
    if logits.ndim != 3 or logits.shape[:2] != labels.shape:
        raise InputError(
            f"copies trained together give logits (members, batch, classes), {(*labels.shape, 'classes')} here; got "
            f"{tuple(logits.shape)}"
        )
    return F.cross_entropy(logits.transpose(1, 2), labels, reduction="none").mean(1)
