"""Meshes against magnum.np: standard problem 4, right-hand sides of films, 256 junctions in one batch; and cost.

    python micromagnetics.py [problem4] [film] [batch] [cost]      (all but cost if none is named)

magnum.np runs in a process of its own; each line compares both sides in one run, one after the other. Compilation and
the tensor of the stray field are not counted on either side; the first call is reported by itself.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from common import machine, report
from spinloom import units
from spinloom.errors import SpinloomWarning
from spinloom.magnetism import (
    Applied,
    Constant,
    Demagnetization,
    Exchange,
    Magnet,
    Material,
    Mesh,
    SpinTransfer,
    relax,
    simulate,
)
from spinloom.magnetism.compiled.runs import MeshRates
from spinloom.magnetism.engine.rates import right_hand_side

PEER = Path(__file__).parent / "peers" / "magnumnp_films.py"
FLOATS = {"float64": torch.float64, "float32": torch.float32}
FILM = Mesh((100, 25, 1), (5e-9, 5e-9, 3e-9))
PERMALLOY = Material(8e5, 0.02)  # gamma of the free electron, as magnum.np has it
FIELD1 = (-24.6e-3, 4.3e-3, 0.0)
_SECONDS = 4.0


def peer(*arguments: str) -> dict:
    done = subprocess.run([sys.executable, str(PEER), *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def film(mesh: Mesh, *torques: SpinTransfer) -> Magnet:
    fields = (Exchange(1.3e-11), Demagnetization(), Applied(Constant(1.4e4), (1, 1, 0)))
    return Magnet(PERMALLOY, None, fields, torques, mesh)


def random_state(mesh: Mesh, dtype: torch.dtype, *batch: int) -> torch.Tensor:
    m = torch.randn((3, *batch, *mesh.shape), generator=torch.Generator().manual_seed(0), dtype=dtype)
    return m / m.norm(dim=0)


def rate(magnet: Magnet, m: torch.Tensor, least: float = _SECONDS) -> float:
    """Right-hand sides per second of the whole batch, times its members."""
    rates = MeshRates(right_hand_side(magnet, m), m, thermal=False)
    flat, out = rates.flat(m), np.empty(3 * rates.cells, dtype=rates.number)
    waves = np.ones((max(1, len(magnet.drives())), rates.members), dtype=rates.number)
    for _ in range(10):
        rates(flat, waves, out)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < least:
        for _ in range(10):
            rates(flat, waves, out)
        count += 10
    return count * rates.members / (time.perf_counter() - begin)


def problem4() -> None:
    """1 ns of field 1 from the same relaxed state."""
    terms = (Exchange(1.3e-11), Demagnetization())
    m = torch.zeros(3, *FILM.shape, dtype=torch.float64)
    m[0], m[1] = 0.995, 0.0998749217771909
    start = relax(Magnet(PERMALLOY, mesh=FILM, fields=terms), m, torque=1e-7).m
    strength = sum(b * b for b in FIELD1) ** 0.5 / units.MU0
    magnet = Magnet(PERMALLOY, mesh=FILM, fields=(*terms, Applied(Constant(strength), FIELD1)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.npy"
        np.save(path, start.numpy())
        for name, dtype in FLOATS.items():
            theirs = peer("problem4", "64", str(path))  # its default type, whatever ours is
            state = (start / start.norm(dim=0)).to(dtype)
            first = seconds(lambda state=state: simulate(magnet, state, 1e-12))
            run = simulate(magnet, state, 1e-9, records=100)
            ours = min(seconds(lambda state=state: simulate(magnet, state, 1e-9, records=100)) for _ in range(3))
            report(
                f"problem4-1ns-{name}",
                ours,
                theirs["seconds"],
                "magnum.np, RKF45, float64",
                "s",
                higher_is_better=False,
            )
            off = (run.m.mean((-3, -2, -1)).double() - torch.tensor(theirs["mean"], dtype=torch.float64)).abs().max()
            line = {"name": f"problem4-agreement-{name}", "largest_difference_of_mean_m": round(float(off), 5)}
            line |= {"right_hand_sides": 4 * int(run.steps), "first_call_s": round(first, 2)}
            print(json.dumps(line), flush=True)


def films() -> None:
    for count in (64, 256):
        mesh = Mesh((count, count, 1), (5e-9, 5e-9, 3e-9))
        for name, dtype in FLOATS.items():
            theirs = peer("rates", str(count), str(count), name[-2:], str(_SECONDS))["rates"]
            ours = rate(film(mesh), random_state(mesh, dtype))
            report(f"film-{count}x{count}-{name}", ours, theirs, f"magnum.np, {name}", "1/s", higher_is_better=True)


def batch() -> None:
    """256 junctions of 16 x 16 cells with different currents, against one film after another."""
    mesh = Mesh((16, 16, 1), (5e-9, 5e-9, 1.6e-9))
    currents = torch.linspace(-1e11, 1e11, 256, dtype=torch.float64).reshape(-1, 1, 1, 1)
    torque = SpinTransfer(Constant(currents), 1.6e-9, 0.6, field_like=0.1)
    for name, dtype in FLOATS.items():
        theirs = peer("rates", "16", "16", name[-2:], str(_SECONDS))["rates"]
        ours = rate(film(mesh, torque), random_state(mesh, dtype, 256))
        label = f"magnum.np, {name}, no spin torque"
        report(f"batch-256x16x16-{name}", ours, theirs, label, "film-right-hand sides/s", higher_is_better=True)


def cost() -> None:
    """Seconds of one right-hand side against cells and batch, float32, with the share of the Fourier transforms."""
    cases = [(side, 1) for side in (32, 64, 128, 256, 512, 1024)]
    cases += [(16, members) for members in (1, 4, 16, 64, 256, 1024)]
    for side, members in cases:
        mesh = Mesh((side, side, 1), (5e-9, 5e-9, 3e-9))
        m = random_state(mesh, torch.float32, members)
        whole = members / rate(film(mesh), m, 1.0)
        space = right_hand_side(film(mesh), m).space
        assert space is not None
        demag = space.demag
        assert demag is not None
        limit = min(seconds(lambda demag=demag, m=m: demag.inverse(demag.forward(m))) for _ in range(10))
        line = {"name": f"cost-{members}x{side}x{side}", "cells": side**2, "members": members}
        line |= {"seconds": float(f"{whole:.4g}"), "transforms": float(f"{limit:.4g}"), "machine": machine()}
        print(json.dumps(line), flush=True)


PARTS = {"problem4": problem4, "film": films, "batch": batch, "cost": cost}


def main() -> None:
    warnings.simplefilter("ignore", SpinloomWarning)  # the cells are those of the problem statement
    for name in sys.argv[1:] or ("problem4", "film", "batch"):
        PARTS[name]()


if __name__ == "__main__":
    main()
