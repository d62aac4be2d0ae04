"""Weights that are the harder to turn round the more they have been confirmed: Adam with metaplasticity.

Laborieux, Ernoult, Hirtzlin and Querlioz, Nature Communications 12, 2549 (2021). A step that would bring a hidden
weight W closer to zero, where its sign flips, is multiplied by 1 - tanh^2(m |W|); one that takes it away from zero is
not. m is the metaplasticity, per group of parameters.

On the CPU in single precision, one loop reads gradient, weight and both moments once; PyTorch's own operations serve
everything else.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from spinloom.errors import InputError, require_non_negative, require_number, require_positive
from spinloom.kernels import compile_loop
from spinloom.magnetism import FAST
from spinloom.seeding import generator

_BLOCK = 1 << 12
_PARALLEL = 1 << 17
"""Weights of a parameter from which on more cores pay."""
_LOG2E, _LN2_HIGH, _LN2_LOW = np.float32(math.log2(math.e)), np.float32(0.693359375), np.float32(-2.12194440e-4)
_E2, _E3, _E4, _E5, _E6 = (np.float32(1 / math.factorial(k)) for k in (2, 3, 4, 5, 6))
_LOWEST, _HALF, _ONE, _FOUR, _ZERO = (np.float32(k) for k in (-60, 0.5, 1, 4, 0))
_BIAS, _MANTISSA = np.int32(127), np.int32(23)


class MetaplasticAdam(torch.optim.Optimizer):
    """Adam whose steps towards zero shrink as weights grow; for the hidden weights of any binary layer.

    params: as for torch.optim.Adam; a group may have its own `metaplasticity`, so that each layer can. Parameters of
    one dimension (of norms, biases) take plain steps of Adam, and with metaplasticity 0 all do, as torch.optim.Adam has
    them. lr, betas, eps, weight_decay: as there; the decay is added to the gradient.
    metaplasticity: m >= 0, in 1 / hidden weight. Published: 1.35 for six permuted MNIST tasks.
    shuffled: a seed, for comparison only: each weight is slowed as another one of its tensor would be, drawn once, so
    that the same factors protect weights at random.

    Raises InputError for values out of range, naming them, and for sparse or complex parameters.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 5e-3,
        metaplasticity: float = 1.35,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        shuffled: int | None = None,
    ) -> None:
        self._others: dict[Tensor, Tensor] = {}
        settings = {"lr": lr, "metaplasticity": metaplasticity, "betas": betas, "eps": eps}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "shuffled": shuffled})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._others = {}  # drawn again from the seeds

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As of every optimiser of PyTorch; raises InputError for values out of range."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        named = {name: group[name] for name in ("lr", "metaplasticity", "eps", "weight_decay")}
        require_number("", **named)
        require_positive("", lr=named.pop("lr"))
        require_non_negative("", **named)
        betas = tuple(group["betas"])
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise InputError(f"betas must be two numbers in [0, 1), got {betas}; (0.9, 0.999) is usual")
        if group["shuffled"] is not None:
            generator(group["shuffled"])  # refuses what is no seed
        for parameter in group["params"]:
            if not parameter.is_floating_point() or parameter.layout != torch.strided:
                raise InputError(f"weights must be dense real numbers, got {parameter.dtype}, {parameter.layout}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step on all parameters that have a gradient. Raises InputError for a sparse gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return loss

    def _move(self, weight: Tensor, group: dict[str, Any]) -> None:
        gradient, state = weight.grad, self.state[weight]
        assert gradient is not None
        if gradient.layout != torch.strided:
            raise InputError("gradients must be dense; make embeddings without sparse=True")
        if not state:
            state["step"], state["exp_avg"], state["exp_avg_sq"] = 0, torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        first, second = group["betas"]
        rate, root = group["lr"] / (1 - first ** state["step"]), 1 / math.sqrt(1 - second ** state["step"])
        strength = group["metaplasticity"] if weight.ndim > 1 else 0.0
        slowing = weight
        if strength and group["shuffled"] is not None:
            slowing = weight.take(self._other(weight, group["shuffled"])).view_as(weight)
        numbers = (1 - first, second, group["weight_decay"], rate, root, group["eps"], strength)
        tensors = (weight, slowing, gradient, state["exp_avg"], state["exp_avg_sq"])
        if all(one.device.type == "cpu" and one.dtype == torch.float32 and one.is_contiguous() for one in tensors):
            many = weight.numel() >= _PARALLEL and torch.get_num_threads() > 1
            arrays = (one.detach().view(-1).numpy() for one in tensors)
            _LOOPS[many](*arrays, *map(np.float32, (*numbers, 1 - second)))
            torch.autograd.graph.increment_version(weight)  # autograd does not see what NumPy writes
        else:
            _step_by_torch(*tensors, *numbers)

    def _other(self, weight: Tensor, seed: int) -> Tensor:
        """For each weight the place of the one whose slowing it takes; each serves one."""
        if weight not in self._others:
            number = next(
                n for n, one in enumerate(one for g in self.param_groups for one in g["params"]) if one is weight
            )
            order = torch.randperm(weight.numel(), generator=generator(seed + number))
            self._others[weight] = order.to(weight.device)
        return self._others[weight]


def _step_by_torch(
    weight: Tensor, slowing: Tensor, gradient: Tensor, mean: Tensor, square: Tensor,
    fresh: float, second: float, decay: float, rate: float, root: float, eps: float, strength: float,
) -> None:  # fmt: skip
    """In place; see `_step` for the arguments."""
    if decay:
        gradient = gradient.add(weight, alpha=decay)
    mean.lerp_(gradient, fresh)
    square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
    move = mean / (square.sqrt() * root).add_(eps)
    if strength:
        slowed = move * (1 - (strength * slowing).tanh_().square_())
        move = torch.where(weight * move > 0, slowed, move)
    weight.add_(move, alpha=-rate)


@njit(fastmath=FAST, error_model="numpy")
def _slow(slowing, strength, factor):  # type: ignore[no-untyped-def]
    """factor becomes 1 - tanh^2(strength slowing), to 1e-6 of itself, by vectorisable arithmetic: e is exp(-2 |..|)."""
    for i in range(factor.shape[0]):
        y = -np.abs(strength * slowing[i])
        y += y
        y = y if y > _LOWEST else _LOWEST
        whole = np.int32(y * _LOG2E - _HALF)  # to the nearest: y <= 0
        n = np.float32(whole)
        f = y - n * _LN2_HIGH - n * _LN2_LOW
        e = _ONE + f * (_ONE + f * (_E2 + f * (_E3 + f * (_E4 + f * (_E5 + f * _E6)))))
        e *= np.int32(np.int32(whole + _BIAS) << _MANTISSA).view(np.float32)
        factor[i] = _FOUR * e / ((_ONE + e) * (_ONE + e))


@njit(fastmath=FAST, error_model="numpy")
def _move(weight, factor, gradient, mean, square, fresh, second, decay, rate, root, eps, rest):  # type: ignore[no-untyped-def]
    for i in range(weight.shape[0]):
        w = weight[i]
        g = gradient[i] + decay * w
        first = mean[i] + fresh * (g - mean[i])
        power = second * square[i] + rest * g * g
        move = first / (np.sqrt(power) * root + eps)
        mean[i], square[i] = first, power
        weight[i] = w - rate * move * (factor[i] if w * move > _ZERO else _ONE)


def _step(weight, slowing, gradient, mean, square, fresh, second, decay, rate, root, eps, strength, rest):  # type: ignore[no-untyped-def]
    """All arrays (weights,), of which weight, mean and square are renewed.

    slowing: weights whose size gives the factor. fresh: 1 - beta 1. second: beta 2, rest: 1 - it. rate: over the bias
    of the mean. root: over that of the square.
    """
    for block in prange((weight.shape[0] + _BLOCK - 1) // _BLOCK):
        a, b = block * _BLOCK, min((block + 1) * _BLOCK, weight.shape[0])
        factor = np.ones(b - a, np.float32)  # apart from the weights, or the compiler fears that writing one changes it
        if strength > _ZERO:
            _slow(slowing[a:b], strength, factor)
        arrays = weight[a:b], factor, gradient[a:b], mean[a:b], square[a:b]
        _move(*arrays, fresh, second, decay, rate, root, eps, rest)


_LOOPS = compile_loop(_step, {"fastmath": FAST, "error_model": "numpy"})
