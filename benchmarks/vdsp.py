"""One epoch of VDSP, 784-100, against a plain step loop in NumPy of the same network, on one core, in one run.

Ours: all training images of MNIST (or the packaged 5,000) learnt once. Peer: the loop of the tests, which steps every
input neuron and multiplies by all weights in every step of 5 ms, on the first images; both learn the same ones for the
comparison of a single image, take turns, and the best of the rounds counts. Bars: an epoch of 60,000 images within
60 s, and 50 times as fast as the loop. CPU time of the process is told beside: a busy machine does not change it much.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "learning"))
from plain_winner_loop import plain_loop

from common import report
from spinloom import data
from spinloom.learning import WinnerTakeAll


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outputs", type=int, default=100)
    parser.add_argument("--images", type=int, default=200, help="that both learn, of each round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    train, _ = data.load_pair(data.resolve("auto", preferred="mnist").name)
    pixels = train.images.flatten(1)
    few = pixels[: given.images]
    WinnerTakeAll(784, given.outputs).learn(few)  # compile
    ours, peer = [], []
    for _ in range(given.rounds):
        network, plain = (WinnerTakeAll(784, given.outputs, seed=1) for _ in range(2))
        began = time.process_time()
        network.learn(few)
        ours.append(time.process_time() - began)
        began = time.process_time()
        weights, _ = plain_loop(plain, few.numpy())
        peer.append(time.process_time() - began)
    off = float((torch.from_numpy(weights) - network.weights).abs().max())
    name, each = f"vdsp 784-{given.outputs}, {given.images} images, weights differ by {off:.1e}", given.images
    report(name, each / min(ours), each / min(peer), "numpy step loop", "images/s", higher_is_better=True)
    network, began, used = WinnerTakeAll(784, given.outputs, seed=1), time.perf_counter(), time.process_time()
    network.learn(pixels)
    wall, used = time.perf_counter() - began, time.process_time() - used
    name = f"vdsp 784-{given.outputs}, an epoch of {len(pixels):,} images, {used:.1f} s of CPU"
    report(name, wall, 60.0 * len(pixels) / 60_000, "bar", "s", higher_is_better=False)


if __name__ == "__main__":
    main()
