"""Radio-frequency layers against the plain broadcast form, chains x resonators x inputs in full, both in one run.

The plain form is the formula as one writes it down in PyTorch, differentiated by autograd. `radio-layer` lines: one
layer of 128 chains, 256 resonators each, 256 inputs, forward and backward; its memory is the peak of a process of its
own above what it had before (Linux). `radio-epoch` lines: an epoch of the drone network 256-128-10 on 702 spectra;
`radio-epoch-seeds` compares 20 networks trained as one batch with one network times 20: the time of 20 is 20 / ratio
times that of one.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from common import report
from spinloom.learning import Course, fit_members
from spinloom.nn.radio import Band, Oscillators, RadioNetwork, ResonatorChains, multilayer, plan

CHAINS, INPUTS = 128, 256


class PlainChains(nn.Module):
    """The same layer with every term of the sum in memory."""

    def __init__(self, layer: ResonatorChains) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, power: torch.Tensor) -> torch.Tensor:
        layer = self.layer
        resonance = layer.scaled_resonances().unsqueeze(-1)
        x = layer.scaled_inputs() - resonance
        width = layer.linewidth * resonance
        terms = layer.sensitivity * 2 * width * x / (width**2 + x**2)
        weights = (layer.signs.unsqueeze(-1) * terms).sum(-2)
        return power @ weights.transpose(-1, -2) + layer.bias().unsqueeze(-2)


def chains() -> ResonatorChains:
    return ResonatorChains(plan("linear", INPUTS, Band(), 0.01), CHAINS)


def plain(network: RadioNetwork) -> RadioNetwork:
    layers = [PlainChains(layer) if isinstance(layer, ResonatorChains) else layer for layer in network]
    return RadioNetwork(layers, power=network.power, readout=network.readout)


def layer_step(layer: nn.Module) -> Callable[[], None]:
    """Forward and backward on 256 spectra."""
    power = 1e-6 * torch.rand(256, INPUTS, generator=torch.Generator().manual_seed(0))

    def step() -> None:
        for parameter in layer.parameters():
            parameter.grad = None
        layer(power).square().sum().backward()

    return step


def seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def alternate(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Lower quartile of both, their runs alternating, after a warm-up that takes compilation out."""
    ours(), peer()
    times = [(min(seconds(ours) for _ in range(3)), seconds(peer)) for _ in range(rounds)]
    first, second = (statistics.quantiles(column, n=4)[0] for column in zip(*times, strict=True))
    return first, second


def peak(form: str, sender) -> None:  # type: ignore[no-untyped-def]
    """Send the bytes that three steps of a layer take at their peak, above what the process had before."""
    layer = chains()
    if form == "ours":  # code is compiled before the count
        layer_step(ResonatorChains(plan("linear", 4, Band(), 0.01), 2))
        ResonatorChains(plan("linear", 512, Band(), 0.01), 2)(torch.rand(2, 512)).sum().backward()
    step = layer_step(layer if form == "ours" else PlainChains(layer))
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    before = resident("VmRSS")
    for _ in range(3):
        step()
    sender.send(resident("VmHWM") - before)


def resident(name: str) -> int:
    """Bytes of this process in memory, now (VmRSS) or at the peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def peak_of(form: str) -> float:
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=peak, args=(form, sender))
    process.start()
    sender.close()  # so that a process that fails is not waited for
    found = receiver.recv()
    process.join()
    return float(found)


def spectra() -> tuple[torch.Tensor, torch.Tensor]:
    """As many random spectra and labels as the published data have: the time does not depend on their values."""
    source = torch.Generator().manual_seed(1)
    return torch.rand(702, INPUTS, generator=source), torch.randint(10, (702,), generator=source)


def epoch(network: RadioNetwork, members: int, epochs: int) -> Callable[[], object]:
    inputs, labels = spectra()
    course = Course(epochs=epochs, seeds=tuple(range(members)))
    return lambda: fit_members(network, inputs, labels, course)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=8)
    rounds = options.parse_args().rounds
    layer = chains()
    pair = alternate(layer_step(layer), layer_step(PlainChains(layer)), rounds)
    report("radio-layer", *pair, "plain broadcast form", "s, forward and backward", higher_is_better=False)
    memory = peak_of("ours"), peak_of("plain")
    report("radio-layer-memory", *memory, "plain broadcast form", "bytes at the peak", higher_is_better=False)
    one = multilayer((INPUTS, CHAINS, 10), members=(1,))
    assert isinstance(one[1], Oscillators)
    repeats = 5
    pair = alternate(epoch(one, 1, repeats), epoch(plain(one), 1, 1), max(rounds // 2, 2))
    report("radio-epoch", pair[0] / repeats, pair[1], "plain broadcast form", "s", higher_is_better=False)
    many = multilayer((INPUTS, CHAINS, 10), members=(20,))
    pair = alternate(epoch(many, 20, repeats), epoch(one, 1, repeats), max(rounds // 2, 2))
    name, unit = "one network, 20 times", "s for an epoch of 20 networks"
    report("radio-epoch-seeds", pair[0] / repeats, 20 * pair[1] / repeats, name, unit, higher_is_better=False)


if __name__ == "__main__":
    main()
