"""A wall by two numbers against the same wall resolved in space: one notched track, one pulse, runs at 300 K.

    python domain_wall.py [RUNS [SEED]]     100 runs on the mesh take about three minutes on one idle core

Track of 256 nm x 32 nm x 2 nm, cells of 4 nm, a notch of one cell in its upper side every 24 nm; Ms 580 kA/m,
A 15 pJ/m, Ku 0.5 MJ/m^3, damping 0.5, the whole stray field; 0.15 T against x make Neel walls. A spin-orbit pulse
pushes a wall that stands in a notch; where it is 0.3 ns later counts. The model knows of the mesh what can be had
without dynamics:

- U(q) of walls that creep down from everywhere at a damping of 5, so slowly that they keep their shape;
- the wall's width 2 S / integral of (dm/dx)^2, of such walls without the field;
- K_h, from the energies of rigid walls of every angle.
"""

import json
import math
import sys
import warnings
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from scipy.interpolate import CubicSpline

from common import machine
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
    Pinning,
    Pulse,
    SpinOrbit,
    Uniaxial,
    WallTrack,
    move_walls,
    relax,
    simulate,
)
from spinloom.magnetism.scene import Notch, domain_wall, masked, track, wall_position

MESH = Mesh((64, 8, 1), (4e-9, 4e-9, 2e-9))
PERIOD, WIDTH, THICKNESS = 24e-9, 32e-9, 2e-9
MS, DAMPING = 5.8e5, 0.5
FIELD = Applied(Constant(0.15 / units.MU0), (-1, 0, 0))
NOTCHES = [Notch(k * PERIOD + 2e-9, 4e-9, 4e-9, "rectangle", "upper") for k in range(-5, 5)]
MASK = track(MESH, WIDTH, NOTCHES)
GUESS = 7.2e-9
"""m, the width that walls are drawn with."""
START, REST = -46e-9, 0.1e-9
"""m, the notch where walls begin; s, before the pulse."""
CURRENT, LENGTH, AFTER, KELVIN = 1.2e12, 0.3e-9, 0.3e-9, 300.0
AT_ONCE = 25
"""Runs in one batch, which one core then holds in its cache."""


def torque() -> SpinOrbit:
    return SpinOrbit(Pulse(CURRENT, REST, LENGTH), THICKNESS, 0.2)


def magnet(damping: float = DAMPING) -> Magnet:
    fields = (Exchange(1.5e-11), Uniaxial(5e5), Demagnetization(), FIELD)
    return Magnet(Material(MS, damping), mesh=MESH, geometry=MASK, fields=fields, torques=(torque(),))


def walls(position: float | torch.Tensor, angle: float | torch.Tensor = math.pi) -> torch.Tensor:
    return masked(domain_wall(MESH, GUESS, position, azimuth=angle), MASK)


@dataclass(frozen=True)
class Statics:
    """What the mesh says of a wall at rest: see the top of this file. position (m) and energy (J): (walls,)."""

    position: torch.Tensor
    energy: torch.Tensor
    width: float
    cross_section: float
    hard_axis: float

    def wall_track(self) -> WallTrack:
        q, u = self.position.numpy(), self.energy.numpy()
        grid = torch.linspace(float(q[0]), float(q[-1]), 193, dtype=torch.float64)
        pinning = Pinning(grid, torch.from_numpy(CubicSpline(q, u)(grid.numpy())))
        material = Material(MS, DAMPING)
        return WallTrack(
            material,
            self.width,
            self.cross_section,
            self.hard_axis,
            pinning=pinning,
            torques=(torque(),),
            fields=(FIELD,),
        )


def statics() -> Statics:
    still, dx = magnet(5.0), float(MESH.lengths[0])
    bare = replace(still, fields=still.fields[:-1])
    section = float(MASK.sum()) * dx**2 * THICKNESS / (MESH.cells[0] * dx)
    angle = torch.linspace(0, 2 * math.pi, 13, dtype=torch.float64)
    terms = torch.stack([torch.ones_like(angle), angle.cos(), angle.cos() ** 2], 1)
    fitted = torch.linalg.lstsq(terms, still.energy(walls(0.0, angle))[:, None]).solution[:, 0].tolist()
    position, energy, widths = [], [], []
    for begun in torch.linspace(-96e-9, 96e-9, 65, dtype=torch.float64).split(33):
        # long after the pulse
        m, plain = (simulate(one, walls(begun), 6e-11, 1e-14, start=1.0, tolerance=1e-4).final for one in (still, bare))
        position.append(wall_position(m, MESH))
        energy.append(still.energy(m))
        x = (MESH.coordinates()[0][..., 1:] + MESH.coordinates()[0][..., :-1]) / 2
        near = (x - position[-1][:, None, None, None]).abs() < 30e-9  # without the edges of the track
        both = MASK[..., 1:] & MASK[..., :-1] & near
        widths.append(2 * section / ((plain.diff(dim=-1).square().sum(0) * both).sum((-3, -2, -1)) * THICKNESS))
    q, order = torch.cat(position).sort()
    width = float(torch.cat(widths)[(q.abs() < 60e-9)].mean())
    return Statics(q, torch.cat(energy)[order], width, section, fitted[2] / (2 * GUESS * section))


def meshed(runs: int, seed: int) -> torch.Tensor:
    """Final positions in m, (runs,)."""
    rest, found = relax(magnet(), walls(START), torque=1e-4).m.float(), []
    for first in range(0, runs, AT_ONCE):
        m = rest[:, None].expand(3, min(AT_ONCE, runs - first), *MESH.shape).contiguous()
        run = simulate(magnet(), m, REST + LENGTH + AFTER, 1.3e-13, temperature=KELVIN, seed=1000 * seed + first)
        found.append(wall_position(run.final, MESH).double())
        print(f"{first + len(found[-1])} runs", file=sys.stderr, flush=True)
    return torch.cat(found)


def modelled(known: Statics, runs: int, seed: int) -> torch.Tensor:
    """Final positions in m, (runs,)."""
    start = torch.full((runs,), START)
    run = move_walls(known.wall_track(), start, math.pi, REST + LENGTH + AFTER, 1e-12, temperature=KELVIN, seed=seed)
    return run.position[-1]


def main() -> None:
    warnings.simplefilter("ignore", SpinloomWarning)
    runs, seed = (int(text) for text in ([*sys.argv[1:], *["100", "1"][len(sys.argv) - 1 :]]))
    known = statics()
    line: dict[str, object] = {"name": "domain-wall", "runs": runs, "seed": seed}
    line |= {"width_nm": round(1e9 * known.width, 3)}
    line |= {"hard_axis": round(known.hard_axis), "barrier_kT": round(_barrier(known), 2)}
    for name, draw in (
        ("model", lambda: modelled(known, runs, seed)),
        ("model_many", lambda: modelled(known, 20_000, seed)),
        ("mesh", lambda: meshed(runs, seed)),
    ):
        begun = perf_counter()
        moved = 1e9 * (draw() - START)
        line[name] = {"mean_nm": round(float(moved.mean()), 2), "deviation_nm": round(float(moved.std()), 2)}
        line[name] |= {"error_of_mean": round(float(moved.std()) / len(moved) ** 0.5, 2)}
        line[name] |= {"error_of_deviation": round(float(moved.std()) / (2 * len(moved)) ** 0.5, 2)}
        line[name] |= {"seconds": round(perf_counter() - begun, 1)}
        line[name] |= {"notches": torch.bincount((moved / 24).round().clamp(0, 6).long(), minlength=7).tolist()}
    print(json.dumps(line | {"machine": machine()}), flush=True)


def _barrier(known: Statics) -> float:
    inner = known.energy[known.position.abs() < 50e-9]
    return float(inner.max() - inner.min()) / (units.KB * KELVIN)


if __name__ == "__main__":
    main()
