"""The sum of `resonance.py` by PyTorch's own operations, one resonator after another: for other devices than the CPU.

No tensor is larger than the weights, times the number of resonators where power is depleted.
"""

import torch


def weights(
    inputs: torch.Tensor,
    resonance: torch.Tensor,
    width: torch.Tensor,
    amplitude: torch.Tensor,
    absorption: torch.Tensor | None = None,
) -> torch.Tensor:
    """inputs (members, i); the others (members * chains, resonators); returns (members * chains, i)."""
    lines = inputs.repeat_interleave(len(resonance) // len(inputs), 0)
    total, left = torch.zeros_like(lines), torch.ones_like(lines)
    for k in range(resonance.shape[1]):
        at = slice(k, k + 1)
        x, w = lines - resonance[:, at], width[:, at]
        reciprocal = 1 / (x * x + w * w)
        total = total + left * amplitude[:, at] * 2 * w * x * reciprocal
        if absorption is not None:
            left = left * (1 - absorption[:, at] * w * w * reciprocal)
    return total


def pulls(*given: torch.Tensor) -> list[torch.Tensor]:
    """Gradients of everything `weights` takes; the last argument is the gradient of its result."""
    *arguments, upstream = given
    inputs, resonance = arguments[:2]
    lines = inputs.repeat_interleave(len(resonance) // len(inputs), 0)
    absorption = arguments[4] if len(arguments) == 5 else None
    shares = [torch.ones_like(lines)]
    if absorption is not None:
        for k in range(resonance.shape[1] - 1):
            shares.append(
                shares[-1] * (1 - _loss(lines, *(t[:, k : k + 1] for t in (resonance, arguments[2], absorption))))
            )
    found = [torch.zeros_like(lines), *(torch.zeros_like(resonance) for _ in arguments[1:])]
    rest = torch.zeros_like(lines)
    for k in reversed(range(resonance.shape[1])):
        at = slice(k, k + 1)
        share = shares[k] if absorption is not None else shares[0]
        column = [tensor[:, at].detach() for tensor in arguments[1:]]
        parts, rest = _pull_one(lines, column, upstream * share, rest)
        found[0] += parts[0]
        for total, part in zip(found[1:], parts[1:], strict=True):
            total[:, at] = part.sum(1, keepdim=True)
    found[0] = found[0].view(len(inputs), -1, lines.shape[1]).sum(1)
    return found


def _loss(lines: torch.Tensor, f: torch.Tensor, w: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
    return e * w * w / ((lines - f).square() + w * w)


def _pull_one(
    lines: torch.Tensor, column: list[torch.Tensor], up: torch.Tensor, rest: torch.Tensor
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Gradients through one resonator, and the worth of a unit of power that reaches it."""
    f, w, a, *more = column
    e = more[0] if more else torch.zeros_like(a)
    x = lines - f
    q = 1 / (x * x + w * w)
    u = a * (w * w - x * x) * q * q + rest * e * w * x * q * q
    slope, dispersive, loss = 2 * w * u, 2 * w * x * q, w * w * q
    parts = [up * slope, -up * slope, -2 * up * x * u, up * dispersive]
    if more:
        parts.append(-up * rest * loss)
    return parts, a * dispersive + (1 - e * loss) * rest
