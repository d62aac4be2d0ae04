"""Weights of chains of resonators: a Cauchy-like sum over resonators for every pair of chain and input.

    W_ci = sum_k a_ck 2 w_ck x / (x^2 + w_ck^2),   x = f_i - f_ck,   w the half width at half maximum

(Ross et al., Nature Nanotechnology 18, 1273 (2023); code published with it). With absorption e the k-th resonator gets
the power that those before it left, prod_(k' < k) (1 - e L_k'), L = w^2 / (x^2 + w^2). The tensor chains x inputs x
resonators never exists: forward sums as it goes, backward computes the terms again.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spinloom.errors import InputError
from spinloom.nn.radio import loops

_PARALLEL = 1 << 17
"""Triples of chain, input and resonator from which on more cores pay."""


def chain_weights(
    inputs: Tensor, resonance: Tensor, width: Tensor | float, amplitude: Tensor, absorption: Tensor | None = None
) -> Tensor:
    """Weight of every chain for every input, (*members, chains, inputs), in units of the amplitude.

    inputs: frequencies, (inputs,) for all members or (*members, inputs). resonance: (*members, chains, resonators), in
    the same unit, best of order 1. width, amplitude, absorption: broadcast to `resonance`; absorption in [0, 1), None
    for resonators that take no power. A number for the width is the linewidth: it is that times the resonance.
    Differentiable in all five tensors, once.

    Raises InputError for shapes that do not fit, or types other than one of float32 and float64.
    """
    shape = resonance.shape
    if resonance.ndim < 2 or inputs.shape[:-1] not in (shape[:-2], ()) or inputs.ndim == 0:
        raise InputError(
            "chain_weights takes inputs (inputs,) or (*members, inputs) and resonance (*members, chains, resonators), "
            f"got {tuple(inputs.shape)} and {tuple(shape)}"
        )
    linewidth = width if isinstance(width, float) else None
    given = [resonance, resonance if isinstance(width, float) else width, amplitude]
    given += [] if absorption is None else [absorption]
    if len({tensor.dtype for tensor in (inputs, *given)}) > 1 or inputs.dtype not in (torch.float32, torch.float64):
        raise InputError("frequencies, widths and amplitudes must be all float32 or all float64")
    try:
        wide = [tensor.expand(shape).reshape(-1, shape[-1]) for tensor in given]
    except RuntimeError as error:
        raise InputError(f"width, amplitude and absorption must broadcast to {tuple(shape)}") from error
    shared = absorption is None and not amplitude.requires_grad and amplitude.ndim < 2
    if shared:
        wide[2] = amplitude.expand(1, shape[-1])  # the same signs for all chains: not copied for each
    lines = inputs.reshape(-1, inputs.shape[-1])
    joined = linewidth is not None and shared and not inputs.requires_grad and _compiled(inputs)
    if linewidth is not None:
        wide[1] = linewidth * (wide[0].detach() if joined else wide[0])
    return _Chains.apply(linewidth if joined else None, lines, *wide).view(*shape[:-1], inputs.shape[-1])


class _Chains(torch.autograd.Function):
    """With a ratio widths are that times the resonances, signs shared, inputs fixed: one sum for each resonator."""

    @staticmethod
    def forward(ctx: Any, ratio: float | None, *given: Tensor) -> Tensor:
        ctx.ratio = ratio
        inputs, rows, _, signs = given[:4]
        ctx.save_for_backward(*(given if ratio is None else (inputs, rows, signs)))
        if not _compiled(inputs):
            return plain_weights(*given)
        weights = inputs.new_empty(len(rows), inputs.shape[1])
        _loop("weights", *given)(*_arrays(*given), weights.numpy())
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        given = ctx.saved_tensors
        inputs, rows = given[0], given[1]
        if ctx.ratio is not None:
            pull, ratio = torch.empty_like(rows, memory_format=torch.contiguous_format), inputs.new_tensor([ctx.ratio])
            _loop("slopes", inputs, rows)(*_arrays(inputs, rows, ratio, given[2], upstream, pull))
            return None, None, pull, None, None
        if not _compiled(inputs):
            return None, *plain_pulls(*given, upstream)
        deplete, needed = len(given) == 5, ctx.needs_input_grad[1:]
        by_row = inputs.new_empty(len(rows), inputs.shape[1] if needed[0] or deplete else 0)
        pulls = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in given[1:]]
        if not (needed[3] or deplete):
            pulls[2] = rows.new_empty(len(rows), 0)
        arrays = _arrays(*given, upstream, by_row, *pulls)
        _loop("pulls", *given)(*arrays)
        summed = by_row.view(len(inputs), -1, by_row.shape[1]).sum(1) if needed[0] else None
        return None, summed, *(pull if wanted else None for pull, wanted in zip(pulls, needed[1:], strict=True))


def _compiled(inputs: Tensor) -> bool:
    return inputs.device.type == "cpu"


def _loop(name: str, *given: Tensor) -> Any:
    if len(given) == 5:
        return getattr(loops, f"depleting_{name}")
    work = given[1].numel() * given[0].shape[1]
    return getattr(loops, name)[work >= _PARALLEL and torch.get_num_threads() > 1]


def _arrays(*tensors: Tensor) -> list[Any]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


def plain_weights(
    inputs: Tensor, resonance: Tensor, width: Tensor, amplitude: Tensor, absorption: Tensor | None = None
) -> Tensor:
    """The sum by PyTorch's own operations, one resonator after another: for other devices than the CPU.

    inputs (members, i); the others (members * chains, resonators); returns (members * chains, i). No tensor is larger
    than the weights, times the number of resonators where power is depleted.
    """
    lines = _lines(inputs, resonance)
    total, left = torch.zeros_like(lines), torch.ones_like(lines)
    for k in range(resonance.shape[1]):
        at = slice(k, k + 1)
        x, w = lines - resonance[:, at], width[:, at]
        reciprocal = 1 / (x * x + w * w)
        total = total + left * amplitude[:, at] * 2 * w * x * reciprocal
        if absorption is not None:
            left = left * (1 - absorption[:, at] * w * w * reciprocal)
    return total


def plain_pulls(*given: Tensor) -> list[Tensor]:
    """Gradients of everything `plain_weights` takes; the last argument is the gradient of its result."""
    inputs, resonance, width, amplitude, *absorption, upstream = given
    lines, count = _lines(inputs, resonance), resonance.shape[1]
    shares = [torch.ones_like(lines)]  # of the power that reach each resonator
    for k in range(count - 1 if absorption else 0):
        f, w, e = (tensor[:, k : k + 1] for tensor in (resonance, width, *absorption))
        shares.append(shares[-1] * (1 - e * w * w / ((lines - f).square() + w * w)))
    found = [torch.zeros_like(lines), *(torch.zeros_like(resonance) for _ in given[1:-1])]
    rest = torch.zeros_like(lines)  # worth of a unit of power that goes on
    for k in reversed(range(count)):
        f, w, a, *more = (tensor[:, k : k + 1] for tensor in (resonance, width, amplitude, *absorption))
        e, up = more[0] if more else torch.zeros_like(a), upstream * shares[k if absorption else 0]
        x = lines - f
        q = 1 / (x * x + w * w)
        u = a * (w * w - x * x) * q * q + rest * e * w * x * q * q
        slope, dispersive, loss = 2 * w * u, 2 * w * x * q, w * w * q
        found[0] += up * slope
        parts = (-up * slope, -2 * up * x * u, up * dispersive, -up * rest * loss)
        for total, part in zip(found[1:], parts, strict=False):  # the last only where power is taken
            total[:, k] = part.sum(1)
        rest = a * dispersive + (1 - e * loss) * rest
    found[0] = found[0].view(len(inputs), -1, lines.shape[1]).sum(1)
    return found


def _lines(inputs: Tensor, resonance: Tensor) -> Tensor:
    return inputs.repeat_interleave(len(resonance) // len(inputs), 0)
