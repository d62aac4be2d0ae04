"""A spiking network 784-256-10 on trains of 100 steps against snnTorch, the same weights and spikes, in one run.

Ours: `SpikingNetwork` with trains, time folded into rows for the linear layers, one compiled loop for each layer of
neurons; and one training step (forward, backward, Adam). Peer: snnTorch 1.0, its layers called step by step, as its
documentation does. All take turns; the best of the rounds counts. Spikes of both are compared first.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import snntorch
import torch
from snntorch import utils
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from common import best, report
from spinloom.nn import LeakyNeurons, SpikingNetwork

STEPS, BATCH = 100, 128


def peer() -> nn.Sequential:
    torch.manual_seed(1)
    neurons = (snntorch.Leaky(0.9, init_hidden=True) for _ in range(2))
    return nn.Sequential(nn.Linear(784, 256), next(neurons), nn.Linear(256, 10), next(neurons))


def counts(network: nn.Sequential, trains: torch.Tensor) -> torch.Tensor:
    utils.reset(network)
    return torch.stack([network(step) for step in trains]).sum(0)


def training(forward: Callable[[], torch.Tensor], network: nn.Module) -> Callable[[], object]:
    adam, labels = torch.optim.Adam(network.parameters(), 1e-4), torch.arange(BATCH) % 10

    def step() -> None:
        adam.zero_grad()
        nn.functional.cross_entropy(forward(), labels).backward()
        adam.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    theirs, trains = peer(), (torch.rand(STEPS, BATCH, 784) < 0.1).float()
    linear = [nn.Linear(784, 256), nn.Linear(256, 10)]
    for layer, other in zip(linear, theirs[::2], strict=True):
        layer.load_state_dict(other.state_dict())
    neurons = (LeakyNeurons(0.9, reset="delayed") for _ in range(2))
    ours = SpikingNetwork(nn.Sequential(linear[0], next(neurons), linear[1], next(neurons)), STEPS, trains=True)
    with torch.no_grad():
        differ = int((ours(trains) != counts(theirs, trains)).sum())
        print(f"{differ} of {BATCH * 10} counts differ", file=sys.stderr)
        found = best({"ours": lambda: ours(trains), "peer": lambda: counts(theirs, trains)}, given.rounds)
    learnt = best(
        {"ours": training(lambda: ours(trains), ours), "peer": training(lambda: counts(theirs, trains), theirs)},
        given.rounds,
    )
    for name, times in (("forward", found), ("training step", learnt)):
        what = f"784-256-10, {STEPS} steps, batch {BATCH}, {name}"
        report(what, times["ours"], times["peer"], "snnTorch", "ms", higher_is_better=False)


if __name__ == "__main__":
    main()
