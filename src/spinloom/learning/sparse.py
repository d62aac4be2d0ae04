"""Sparse perceptrons to compare with: fixed at random, pruned by magnitude, or trained by pruning and regrowing."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import InputError, unknown_name
from spinloom.learning.members import Course, fit_members
from spinloom.progress import Report, silent
from spinloom.seeding import generator

METHODS = ("static", "pruned", "set", "rigl")
"""A random choice of weights, never changed; dense at first, the smallest go little by little (Zhu and Gupta, arXiv
1710.01878); the smallest go, random ones come (Mocanu et al., Nature Communications 9, 2383 (2018)); the smallest go,
those of the largest gradient come (Evci et al., ICML 2020)."""
_REGROWING = 0.75
"""Share of the training in which weights are exchanged, once an epoch."""


class SparsePerceptron(nn.Module):
    """x (members or none, batch, inputs) -> logits (members, batch, classes); weights outside the mask are zero."""

    mask: torch.Tensor

    def __init__(self, seeds: tuple[int, ...], classes: int, inputs: int, weights: int) -> None:
        super().__init__()
        if not 0 < weights <= classes * inputs:
            raise InputError(f"the layer can keep 1 to {classes * inputs} weights, got {weights}")
        sources = [generator(seed) for seed in seeds]
        masks = torch.zeros(len(seeds), classes * inputs)
        for mask, source in zip(masks, sources, strict=True):
            mask[torch.randperm(classes * inputs, generator=source)[:weights]] = 1
        drawn = [torch.randn(classes, inputs, generator=source) for source in sources]
        self.register_buffer("mask", masks.view(-1, classes, inputs))
        self.weight = nn.Parameter(0.05 * torch.stack(drawn) * self.mask)
        self.bias = nn.Parameter(torch.zeros(len(seeds), classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight * self.mask
        if x.ndim == 2:
            flat = F.linear(x, weight.flatten(0, 1)).view(len(x), *weight.shape[:2])
            return flat.transpose(0, 1) + self.bias.unsqueeze(1)
        return torch.baddbmm(self.bias.unsqueeze(1), x, weight.transpose(1, 2))

    @torch.no_grad()
    def keep_largest(self, weights: int, strength: torch.Tensor) -> None:
        """Restrict the mask to the largest magnitudes of every member; strength: of the inputs, (inputs,)."""
        size = (self.weight * self.mask * strength).abs().flatten(1)
        kept = torch.zeros_like(size).scatter_(1, size.topk(weights).indices, 1.0)
        self.mask.copy_(kept.view_as(self.mask))

    @torch.no_grad()
    def exchange(self, count: int, score: torch.Tensor, strength: torch.Tensor) -> None:
        """Drop the `count` smallest weights of every member; grow the free ones of the largest score, from zero."""
        mask, weight = self.mask.flatten(1), self.weight.flatten(1)
        weight *= mask  # what momentum did to weights that are not there
        free = score.flatten(1).masked_fill(mask > 0, -math.inf)
        size = (self.weight * strength).abs().flatten(1).masked_fill(mask == 0, math.inf)
        dropped = size.topk(count, largest=False).indices
        grown = free.topk(count).indices
        mask.scatter_(1, dropped, 0.0).scatter_(1, grown, 1.0)
        weight.scatter_(1, dropped, 0.0).scatter_(1, grown, 0.0)


def fit_sparse(
    method: str,
    weights: int,
    classes: int,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    course: Course,
    *,
    exchanged: float = 0.5,
    report: Report = silent,
) -> SparsePerceptron:
    """A trained perceptron of `weights` weights for every seed of the course, from inputs (n, pixels) and labels (n,).

    exchanged: share of the weights that "set" and "rigl" exchange in the first epoch; it falls as a cosine.
    Weights are counted over the whole layer, so a class may have more of them than another. The magnitude that counts
    is |weight| times the root mean square of its input: pixels at the border of an image are almost never on, their
    weights grow large under Adam and do nothing. Raises InputError for an unknown method or a number of weights that
    cannot be.
    """
    if method not in METHODS:
        raise unknown_name("sparse method", method, METHODS)
    pruned, dense = method == "pruned", classes * inputs.shape[1]
    network = SparsePerceptron(course.seeds, classes, inputs.shape[1], dense if pruned else weights)
    strength, source = inputs.square().mean(0).sqrt(), generator(course.seeds[0] + 1)
    parts, passed = (10 * course.epochs, -1) if pruned else (course.epochs, 0)

    def after(done: float) -> None:
        """Acts after the first step of every part of the training."""
        nonlocal passed
        part = int(done * parts + 1e-9)
        if method == "static" or part == passed:
            return
        passed = part
        if pruned:  # a cubic share of those to lose is still there
            left = max(0.0, 1 - done / _REGROWING) ** 3
            network.keep_largest(weights + round((dense - weights) * left), strength)
            return
        share = exchanged * (0.5 + 0.5 * math.cos(math.pi * done / _REGROWING))
        count = min(round(share * weights), dense - weights)
        if count and done < _REGROWING:
            by_chance = method == "set"
            score = torch.rand(network.mask.shape, generator=source) if by_chance else gradient()
            network.exchange(count, score, strength)

    def gradient() -> torch.Tensor:
        """Magnitude of every weight's, kept or not, (members, classes, inputs), over a part of the examples."""
        chosen = torch.randperm(len(inputs), generator=source)[:5_000]
        x, y = inputs[chosen], labels[chosen]
        error = network(x).softmax(-1) - F.one_hot(y, classes)
        return (error.transpose(1, 2) @ x).abs()

    fit_members(network, inputs, labels, course, after=after, report=report)
    return network
