"""One epoch of equilibrium propagation, 784-512-10, T = 30, K = 10, batch 64, against a plain PyTorch loop.

The plain loop computes the same equations: every layer in every step, the input's part too, nothing kept, the
gradients by one product for each phase. Both take turns, batch by batch, on the same images, and the sums of their
times are compared; gradients of both agree to 1e-4. BATCHES (default 100) stand for the epoch of 938.
"""

import sys
from time import perf_counter

import torch
from torch import nn

from common import report
from spinloom.learning import EquilibriumNetwork

FREE, NUDGED, BETA, ROWS = 30, 10, 0.5, 64


def plain(weights: list[torch.Tensor], x: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
    w1, b1, w2, b2 = weights
    target = torch.nn.functional.one_hot(labels, 10).float()
    hidden, output = torch.zeros(len(x), len(b1)), torch.zeros(len(x), 10)
    for step in range(FREE + NUDGED):
        if step == FREE:
            first, last = hidden, output
        new = torch.clamp(torch.clamp(x @ w1.T + b1 + output @ w2, 0, 1), 0, 1)
        out = torch.clamp(hidden @ w2.T + b2, 0, 1)
        if step >= FREE:
            out = torch.clamp(out + BETA * (target - output), 0, 1)
        hidden, output = new, out
    scale = -1 / (BETA * len(x))
    return [
        scale * (hidden.T @ x - first.T @ x),
        scale * (hidden - first).sum(0),
        scale * (output.T @ hidden - last.T @ first),
        scale * (output - last).sum(0),
    ]


def main() -> None:
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    source = torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    options = {"free_steps": FREE, "nudged_steps": NUDGED, "nudging": BETA, "sign": "positive"}
    network = EquilibriumNetwork(nn.Linear(784, 512), nn.Linear(512, 10), **options)
    weights = [parameter.detach() for parameter in network.parameters()]
    times = [0.0, 0.0]
    for _ in range(batches):
        x, labels = torch.rand(ROWS, 784, generator=source), torch.randint(10, (ROWS,), generator=source)
        network.zero_grad()
        began = perf_counter()
        network.contrast(x, labels)
        between = perf_counter()
        with torch.no_grad():
            wanted = plain(weights, x, labels)
        times = [times[0] + between - began, times[1] + perf_counter() - between]
        for parameter, gradient in zip(network.parameters(), wanted, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-4 * float(gradient.abs().max()))
    ours, peer = (time * 938 / batches for time in times)
    report(
        "epoch of equilibrium propagation, 784-512-10", ours, peer, "plain PyTorch loop", "s", higher_is_better=False
    )


if __name__ == "__main__":
    main()
