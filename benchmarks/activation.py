"""One training step of a network on devices against the same network with nn.Tanh, both in one run.

Steps of the two alternate, and so does which of them goes first, so that whatever else the machine does hits both; the
lower quartiles are compared, which leaves out steps that another program disturbed. `ratio` is peer time over our time:
1 / 1.15 = 0.87 is the bar for the MLP with a shared device, 0.8 for the CNN, 0.625 with one device per unit. Lines with
`noise` add a fresh read noise of 2 % to every activation of every step, lines with `noise-on-both-reads` to every slope
as well. `tanh-first` is the harder CNN: tanh before the pool, four times the devices.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from common import report
from spinloom.devices import Response
from spinloom.learning import fashion_cnn, initialise, mlp
from spinloom.nn import to_hardware

BATCH = 128
NOISE = 0.02


def population(devices: int = 64, points: int = 201, spread: float = 0.05) -> Response:
    """Tanh-like devices of different gain and offset, driven from -4 to 4 in units of the network input."""
    source = torch.Generator().manual_seed(0)
    gain = 1 + spread * torch.randn(devices, 1, generator=source)
    offset = spread * torch.randn(devices, 1, generator=source)
    inputs = torch.linspace(-4, 4, points)
    value = torch.tanh(gain * inputs + offset)
    slope = gain * (1 - value.square())
    return Response(inputs * 1e11, value, slope, torch.zeros_like(value), unit_drive=1e11)


def tanh_first_cnn() -> nn.Sequential:
    """The plain Fashion-MNIST CNN with every tanh before its pool: 37,760 activations per image."""
    return initialise(
        nn.Sequential(
            *(nn.Conv2d(1, 32, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(3136, 128), nn.Tanh(), nn.Linear(128, 10)),
        ),
        seed=0,
    )


def training_step(model: nn.Module) -> Callable[[], None]:
    """One step of Adam on a batch of random images."""
    source = torch.Generator().manual_seed(1)
    images = torch.randn(BATCH, 1, 28, 28, generator=source)
    labels = torch.randint(10, (BATCH,), generator=source)
    optimiser = torch.optim.Adam(model.parameters())

    def step() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def alternate(ours: Callable[[], None], peer: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Lower quartile of the seconds of each, after a warm-up that takes compilation out."""
    for _ in range(3):
        ours(), peer()
    times: dict[Callable[[], None], list[float]] = {ours: [], peer: []}
    for number in range(rounds):
        for step in (ours, peer) if number % 2 else (peer, ours):
            times[step].append(seconds(step))
    first, second = (statistics.quantiles(column, n=4)[0] for column in times.values())
    return first, second


def compile_time(response: Response) -> None:
    """Print how long the first steps of a process wait for their loops: compiled once, later read from disk."""
    model = to_hardware(nn.Sequential(nn.Linear(8, 8), nn.Tanh()), response)
    small, large = (seconds(lambda n=n: model(torch.randn(n, 8)).sum().backward()) for n in (8, 8192))
    print(
        f"first small and first large batch of this process: {small:.1f} s, {large:.1f} s", file=sys.stderr, flush=True
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--rounds", type=int, default=40, help="steps of each network per comparison (MLP: 20 times), at least 2"
    )
    rounds = options.parse_args().rounds
    quiet = population()
    cases = {
        "": quiet,
        "-noise": quiet.with_read_noise(NOISE),
        "-noise-on-both-reads": quiet.with_read_noise(NOISE, NOISE),
    }
    compile_time(cases["-noise"])
    networks = {"mlp": mlp(), "cnn": fashion_cnn(), "cnn-tanh-first": tanh_first_cnn()}
    for name, network in networks.items():
        repeats = 20 * rounds if name == "mlp" else rounds
        for sharing in ("shared", "unit"):
            for label, devices in cases.items():
                device = to_hardware(network, devices, sharing=sharing)
                pair = alternate(training_step(device), training_step(network), repeats)
                label = f"activation-{name}-{sharing}{label}"
                report(label, *pair, "nn.Tanh", "s per training step", higher_is_better=False)


if __name__ == "__main__":
    main()
