"""Where a macrospin is enough: the same junction as one moment and as a mesh, at 0 K."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from spinloom.devices import TwoPolarizerMTJ, after_pulse, design_curves, mean_magnetization, read_curves
from spinloom.magnetism import exchange_length
from spinloom.progress import bar
from spinloom.studies.mtj_design.objective import LARGEST_INPUT
from spinloom.studies.mtj_design.plan import Plan
from spinloom.studies.mtj_parts.stages import Stages

POINTS = 6
LEAST_CELLS = 10
DENSER = 2.0
"""Ratio of the saturation magnetisation of the second material, and of its pulses, which keeps the voltage."""


@dataclass(frozen=True)
class Difference:
    """At one diameter or pulse length: largest over the inputs of |m_x - m_x of a macrospin|, of the same of m_z^2, and
    of the non-uniformity 1 - |<m>| right after the pulse."""

    at: float
    value: float
    slope: float
    nonuniformity: float


@dataclass(frozen=True)
class Modes:
    """sizes, pulses: of the design. dense_sizes, dense_pulses: for a material of DENSER times its magnetisation."""

    sizes: tuple[Difference, ...]
    dense_sizes: tuple[Difference, ...]
    pulses: tuple[Difference, ...]
    dense_pulses: tuple[Difference, ...]


def modes(device: TwoPolarizerMTJ, plan: Plan, stages: Stages) -> Modes:
    """Simulate, or take what an earlier run simulated."""
    dense = replace(
        device,
        saturation_magnetization=DENSER * device.saturation_magnetization,
        pulse=DENSER * device.pulse,
    )
    total = len(plan.diameters) + len(plan.dense_diameters) + len(plan.pulses) + len(plan.dense_pulses)
    with bar("macrospin against mesh") as report:
        done = 0

        def row(device: TwoPolarizerMTJ, name: str, values: Sequence[float]) -> tuple[Difference, ...]:
            nonlocal done
            found = []
            for value in values:
                report(done, total, f"{name} {value:.3g} m" if name == "diameter" else f"{name} {value:.3g} s")
                given: dict[str, Any] = {name: value}
                changed = replace(device, **given)
                plain = stages.get("modes", {"device": str(changed)}, partial(_difference, changed))
                found.append(Difference(value, *plain))
                done += 1
            return tuple(found)

        result = Modes(
            row(device, "diameter", plan.diameters),
            row(dense, "diameter", plan.dense_diameters),
            row(device, "pulse", plan.pulses),
            row(dense, "pulse", plan.dense_pulses),
        )
        report(total, total, "")
    return result


def _difference(device: TwoPolarizerMTJ) -> list[float]:
    """One cycle from +z; cells of half an exchange length at most."""
    device = replace(device, operation="single", reset=1e-12)  # it starts where the reset would lead
    inputs = torch.linspace(0, LARGEST_INPUT, POINTS, dtype=torch.float64)[1:]
    drive, at_rest = inputs * device.unit_drive, torch.zeros(1, dtype=torch.float64)
    coarse = replace(device, resolution=float(device.diameter) / LEAST_CELLS)
    length = exchange_length(coarse.magnet())
    assert length is not None
    cells = max(LEAST_CELLS, int(2 * device.diameter / float(length)) + 1)
    mesh = replace(device, resolution=float(device.diameter) / cells)
    with torch.no_grad():
        value, slope = design_curves(device, drive, at_rest)
        written = after_pulse(mesh, drive, at_rest)
        mesh_value, mesh_slope = read_curves(mesh, written)
        nonuniformity = float((1 - mean_magnetization(mesh.magnet(), written).norm(dim=0)).max())
    return [float((mesh_value - value).abs().max()), float((mesh_slope - slope).abs().max()), nonuniformity]
