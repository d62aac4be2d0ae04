"""One programming step of 2.4 million pairs of HfOx devices against one plain Adam step on as many weights, in one run.

Ours: every pair gets a whole number of pulses between -14 and 14, its device's resistance is drawn anew with telegraph
and 1/f noise, devices differ by the measured laws, and the signs of all pairs are compared, in one pass and in place.
Peer: `torch.optim.Adam(...).step()` with its defaults on 2.4 million float32 weights; its other two implementations are
reported beside it. All take turns; the best of the rounds counts. The bar is 3 times the plain step: a ratio of 0.333.
`--layer` measures the same of a whole `Programming` step of a layer, Adam and the rounding of its changes included.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from common import best, report
from spinloom.devices import WeakResetMemory
from spinloom.learning import Programming, Pulses
from spinloom.nn import DeviceLinear

INPUTS, OUTPUTS, MOST = 800, 3000, 14


def adam(count: int, **options: bool) -> Callable[[], object]:
    weights = nn.Parameter(torch.randn(count, generator=torch.Generator().manual_seed(1)))
    weights.grad = torch.randn(count, generator=torch.Generator().manual_seed(2))
    return torch.optim.Adam([weights], lr=1e-3, **options).step


def pairs(count: int) -> Callable[[], object]:
    memory = WeakResetMemory().fabricate(2 * count, seed=1)
    state, signs = memory.fresh((2 * count, 1), 2), torch.empty(count)
    source = torch.Generator().manual_seed(3)
    events = torch.randint(-MOST, MOST + 1, (count,), generator=source).float()
    return lambda: memory.program_pairs(state, events, signs, source)


def programming() -> Callable[[], object]:
    layer = DeviceLinear(INPUTS, OUTPUTS, WeakResetMemory(), False, cells="binary", weight_range=1.0, fresh=True)
    optimizer = torch.optim.Adam(layer.parameters(), lr=100.0)
    programming = Programming(optimizer, layer, Pulses(step=1.0, most=MOST, remainder="drop"))
    layer.weight.grad = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(2))
    return programming.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--layer", action="store_true")
    given = parser.parse_args()
    count = INPUTS * OUTPUTS
    ways = {"ours": programming() if given.layer else pairs(count), "Adam": adam(count)}
    ways |= {"Adam, foreach": adam(count, foreach=True), "Adam, fused": adam(count, fused=True)}
    times = best(ways, given.rounds)
    name = "programming step of a layer of 2.4 M pairs" if given.layer else "pulses and signs of 2.4 M pairs"
    for peer in list(ways)[1:]:
        report(name, times["ours"], times[peer], peer, "ms", higher_is_better=False)


if __name__ == "__main__":
    main()
