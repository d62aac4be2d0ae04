"""Binary weights without hidden ones: each flips when the gradients have asked for it long enough.

Helwegen et al., "Latent weights do not exist", NeurIPS 2019; with equilibrium propagation and learnt scales:
J. Laydevant et al., CVPR-W 2021, arXiv 2103.08953, and its published code.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from spinloom.errors import InputError, require_non_negative, require_number


class FlipOptimizer(torch.optim.Optimizer):
    """Weights are +a or -a; w flips where sign(w) m > threshold, m <- (1 - momentum) m + momentum gradient.

    params: weights of two axes or more, as for every optimiser of PyTorch; a group may have numbers of its own. As they
    are taken over, weights become their sign times a, the mean size that they had in their tensor, or in each of its
    outputs for convolutions. scale_rate: of the gradient descent of a, 0 keeps it. Biases need another optimiser.

    `flipped`: weights that the last step flipped, by group. Raises InputError for values out of range, and for weights
    of one axis.
    """

    def __init__(self, params: Any, momentum: float = 1e-4, threshold: float = 5e-7, scale_rate: float = 0.0) -> None:
        self.flipped: list[int] = []
        super().__init__(params, {"momentum": momentum, "threshold": threshold, "scale_rate": scale_rate})

    @torch.no_grad()
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As of every optimiser of PyTorch; raises InputError for values out of range."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        named = {name: group[name] for name in ("momentum", "threshold", "scale_rate")}
        require_number("", **named)
        require_non_negative("", **named)
        if not 0 < group["momentum"] <= 1:
            raise InputError(f"momentum is the share of a new gradient, above 0 to 1, got {group['momentum']:g}")
        for weight in group["params"]:
            if weight.ndim < 2:
                raise InputError("only weights flip; give biases and norms to another optimiser, torch.optim.SGD say")
            weight.copy_(_signs(weight) * _over_outputs(weight.abs(), torch.mean))

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step on all weights that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.flipped = []
        for group in self.param_groups:
            self.flipped.append(sum(self._flip(one, group) for one in group["params"] if one.grad is not None))
        return loss

    def _flip(self, weight: Tensor, group: dict[str, Any]) -> int:
        gradient, state = weight.grad, self.state[weight]
        assert gradient is not None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        mean = state["momentum"].lerp_(gradient, group["momentum"])
        sign = _signs(weight)
        if group["scale_rate"]:
            fall = _over_outputs(sign * gradient, torch.sum)
            size = _over_outputs(weight.abs(), torch.mean)
            weight.copy_(sign * (size - group["scale_rate"] * fall).clamp_min(0))
        flips = sign * mean > group["threshold"]
        weight.mul_(1 - 2 * flips.to(weight.dtype))
        return int(torch.count_nonzero(flips))


def _signs(weight: Tensor) -> Tensor:
    return torch.where(weight < 0, -1.0, 1.0).to(weight)


def _over_outputs(value: Tensor, function: Callable[..., Tensor]) -> Tensor:
    """Mean or sum of a tensor, or of each output of a convolution."""
    return function(value) if value.ndim == 2 else function(value, dim=tuple(range(1, value.ndim)), keepdim=True)
