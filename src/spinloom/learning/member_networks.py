"""Software networks trained side by side, to compare with device networks under the same protocol."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.seeding import generator


class MemberMLP(nn.Module):
    """Multilayer perceptrons with ReLU and biases, one for every seed.

    x (batch, inputs) for all or (members, batch, inputs) -> logits (members, batch, classes). sizes: inputs, hidden
    layers, classes. seeds: of the initial weights, uniform in +-1 / sqrt(inputs), as PyTorch's linear layers begin.

    Parameters of layer n: `weights[n]` (members, outputs, inputs), `biases[n]` (members, 1, outputs).
    Raises InputError for fewer than two sizes, sizes below 1, no seed, or inputs of another length.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int]) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1 or not seeds:
            raise InputError(f"a network needs two sizes >= 1 and a seed, got sizes {tuple(sizes)}, {len(seeds)} seeds")
        sources = [generator(seed) for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in pairwise(sizes):
            for store, shape in ((self.weights, (after, before)), (self.biases, (1, after))):
                drawn = torch.stack([2 * torch.rand(shape, generator=source) - 1 for source in sources])
                store.append(nn.Parameter(drawn / before**0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        members, _, inputs = self.weights[0].shape
        if x.shape[-1] != inputs:
            raise InputError(f"the network takes {inputs} inputs, got {tuple(x.shape)}")
        x = x.expand(members, -1, -1)
        for number, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if number else x, weights.transpose(1, 2))
        return x
