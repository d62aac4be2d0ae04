"""How many threads PyTorch uses is the user's choice."""

import os
import subprocess
import sys

import pytest

SIMULATION = """
from spinloom.devices import TwoPolarizerMTJ
TwoPolarizerMTJ().simulate(temperature=0)
TwoPolarizerMTJ().simulate(temperature=0, devices=100)
"""
NETWORK = """
from spinloom.nn.radio import Band, ResonatorChains, plan
from spinloom.nn.radio import resonance
resonance._PARALLEL = 0
torch.set_num_threads(3)
ResonatorChains(plan("linear", 8, Band()), 4).weights()
assert torch.get_num_threads() == 3, torch.get_num_threads()
torch.set_num_threads(1)
"""


@pytest.mark.parametrize("use", [SIMULATION, NETWORK])
def test_compiled_loops_leave_it_alone(use):
    code = f"import torch\n{use}\nassert torch.get_num_threads() == 1, torch.get_num_threads()"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
