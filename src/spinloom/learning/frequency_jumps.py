"""Resonators that jump: every one in turn to the frequency of the whole band where the loss is least.

Gradient descent moves a narrow resonator within its linewidth; what a jump gains is found by trying. With the outputs
of all candidate frequencies on a sample of examples at hand (one matrix product for all resonators), the exact loss of
every candidate costs one pass over a vector of examples. This is the counterpart of pruning and regrowing in sparse
training: the resonator leaves an input where it does little and regrows where it does most.
"""

import math

import torch
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains, chain_weights


@torch.no_grad()
def jump(
    network: RadioNetwork,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    band: Band,
    source: torch.Generator,
    *,
    examples: int = 2_500,
    candidates: int = 1_000,
) -> int:
    """Let every resonator of a one-layer network jump once, in random order; returns how many moved over a linewidth.

    inputs (n, pixels), labels (n,): `examples` of them are drawn. candidates: frequencies, evenly in their logarithm.
    Raises InputError for a network of more than one layer, or with depletion or fabricated devices.
    """
    layer = network[0]
    if len(network) != 1 or not isinstance(layer, ResonatorChains) or layer.absorption or len(layer.members) != 1:
        raise InputError("jumps are for one layer of chains without absorption, with one dimension of members")
    chosen = torch.randperm(len(inputs), generator=source)[:examples]
    x, y = network.power * inputs[chosen], labels[chosen]
    grid = torch.linspace(math.log(band.low / layer.unit), math.log(band.high / layer.unit), candidates)
    moved = 0
    for member in range(layer.members[0]):
        gain = network.readout * (1.0 if network.gain is None else float(network.gain[member].exp()))
        moved += _member(layer, member, x, y, grid, gain, source)
    return moved


def _member(
    layer: ResonatorChains,
    member: int,
    power: torch.Tensor,
    labels: torch.Tensor,
    grid: torch.Tensor,
    gain: float,
    source: torch.Generator,
) -> int:
    lines = layer._inputs()
    lines = lines[member] if lines.ndim > 1 else lines
    scale = gain * layer.sensitivity

    def outputs(frequency: torch.Tensor) -> torch.Tensor:
        """Of single resonators at these frequencies, (examples, frequencies)."""
        single = frequency.unsqueeze(-1)
        ones = torch.ones(1, 1)
        return power @ (scale * chain_weights(lines, single, layer.linewidth * single, ones)).T

    tried = outputs(grid.exp())
    resonance = layer._resonances()[member]
    own = outputs(resonance.flatten()).view(len(power), *resonance.shape)
    logits = (own * layer.signs).sum(-1) + gain * layer.bias()[member]
    moved = 0
    for place in torch.randperm(resonance.numel(), generator=source).tolist():
        chain, k = divmod(place, resonance.shape[1])
        sign = float(layer.signs[k])
        without = logits[:, chain] - sign * own[:, chain, k]
        best = int(_losses(logits, chain, without, sign * tried, labels).argmin())
        logits[:, chain] = without + sign * tried[:, best]
        old, new = resonance[chain, k].log(), grid[best]
        moved += int(abs(float(new - old)) > 2 * layer.linewidth)
        layer.shift[member, chain, k] += (new - old) / layer.step
    return moved


def _losses(
    logits: torch.Tensor, chain: int, without: torch.Tensor, change: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy for every candidate, (candidates,), up to a constant."""
    others = logits.clone()
    others[:, chain] = -math.inf
    rest = others.logsumexp(1)
    above = change + (without - rest).unsqueeze(1)  # of this chain's logit over all others together
    own = labels == chain
    return F.softplus(above).sum(0) - above[own].sum(0)
