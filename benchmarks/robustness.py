"""Accuracy of many fabricated instances of one network on simulated junctions, against plain loops, all in one run.

The network is the Fashion-MNIST CNN with every neuron a junction of its own (5 % spread, 300 K, read noise). Peers:
`plain loop` is what one writes without Spinloom, instance after instance in batches of 100: PyTorch's searchsorted,
gathers and normals on each unit's own curve; `plain loop, channels last` is the same with the network in the faster
layout; `resample loop` is Spinloom's own layers, one instance after the other. All see the same images in one run, and
none needs training: the time does not depend on the weights. Times are medians of rounds in which all take turns,
scaled linearly to 100 instances on 10,000 images; `--images 10000 --instances 100 --rounds 1` scales ours by nothing.
The bar is a ratio of 5 to the plain loop.
"""

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from common import report
from spinloom.data import load_images, resolve
from spinloom.devices import Response, Spread, TwoPolarizerMTJ
from spinloom.evaluation import Examples, accuracy, evaluate_instances, on_devices
from spinloom.evaluation.robustness import BATCH
from spinloom.learning import fashion_cnn
from spinloom.nn import device_layers, real, resample

INSTANCES, IMAGES = 100, 10_000


class PlainJunctions(nn.Module):
    """Each unit's own curve by PyTorch's operations. devices: (units,), the row of the response for each unit."""

    def __init__(self, response: Response, devices: torch.Tensor, noisy: bool = True) -> None:
        super().__init__()
        self.inputs = response.inputs.float()
        self.value, self.noise = response.value.float()[devices], response.noise.float()[devices]
        self.units, self.noisy = torch.arange(len(devices)), noisy

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1).clamp(self.inputs[0], self.inputs[-1])
        right = torch.searchsorted(self.inputs, flat).clamp(1, len(self.inputs) - 1)
        left = right - 1
        part = (flat - self.inputs[left]) / (self.inputs[right] - self.inputs[left])
        value = torch.lerp(self.value[self.units, left], self.value[self.units, right], part)
        if self.noisy:
            noise = torch.lerp(self.noise[self.units, left], self.noise[self.units, right], part)
            value = value + noise * torch.randn_like(value)
        return value.view(x.shape)


def plain(
    network: nn.Sequential, response: Response, units: list[int], devices: list[torch.Tensor] | None
) -> nn.Module:
    """An instance with its tanhs replaced; devices are drawn, or given (and then without noise, for the check)."""
    twin, place = copy.deepcopy(network), 0
    for name, module in network.named_children():
        if isinstance(module, nn.Tanh):
            drawn = devices[place] if devices else torch.randint(len(response.value), (units[place],))
            setattr(twin, name, PlainJunctions(response, drawn, noisy=devices is None))
            place += 1
    return twin


def check(network: nn.Sequential, response: Response, hardware: nn.Module, examples: Examples) -> None:
    """Both forms give the same outputs for the same devices without noise."""
    layers = device_layers(hardware).values()
    rows = [layer.assignment.long() for layer in layers]
    with torch.inference_mode():
        ours = real(copy.deepcopy(hardware), read_noise=False)(examples.inputs[:100])
        peer = plain(network, response, [len(row) for row in rows], rows)(examples.inputs[:100])
    torch.testing.assert_close(ours, peer, atol=1e-4, rtol=0)


def medians(
    ways: dict[str, tuple[Callable[[], object], int]], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Median seconds per instance of each way, their runs alternating. ways: name to (run, instances of one run)."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (run, instances) in ways.items():
            start = clock()
            run()
            times[name].append((clock() - start) / instances)
    return {name: statistics.median(column) for name, column in times.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=1000, help="images that every way sees")
    options.add_argument("--instances", type=int, default=10, help="side by side, in one round (of a loop: 1)")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--processor-time", action="store_true", help="of this process, for a machine that is busy")
    chosen = options.parse_args()
    examples = Examples.of(load_images(resolve("auto").name, "test")).first(chosen.images)
    response = TwoPolarizerMTJ().simulate(spread=Spread.uniform(0.05), devices=64, temperature=300, seed=0)
    network = fashion_cnn(channels=(32, 64, 64)).eval()
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    hardware, quick = (on_devices(form, response, examples) for form in (network, last))
    check(network, response, hardware, examples)
    units = [layer.assignment.numel() for layer in device_layers(hardware).values()]
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "plain loop": (lambda: accuracy(plain(network, response, units, None), examples, BATCH), 1),
        "plain loop, channels last": (lambda: accuracy(plain(last, response, units, None), examples, BATCH), 1),
        "resample loop": (lambda: accuracy(resample(quick, 1), examples, BATCH), 1),
        "ours": (lambda: evaluate_instances(hardware, examples, chosen.instances), chosen.instances),
    }
    few = examples.first(BATCH)  # compiles
    evaluate_instances(hardware, few, 2), accuracy(quick, few), accuracy(plain(network, response, units, None), few)
    clock = time.process_time if chosen.processor_time else time.perf_counter
    found = medians(ways, chosen.rounds, clock)
    scale = INSTANCES * IMAGES / len(examples)
    unit = f"s for {INSTANCES} instances on {IMAGES:,} images, scaled linearly from {len(examples):,} images and "
    unit += f"{chosen.instances} instances (loops: 1)" + ", processor time" * chosen.processor_time
    for name in ("plain loop", "plain loop, channels last", "resample loop"):
        report("robustness", scale * found["ours"], scale * found[name], name, unit, higher_is_better=False)


if __name__ == "__main__":
    main()
