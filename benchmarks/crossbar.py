"""Currents of crossbars with wire resistance for 256 inputs against badcrossbar, both in one run.

64 x 64 and 128 x 128 devices of 1 to 100 uS (logarithmic), 1 ohm in every segment of wire. badcrossbar solves all nodes
for all inputs, in a process of its own, with nothing kept but the output currents. Ours computes one matrix for the
programmed array and multiplies: both are in its time; `again` is the product alone, which later inputs take. One thread
each, rounds alternate, the best of each counts. The bars: currents equal to 1e-6, a ratio of 20. `gradient` is ours
alone: forward and backward to all conductances.

badcrossbar without its drawings needs no system library: `pip install --no-deps badcrossbar pathvalidate`.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from common import machine, report
from spinloom.nn import Array

PEER = Path(__file__).parent / "peers" / "badcrossbar_currents.py"
INPUTS, RESISTANCE = 256, 1.0
ONE = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(size: int, rounds: int) -> None:
    source = torch.Generator().manual_seed(size)
    conductance = 10 ** (2 * torch.rand(size, size, generator=source, dtype=torch.float64) - 6)  # rows x columns
    voltages = 0.2 * torch.rand(size, INPUTS, generator=source, dtype=torch.float64)
    array = Array(size, size, word_resistance=RESISTANCE, bit_resistance=RESISTANCE)

    def ours() -> torch.Tensor:
        return voltages.mT @ array.effective(conductance.mT).mT

    def gradient() -> None:
        array.effective(conductance.mT.clone().requires_grad_()).sum().backward()

    found, peer, forth = ours(), [], []
    with tempfile.TemporaryDirectory() as folder:
        given, currents = Path(folder) / "given.npz", Path(folder) / "found.npz"
        np.savez(given, conductance=conductance, voltages=voltages, resistance=RESISTANCE)
        for _ in range(rounds):
            forth += [seconds(ours) for _ in range(5)]
            subprocess.run([sys.executable, str(PEER), str(given), str(currents), "1"], check=True, env=ONE)
            solved = np.load(currents)
            peer.append(float(solved["seconds"]))
        theirs = torch.from_numpy(solved["currents"])
    report(f"crossbar-{size}", min(forth), min(peer), "badcrossbar", f"s, {INPUTS} inputs", higher_is_better=False)
    effective = array.effective(conductance.mT)
    line = {
        "name": f"crossbar-{size}-agreement",
        "largest_relative_difference": float(f"{float((found / theirs - 1).abs().max()):.2g}"),
        "lost_in_wires": float(f"{1 - float(found.sum() / (voltages.mT @ conductance).sum()):.3g}"),
        "again": float(f"{min(seconds(lambda: voltages.mT @ effective.mT) for _ in range(20)):.3g}"),
        "gradient": float(f"{min(seconds(gradient) for _ in range(3)):.3g}"),
        "unit": "s",
        "machine": machine(),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    torch.set_num_threads(1)
    if importlib.util.find_spec("badcrossbar") is None:
        sys.exit("PEER NOT COMPARED: pip install --no-deps badcrossbar pathvalidate")
    for size in (64, 128):
        compare(size, rounds)


if __name__ == "__main__":
    main()
