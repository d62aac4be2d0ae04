"""Weights of chains of resonators: a Cauchy-like sum over resonators for every pair of chain and input.

    W_ci = sum_k a_ck 2 w_ck x / (x^2 + w_ck^2),   x = f_i - f_ck,   w the half width at half maximum

(Ross et al., Nature Nanotechnology 18, 1273 (2023); code published with it). With absorption e the k-th resonator gets
the power that those before it left, prod_(k' < k) (1 - e L_k'), L = w^2 / (x^2 + w^2). The tensor chains x inputs x
resonators never exists: forward sums as it goes, backward computes the terms again. Compiled loops serve the CPU; two
resonators share one division, which is what the time goes into, and rows (chains, over all members) are divided among
the cores. PyTorch's own operations serve other devices.
"""

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor
from torch.autograd.function import once_differentiable

from spinloom.errors import InputError
from spinloom.nn.compiled import compile_loop

OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "arcp", "nsz"}, "error_model": "numpy"}
"""NaN and infinity keep their meaning."""
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
        rule = "inputs (inputs,) or (*members, inputs) and resonance (*members, chains, resonators)"
        raise InputError(f"chain_weights takes {rule}, got {tuple(inputs.shape)} and {tuple(shape)}")
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
        _loop("pulls", *given)(*_arrays(*given, upstream, by_row, *pulls))
        summed = by_row.view(len(inputs), -1, by_row.shape[1]).sum(1) if needed[0] else None
        return None, summed, *(pull if wanted else None for pull, wanted in zip(pulls, needed[1:], strict=True))


def _compiled(inputs: Tensor) -> bool:
    return inputs.device.type == "cpu"


def _loop(name: str, *given: Tensor) -> Any:
    if len(given) == 5:
        return _LOOPS[f"depleting_{name}"][True]
    work = given[1].numel() * given[0].shape[1]
    return _LOOPS[name][work >= _PARALLEL and torch.get_num_threads() > 1]


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


@njit(inline="always", **OPTIONS)
def _add_pair(inputs, f, g, a, b, c, d, weights):  # type: ignore[no-untyped-def]
    """weights += c x / (x^2 + a) + d y / (y^2 + b) with x = inputs - f, y = inputs - g."""
    for i in range(inputs.shape[0]):
        x, y = inputs[i] - f, inputs[i] - g
        p, q = x * x + a, y * y + b
        weights[i] += (c * x * q + d * y * p) / (p * q)


@njit(**OPTIONS)
def _row(inputs, resonance, width, amplitude, weights):  # type: ignore[no-untyped-def]
    two, count = type(inputs[0])(2), resonance.shape[0]
    weights[:] = 0
    for k in range(0, count - 1, 2):
        f, g, v, w = resonance[k], resonance[k + 1], width[k], width[k + 1]
        _add_pair(inputs, f, g, v * v, w * w, two * v * amplitude[k], two * w * amplitude[k + 1], weights)
    if count % 2:
        f, v, zero, one = resonance[count - 1], width[count - 1], type(inputs[0])(0), type(inputs[0])(1)
        _add_pair(inputs, f, f, v * v, one, two * v * amplitude[count - 1], zero, weights)


@njit(inline="always", **OPTIONS)
def _pull_pair(inputs, f, g, a, b, upstream):  # type: ignore[no-untyped-def]
    """Sums over the inputs for the gradients of two resonators: of u and x u, u = (a - x^2) / (x^2 + a)^2."""
    zero = type(f)(0)
    r, s, t, u = zero, zero, zero, zero
    for i in range(inputs.shape[0]):
        x, y = inputs[i] - f, inputs[i] - g
        xx, yy = x * x, y * y
        p, q = xx + a, yy + b
        both = type(f)(1) / (p * q)
        p, q = q * both, p * both  # the reciprocals
        one, other = upstream[i] * (a - xx) * p * p, upstream[i] * (b - yy) * q * q
        r += one
        s += other
        t += x * one
        u += y * other
    return r, s, t, u


@njit(inline="always", **OPTIONS)
def _pull_inputs(inputs, f, a, c, upstream, pull):  # type: ignore[no-untyped-def]
    """Adds c u to the gradient of the inputs."""
    for i in range(inputs.shape[0]):
        x = inputs[i] - f
        p = type(f)(1) / (x * x + a)
        pull[i] += c * upstream[i] * (a - x * x) * p * p


@njit(inline="always", **OPTIONS)
def _pull_amplitude(inputs, f, a, upstream):  # type: ignore[no-untyped-def]
    total = type(f)(0)
    for i in range(inputs.shape[0]):
        x = inputs[i] - f
        total += upstream[i] * x / (x * x + a)
    return total


@njit(**OPTIONS)
def _pull_row(inputs, resonance, width, amplitude, upstream, pull, shift, spread, scale):  # type: ignore[no-untyped-def]
    """Gradients of one row; those whose array is empty are not wanted."""
    two, one = type(inputs[0])(2), type(inputs[0])(1)
    count = resonance.shape[0]
    for k in range(0, count - 1, 2):
        v, w, a, b = width[k], width[k + 1], amplitude[k], amplitude[k + 1]
        r, s, t, u = _pull_pair(inputs, resonance[k], resonance[k + 1], v * v, w * w, upstream)
        shift[k], spread[k] = -two * v * a * r, -two * a * t
        shift[k + 1], spread[k + 1] = -two * w * b * s, -two * b * u
    if count % 2:
        k = count - 1
        v, a = width[k], amplitude[k]
        r, s, t, u = _pull_pair(inputs, resonance[k], resonance[k], v * v, one, upstream)
        shift[k], spread[k] = -two * v * a * r, -two * a * t
    if pull.shape[0]:
        pull[:] = 0
        for k in range(count):
            v = width[k]
            _pull_inputs(inputs, resonance[k], v * v, two * v * amplitude[k], upstream, pull)
    for k in range(scale.shape[0]):
        scale[k] = two * width[k] * _pull_amplitude(inputs, resonance[k], width[k] * width[k], upstream)


@njit(inline="always", **OPTIONS)
def _slope_pair(inputs, f, g, a, b, pull):  # type: ignore[no-untyped-def]
    """Sums over the inputs of pull u for two resonators, u = (a - x^2) p^2 = p (2 a p - 1), p = 1 / (x^2 + a)."""
    one, zero, twice, double = type(f)(1), type(f)(0), a + a, b + b
    r, s = zero, zero
    for i in range(inputs.shape[0]):
        x, y = inputs[i] - f, inputs[i] - g
        p, q = x * x + a, y * y + b
        both = one / (p * q)
        p, q = q * both, p * both
        r += pull[i] * p * (twice * p - one)
        s += pull[i] * q * (double * q - one)
    return r, s


@njit(**OPTIONS)
def _slope_row(inputs, resonance, ratio, amplitude, upstream, pull, shift):  # type: ignore[no-untyped-def]
    """Gradient of one row's resonances whose widths are ratio times them: the two parts join to -2 a ratio f_i u."""
    factor, one = type(inputs[0])(-2) * ratio, type(inputs[0])(1)
    count = resonance.shape[0]
    for i in range(inputs.shape[0]):
        pull[i] = upstream[i] * inputs[i]
    for k in range(0, count - 1, 2):
        f, g = resonance[k], resonance[k + 1]
        v, w = ratio * f, ratio * g
        r, s = _slope_pair(inputs, f, g, v * v, w * w, pull)
        shift[k], shift[k + 1] = factor * amplitude[k] * r, factor * amplitude[k + 1] * s
    if count % 2:
        f = resonance[count - 1]
        v = ratio * f
        r, s = _slope_pair(inputs, f, f, v * v, one, pull)
        shift[count - 1] = factor * amplitude[count - 1] * r


def _slopes(inputs, resonance, ratio, amplitude, upstream, shift):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        pull = np.empty(inputs.shape[1], inputs.dtype)
        own = amplitude[r % amplitude.shape[0]]
        _slope_row(inputs[r // per], resonance[r], ratio[0], own, upstream[r], pull, shift[r])


def _weights(inputs, resonance, width, amplitude, weights):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for row in prange(resonance.shape[0]):
        _row(inputs[row // per], resonance[row], width[row], amplitude[row % amplitude.shape[0]], weights[row])


def _pulls(inputs, resonance, width, amplitude, upstream, pull, shift, spread, scale):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        m = r // per
        own = amplitude[r % amplitude.shape[0]]
        _pull_row(inputs[m], resonance[r], width[r], own, upstream[r], pull[r], shift[r], spread[r], scale[r])


@njit(**OPTIONS)
def _depleting_row(inputs, resonance, width, amplitude, absorption, left, weights):  # type: ignore[no-untyped-def]
    """Weights of one chain; `left` (k + 1, i) becomes the share of the power that reaches each resonator."""
    two, one = type(inputs[0])(2), type(inputs[0])(1)
    weights[:] = 0
    left[0, :] = 1
    for k in range(resonance.shape[0]):
        f, v, c, e = resonance[k], width[k], two * width[k] * amplitude[k], absorption[k] * width[k] * width[k]
        here, after = left[k], left[k + 1]
        for i in range(inputs.shape[0]):
            x = inputs[i] - f
            q = one / (x * x + v * v)
            weights[i] += c * x * q * here[i]
            after[i] = here[i] * (one - e * q)


@njit(**OPTIONS)
def _depleting_pull_row(  # type: ignore[no-untyped-def]
    inputs, resonance, width, amplitude, absorption, upstream, left, rest, pull, shift, spread, scale, share
):
    """Backwards along the chain; rest (i,): what the resonators behind give for a unit of power that reaches them."""
    two, one, zero = type(inputs[0])(2), type(inputs[0])(1), type(inputs[0])(0)
    _depleting_row(inputs, resonance, width, amplitude, absorption, left, rest)
    pull[:] = 0
    rest[:] = 0
    for k in range(resonance.shape[0] - 1, -1, -1):
        f, v, a, e = resonance[k], width[k], amplitude[k], absorption[k]
        vv, here = v * v, left[k]
        at_f, at_v, at_a, at_e = zero, zero, zero, zero
        for i in range(inputs.shape[0]):
            x = inputs[i] - f
            q = one / (x * x + vv)
            up = upstream[i] * here[i]
            u, loss = (vv - x * x) * q * q, vv * q
            slope = two * v * (a * u + rest[i] * e * v * x * q * q)  # of the whole against the input's frequency
            at_f -= up * slope
            at_v -= up * two * x * (a * u + rest[i] * e * v * x * q * q)
            at_a += up * two * v * x * q
            at_e -= up * rest[i] * loss
            pull[i] += up * slope
            rest[i] = a * two * v * x * q + (one - e * loss) * rest[i]
        shift[k], spread[k], scale[k], share[k] = at_f, at_v, at_a, at_e


def _depleting_weights(inputs, resonance, width, amplitude, absorption, weights):  # type: ignore[no-untyped-def]
    per = resonance.shape[0] // inputs.shape[0]
    for row in prange(resonance.shape[0]):
        left = np.empty((resonance.shape[1] + 1, inputs.shape[1]), inputs.dtype)
        _depleting_row(
            inputs[row // per], resonance[row], width[row], amplitude[row], absorption[row], left, weights[row]
        )


def _depleting_pulls(  # type: ignore[no-untyped-def]
    inputs, resonance, width, amplitude, absorption, upstream, pull, shift, spread, scale, share
):
    per = resonance.shape[0] // inputs.shape[0]
    for r in prange(resonance.shape[0]):
        m = r // per
        left = np.empty((resonance.shape[1] + 1, inputs.shape[1]), inputs.dtype)
        rest = np.empty(inputs.shape[1], inputs.dtype)
        _depleting_pull_row(
            *(inputs[m], resonance[r], width[r], amplitude[r], absorption[r], upstream[r], left, rest),
            *(pull[r], shift[r], spread[r], scale[r], share[r]),
        )


_LOOPS = {
    loop.__name__.removeprefix("_"): compile_loop(loop, OPTIONS)
    for loop in (_weights, _pulls, _slopes, _depleting_weights, _depleting_pulls)
}
"""By name, then whether all cores are used; members m, chains c, inputs i, resonators k.

weights: inputs (m, i), resonance, width (m c, k), amplitude (m c or 1, k), out (m c, i). pulls: the first four, then
upstream (m c, i), gradients of inputs by row (m c, i), of resonance, width, amplitude (m c, k); those of inputs and of
amplitude may be of width 0: then they are not made. slopes: inputs, resonance, ratio of width to resonance (1,),
amplitude, upstream, gradient of the resonance (m c, k). depleting_...: with absorption (m c, k) behind the amplitude,
and its gradient behind that of the amplitude; all are (m c, k)."""
