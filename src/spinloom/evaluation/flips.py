"""What it costs to turn binary weights round, against the size of the hidden weight behind each.

Metaplasticity protects large hidden weights; that is right if their signs matter more. Laborieux et al. 2021 (Nature
Communications 12, 2549) show it by turning weights of a trained network round, and on a quadratic loss.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from spinloom import nn
from spinloom.errors import InputError, require_count, require_positive
from spinloom.evaluation.robustness import Examples
from spinloom.seeding import Seed, generator


@dataclass(frozen=True)
class Flips:
    """Draws of weights that were turned round together.

    hidden: (bins, draws), mean |hidden weight| of those turned round. increase: (bins, draws), of the mean loss.
    count: weights of a draw.
    """

    hidden: Tensor
    increase: Tensor
    count: int

    @property
    def rank_correlation(self) -> float:
        """Spearman's, between size and increase over all draws."""
        return rank_correlation(self.hidden, self.increase)


def flip_weights(
    model: Module, layer: nn.BinaryLinear | nn.BinaryConv2d, examples: Examples, count: int, *, bins: int = 20,
    draws: int = 5, seed: Seed = 0,
) -> Flips:  # fmt: skip
    """Turn `count` weights of a binary layer of `model` round at once, again and again, and measure the loss.

    Weights are sorted by the size of the hidden weight into bins of equal number, from the smallest on; each draw
    takes its weights from one bin, without replacement. The loss is the mean cross-entropy of the examples, in one
    batch. The network is left as it was.
    Raises InputError where a bin has fewer weights than a draw takes, or for a layer that is not of the network.
    """
    require_count(count=count, bins=bins, draws=draws)
    if layer not in list(model.modules()):
        raise InputError("the layer is not of this network; give one of its modules")
    weight, source = layer.weight.detach().view(-1), generator(seed)
    order = weight.abs().argsort()
    if len(weight) // bins < count:
        most = len(weight) // bins
        raise InputError(f"{count} weights cannot be drawn from {bins} bins of {most}; take fewer of one or the other")
    hidden, increase = torch.zeros(bins, draws), torch.zeros(bins, draws)

    def loss() -> float:
        return float(F.cross_entropy(model(examples.inputs), examples.labels))

    with nn.kept_modes(model), torch.no_grad():
        model.eval()
        before = loss()
        for number, within in enumerate(order.tensor_split(bins)):
            for draw in range(draws):
                chosen = within[torch.randperm(len(within), generator=source)[:count]]
                own = weight[chosen]
                weight[chosen] = torch.where(
                    own < 0, -own, -own.clamp(min=torch.finfo(own.dtype).tiny)
                )  # 0 counts as positive
                increase[number, draw] = loss() - before
                weight[chosen] = own
                hidden[number, draw] = own.abs().mean()
    return Flips(hidden, increase, count)


@dataclass(frozen=True)
class QuadraticTask:
    """Binary weights w = sign(theta) learnt on the loss (w - target)^T H (w - target) / 2, without noise.

    hidden: theta at the end, (weights,). signs: their mean sign over all steps. increase: of the loss when one weight
    is turned round at the end. settled: the same for the mean signs, 2 (H_ii - sign(theta_i) [H (mean - target)]_i).
    curvature: H_ii. drift: rate x steps.

    As theta moves by -rate H (w - target) in each step and begins at 0, its end is -drift H (mean - target): hence
    settled = 2 curvature + 2 |theta| / drift, exactly. The price of a flip grows with the hidden weight.
    """

    hidden: Tensor
    signs: Tensor
    increase: Tensor
    settled: Tensor
    curvature: Tensor
    drift: float


def quadratic_task(weights: int = 500, rate: float = 0.01, steps: int = 1000, seed: Seed = 0) -> QuadraticTask:
    """Learn binary weights on a random quadratic loss, in double precision.

    H is A A^T / weights with normal A, the target is normal: the published ones are not known to us.
    Raises InputError for a size that is not positive.
    """
    require_count(weights=weights, steps=steps)
    require_positive("", rate=rate)
    source = generator(seed)
    root = torch.randn(weights, weights, generator=source, dtype=torch.float64)
    target = torch.randn(weights, generator=source, dtype=torch.float64)
    matrix = root @ root.T / weights
    theta, total = torch.zeros_like(target), torch.zeros_like(target)
    for _ in range(steps):
        signs = nn.binarise(theta)
        total += signs
        theta = theta - rate * (matrix @ (signs - target))
    mean, last, curvature = total / steps, nn.binarise(theta), matrix.diagonal()

    def price(at: Tensor) -> Tensor:
        return 2 * (curvature - last * (matrix @ (at - target)))

    return QuadraticTask(theta, mean, price(last), price(mean), curvature, rate * steps)


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, of two tensors of the same number of values."""
    from scipy.stats import spearmanr  # a third of a second to import

    return float(spearmanr(one.flatten().numpy(), other.flatten().numpy()).statistic)
