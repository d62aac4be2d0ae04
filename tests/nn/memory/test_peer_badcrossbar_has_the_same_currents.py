"""The same array in badcrossbar, an independent solver of all nodes, in a process of its own."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from spinloom.nn import Array

PEER = Path(__file__).parents[3] / "benchmarks" / "peers" / "badcrossbar_currents.py"
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        importlib.util.find_spec("badcrossbar") is None,
        reason="PEER NOT COMPARED: pip install --no-deps badcrossbar pathvalidate",
    ),
]


@pytest.mark.parametrize(("rows", "columns", "resistance"), [(24, 17, 1.0), (17, 24, 50.0), (1, 8, 5.0)])
def test_currents_agree_within_1e_10(rows, columns, resistance, tmp_path):
    source = torch.Generator().manual_seed(rows)
    conductance = 10 ** (3 * torch.rand(rows, columns, generator=source, dtype=torch.float64) - 6)
    voltages = torch.rand(rows, 5, generator=source, dtype=torch.float64)
    given, found = tmp_path / "given.npz", tmp_path / "found.npz"
    np.savez(given, conductance=conductance, voltages=voltages, resistance=resistance)
    command = [sys.executable, PEER, given, found, "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    array = Array(rows, columns, word_resistance=resistance, bit_resistance=resistance)
    ours = voltages.mT @ array.effective(conductance.mT).mT
    theirs = torch.from_numpy(np.load(found)["currents"])
    off = float((ours / theirs - 1).abs().max())
    print(f"badcrossbar, {rows} x {columns}: {off:.1e}")
    assert off <= 1e-10
    assert float((1 - ours / (voltages.mT @ conductance)).max()) > 1e-3  # the wires are felt
