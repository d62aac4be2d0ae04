"""The descent in two stages: on a macrospin, then on a mesh from where that ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from spinloom.devices import TwoPolarizerMTJ
from spinloom.magnetism import double
from spinloom.progress import bar
from spinloom.studies.mtj_design.descent import Descent, descend
from spinloom.studies.mtj_design.noise import electrical_variance
from spinloom.studies.mtj_design.objective import LARGEST_INPUT, Goal, parts, relative
from spinloom.studies.mtj_design.parameters import design_of, shares_of, with_shares
from spinloom.studies.mtj_design.plan import Plan
from spinloom.studies.mtj_design.settings import Settings
from spinloom.studies.mtj_parts.stages import Stages

THERMAL_READS = 512
THERMAL_POINTS = 29


@dataclass(frozen=True)
class Designed:
    """start, found: designs with plain numbers. point, mesh: the descents. before: parts of `start`, on the mesh."""

    start: TwoPolarizerMTJ
    found: TwoPolarizerMTJ
    point: Descent
    mesh: Descent
    before: dict[str, float]


def designed(start: TwoPolarizerMTJ, plan: Plan, settings: Settings, stages: Stages) -> Designed:
    """Descend, or take up a descent where an earlier run was killed. Raises OutputError."""
    thermal = stages.get("thermal", {}, lambda: _thermal(start, settings))
    goal = Goal(start, thermal, settings.temperature, plan.points, settings.spread, settings.energy_weight)
    kept = {"points": plan.points, "thermal": thermal}
    shares = shares_of(start)
    point, _ = _stage("descent", start, shares, goal, plan.evaluations, None, kept, stages)
    best = point.shares[point.best]
    kept |= {"from": best, "cells": plan.cells}
    mesh, before = _stage("descent-mesh", start, best, goal, plan.mesh_evaluations, plan.cells, kept, stages)
    return Designed(start, design_of(start, mesh.shares[mesh.best]), point, mesh, before)


def _stage(
    name: str,
    start: TwoPolarizerMTJ,
    shares: list[float],
    goal: Goal,
    evaluations: int,
    cells: int | None,
    kept: Mapping[str, Any],
    stages: Stages,
) -> tuple[Descent, dict[str, float]]:
    """A descent from `shares`, and the parts of `start` that it is relative to."""

    def before() -> dict[str, float]:
        with torch.no_grad():
            return {key: float(part) for key, part in parts(_resolved(start, cells), goal).items()}

    reference: dict[str, float] = stages.get(f"{name}-reference", kept, before)

    def terms(shares: torch.Tensor) -> dict[str, torch.Tensor]:
        device = _resolved(with_shares(start, shares), cells)
        return relative(device, parts(device, goal), reference, goal.energy_weight)

    settings = {**kept, "evaluations": evaluations}
    checkpoint = stages.path(name, settings, ".checkpoint")

    def compute() -> dict[str, Any]:
        with bar("descent, macrospin" if cells is None else "descent, mesh") as report:
            return descend(terms, shares, evaluations, checkpoint, report)

    return Descent(**stages.get(name, settings, compute)), reference


def _resolved(device: TwoPolarizerMTJ, cells: int | None) -> TwoPolarizerMTJ:
    """On a mesh of always the same number of cells, so that the objective has no jumps. None: a macrospin."""
    if cells is None:
        return device
    return replace(device, resolution=float(double(device.diameter).detach()) / cells)


def _thermal(start: TwoPolarizerMTJ, settings: Settings) -> float:
    """Variance of one read of the starting design by thermal motion alone, mean over the inputs, as a macrospin."""
    if settings.temperature == 0:
        return 0.0
    response = start.simulate(
        start.drives(THERMAL_POINTS, LARGEST_INPUT),
        temperature=settings.temperature,
        realizations=THERMAL_READS,
        seed=settings.seed,
    )
    electrical = float(electrical_variance(start, settings.temperature))
    return max(float(response.noise.double().square().mean()) - electrical, 0.0)
