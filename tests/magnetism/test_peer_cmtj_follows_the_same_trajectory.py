"""The same free layer in cmtj 1.15 (GPL, in a process of its own), 5 ns, with and without spin torque.

Differences of convention, found by measuring dm/dt of cmtj, and how they are removed here:

- gamma0 = 2.2088e5 m/(A s), rounded: Spinloom's Material takes gamma.
- mu0 = 1.2566e-6 T m/A, rounded (3e-5 below): it makes the demagnetising field from mu0 Ms, whose factors are scaled.
- The spin torque is added to the Landau-Lifshitz form, -a / (1 + damping^2) [m x (m x p) - beta m x p] with no
  cross terms of damping; Spinloom adds it to Gilbert's form, where damping acts on it too. Equal for
  a' = a (1 + damping beta) / (1 + damping^2) and xi' = (damping - beta) / (1 + damping beta).
- beta > 0 is +m x p, the opposite sign of Spinloom's field-like ratio xi.
- With lambda = 1 the efficiency is P / 2 of gamma hbar J / (e Ms t): Spinloom's constant factor eta = P.
- The log holds the state after a step under the time before it.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Magnet, Material, SpinTransfer, Uniaxial, simulate

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(importlib.util.find_spec("cmtj") is None, reason="PEER NOT COMPARED: pip install cmtj"),
]

GAMMA = 2.2088e5 / units.MU0
THEIR_MU0 = 1.2566e-6
BASE = {
    "m": [0.6, 0.0, 0.8],
    "axis": [0.0, 0.0, 1.0],
    "mu0_ms": 1.2,
    "thickness": 1.4e-9,
    "area": 2e-15,
    "demag": [0.03, 0.05, 0.92],
    "damping": 0.02,
    "lambda": 1.0,
    "beta": 0.0,
    "polarization": 0.6,
    "polarizer": [0.8, 0.0, 0.6],
    "k": 5e5,
    "field": [1e4, 2e4, -1e4],
    "current": 0.0,
    "duration": 5e-9,
    "step": 1e-13,
    "every": 5e-11,
}
CASES = {
    "no torque": {},
    "positive current": {"current": 2e10},
    "negative current": {"current": -3e10},
    "field-like torque, strong damping": {"current": 2e10, "beta": 0.4, "damping": 0.2},
}


def in_cmtj(settings: dict) -> tuple[torch.Tensor, torch.Tensor]:
    script = Path(__file__).parent / "peers" / "cmtj_trajectory.py"
    done = subprocess.run([sys.executable, script, json.dumps(settings)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    log = json.loads(done.stdout)
    return torch.tensor(log["time"]).double(), torch.tensor(log["m"], dtype=torch.float64).T


def in_spinloom(settings: dict, records: int) -> torch.Tensor:
    s, ms = settings, settings["mu0_ms"] / units.MU0
    damping, beta = s["damping"], s["beta"]
    strength = (1 + damping * beta) / (1 + damping**2)
    xi = (damping - beta) / (1 + damping * beta)
    torque = SpinTransfer(
        Constant(s["current"] * strength), s["thickness"], s["polarization"], tuple(s["polarizer"]), xi
    )
    field = torch.tensor(s["field"])
    fields = (
        Uniaxial(s["k"], axis=tuple(s["axis"])),
        Demagnetization(tuple(n * units.MU0 / THEIR_MU0 for n in s["demag"])),
        Applied(Constant(float(field.norm())), tuple(s["field"])),
    )
    magnet = Magnet(Material(ms, damping, GAMMA), s["area"] * s["thickness"], fields, (torque,))
    start = torch.tensor(s["m"], dtype=torch.float64)
    return simulate(magnet, start, s["duration"], s["step"], records=records).m


@pytest.mark.parametrize("case", CASES)
def test_trajectories_agree_within_1e_3(case):
    settings = BASE | CASES[case]
    time, theirs = in_cmtj(settings)
    count = round(settings["duration"] / settings["step"])
    ours = in_spinloom(settings, count)
    place = (time / settings["step"]).round().long() - 1
    inside = (place >= 0) & (place < count)
    assert inside.sum() > 90
    off = (ours[place[inside]] - theirs[inside]).abs().max()
    assert (theirs - theirs[0]).abs().max() > 0.3
    print(f"cmtj, {case}: {float(off):.1e}")
    assert off <= 1e-3
