"""A training through noisy devices that is killed at any moment, and started again, ends with the same weights."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy_images import quarters

from spinloom.devices import Response
from spinloom.learning import Augmentation, Training, fashion_cnn, fit
from spinloom.nn import to_hardware

TRIALS, KILLS = 5, 2
HOW = Training(epochs=2, batch=16, augmentation=Augmentation(flip=True, shift=1, erase=2), seed=3)
IMAGES = quarters(480)
STEPS = HOW.epochs * len(IMAGES) // HOW.batch
PAUSE = 0.008
"""s between two steps, so that there is time to be killed in."""


def on_devices() -> torch.nn.Module:
    """A network with dropout whose every neuron is a noisy device of its own, with noise on both reads."""
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.linspace(0.8, 1.2, 7)[:, None])
    noise = torch.full_like(value, 0.05)
    response = Response(x, value, 1 - value**2, noise, 1.0, "A", slope_noise=noise)
    network = fashion_cnn((1, 8, 8), 4, (4, 4), 8, dropout=0.2, seed=1)
    return to_hardware(network, response, example_input=torch.zeros(1, 1, 8, 8), seed=2)


def train(checkpoint: Path) -> None:
    """Train to the end; leaves the network beside the checkpoint and the first step of this process."""
    steps: list[int] = []

    def report(done: int, total: int, note: str) -> None:
        steps.append(done)
        time.sleep(PAUSE)

    network = on_devices()
    fit(network, IMAGES, HOW, checkpoint, report, save_every=0.02)
    torch.save({"first": steps[0] if steps else STEPS, **network.state_dict()}, checkpoint.with_suffix(".end"))


def start(checkpoint: Path) -> int:
    """A child that trains."""
    if child := os.fork():
        return child
    try:
        train(checkpoint)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def wait_for_progress(checkpoint: Path) -> None:
    """Until a checkpoint of this run is there: a kill before it would try nothing."""

    def state() -> int:
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    before, limit = state(), time.monotonic() + 60
    while state() == before and time.monotonic() < limit and not checkpoint.with_suffix(".end").exists():
        time.sleep(0.001)


def trials(folder: Path) -> None:
    """In a process of its own, so that PyTorch is imported once: prints how often each trial was killed."""
    torch.set_num_threads(1)  # threads do not survive a fork
    fit(on_devices(), quarters(16), Training(epochs=1, batch=16))  # what is compiled and imported at first use
    assert os.waitpid(start(folder / "whole"), 0)[1] == 0
    for trial in range(TRIALS):
        chance, killed = random.Random(trial), 0
        while killed < KILLS and not (folder / f"{trial}.end").exists():
            path = folder / f"{trial}"
            child = start(path)
            wait_for_progress(path)
            time.sleep(chance.uniform(0, 0.3 * STEPS * PAUSE))
            os.kill(child, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        assert os.waitpid(start(folder / f"{trial}"), 0)[1] == 0
        print(killed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_training_killed_at_random_moments_ends_with_the_same_weights_to_the_bit(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)], capture_output=True, text=True, timeout=280, env=environment
    )
    assert done.returncode == 0, done.stderr
    killed = [int(line) for line in done.stdout.split()]
    whole = torch.load(tmp_path / "whole.end", weights_only=True)
    firsts = []
    assert len(killed) == TRIALS
    assert sum(killed) >= TRIALS
    assert whole.pop("first") == 1
    for trial in range(TRIALS):
        found = torch.load(tmp_path / f"{trial}.end", weights_only=True)
        firsts.append(found.pop("first"))
        assert found.keys() == whole.keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in whole.items()), f"trial {trial}"
    assert min(firsts) > 1, "a trial did not go on from a checkpoint: nothing was tested"
    assert not torch.equal(whole["0.weight"], on_devices().state_dict()["0.weight"])


if __name__ == "__main__":
    trials(Path(sys.argv[1]))
