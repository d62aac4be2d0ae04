"""The same film in magnum.np 2.2 (GPL, in a process of its own): every field, and 50 ps of motion."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Exchange, Magnet, Material, Mesh, Uniaxial, simulate
from spinloom.magnetism.engine.rates import right_hand_side
from spinloom.magnetism.stray.demag import stray_field

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(importlib.util.find_spec("magnumnp") is None, reason="PEER NOT COMPARED: pip install magnumnp"),
    pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning"),
]
SETTINGS = {
    "cells": [14, 9, 2],
    "cell": [4e-9, 5e-9, 3e-9],
    "ms": 8e5,
    "a": 1.3e-11,
    "alpha": 0.02,
    "ku": 1e5,
    "field": [-2e4, 3e4, 1e4],
    "duration": 5e-11,
}


@pytest.fixture(scope="module")
def smooth() -> torch.Tensor:
    z, y, x = np.meshgrid(np.arange(2), np.arange(9), np.arange(14), indexing="ij")
    m = np.stack([np.cos(0.2 * x), np.sin(0.2 * x) + 0.1 * z, 0.5 * np.cos(0.3 * y)])
    return torch.from_numpy(m / np.linalg.norm(m, axis=0))


@pytest.fixture(scope="module")
def theirs(smooth, tmp_path_factory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("peer")
    (folder / "settings.json").write_text(json.dumps(SETTINGS))
    np.save(folder / "state.npy", smooth.numpy())
    script = Path(__file__).parent / "peers" / "magnumnp_film.py"
    command = [sys.executable, script, folder / "settings.json", folder / "state.npy", folder / "result.npz"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return {name: torch.from_numpy(values) for name, values in np.load(folder / "result.npz").items()}


def film(*fields, gamma0=units.GAMMA0) -> Magnet:
    mesh = Mesh(tuple(SETTINGS["cells"]), tuple(SETTINGS["cell"]))
    material = Material(SETTINGS["ms"], SETTINGS["alpha"], gamma0 / units.MU0)
    return Magnet(material, mesh=mesh, fields=fields)


def terms() -> dict:
    field = torch.tensor(SETTINGS["field"])
    return {
        "exchange": Exchange(SETTINGS["a"]),
        "demag": Demagnetization(),
        "uniaxial": Uniaxial(SETTINGS["ku"]),
        "applied": Applied(Constant(float(field.norm())), tuple(SETTINGS["field"])),
    }


@pytest.mark.parametrize("name", ["exchange", "uniaxial", "applied", "demag"])
def test_the_torque_of_every_field_agrees(name, smooth, theirs):
    magnet = film(terms()[name])
    rate = right_hand_side(magnet, smooth).at(smooth, torch.zeros((), dtype=torch.float64))
    turning = -torch.linalg.cross(smooth, theirs[name], dim=0)
    alpha = SETTINGS["alpha"]
    expected = units.GAMMA0 * 1e-9 / (1 + alpha**2) * (turning + alpha * torch.linalg.cross(smooth, turning, dim=0))
    off = float((rate - expected).abs().max() / expected.abs().max())
    print(f"magnum.np, {name}: {off:.1e}")
    assert off < 1e-6


def test_the_stray_field_agrees(smooth, theirs):
    magnet = film(Demagnetization())
    ours = stray_field(magnet.mesh, magnet.material.saturation_magnetization, smooth)
    assert float((ours - theirs["demag"]).abs().max() / theirs["demag"].abs().max()) < 1e-6


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-5), (torch.float32, 1e-4)])
def test_the_states_after_50_ps_agree(dtype, bound, smooth, theirs):
    start = (smooth.to(dtype) / smooth.to(dtype).norm(dim=0)).contiguous()
    magnet = film(*terms().values(), gamma0=float(theirs["gamma0"]))
    run = simulate(magnet, start, SETTINGS["duration"], 1e-14, tolerance=1e-7)
    moved = float((run.final - start).abs().max())
    off = float((run.final.double() - theirs["final"]).abs().max())
    print(f"magnum.np, 50 ps, {dtype}: {off:.1e} after moving {moved:.2f}")
    assert moved > 0.3
    assert off < bound
