"""Accuracy against device spread, for several ways to give a fabricated device its settings."""

from collections.abc import Callable, Sequence

import torch

from spinloom.evaluation import Population, SweepPoint
from spinloom.progress import bar
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_xor.network import imperfections
from spinloom.studies.rf_xor.plan import Plan
from spinloom.studies.rf_xor.points import MAIN, points_of
from spinloom.studies.rf_xor.settings import Settings
from spinloom.studies.rf_xor.training import Trained, copied, shares, train

SWEEPS = ("measured", "ideal", "tuned", "copied")
"""How a device gets its settings, see `pictures.WAYS`."""


def spread_sweep(way: str, settings: Settings, plan: Plan, stages: Stages) -> tuple[SweepPoint, ...]:
    """One of SWEEPS over the levels of the plan, on the main task. Raises OutputError."""
    training, test = points_of(MAIN, plan.points, plan.tests, settings.seed)
    count, seed = plan.sweep_devices, settings.seed + 500

    def trained_on(level: float, twin: str) -> Trained:
        given = imperfections(level, settings.temperature)
        return train(training, given, plan.training, count, seed, damping=settings.damping, twin=twin)

    def by_training() -> list[list[float]]:
        with bar(f"spread, {way}") as report:
            found = []
            for number, level in enumerate(plan.levels):
                found.append(trained_on(level, way).accuracies(test, plan.reads))
                report(number + 1, len(plan.levels), "")
        return found

    def by_copying() -> list[list[float]]:
        with bar(f"spread, {way}") as report:
            found = []
            planned = trained_on(0.0, "none")
            kept = [layer.shift.detach().clone() for layer in planned.network.chains]
            for number, level in enumerate(plan.levels):
                with torch.no_grad():
                    for layer, shift in zip(planned.network.chains, kept, strict=True):
                        layer.shift.copy_(shift)
                given = imperfections(level, settings.temperature)
                network = copied(planned, given, seed + 1, tuned=way == "tuned")
                found.append(shares(network, test, plan.reads)[planned.chosen].tolist())
                report(number + 1, len(plan.levels), "")
        return found

    compute: Callable[[], list[list[float]]] = by_training if way in ("measured", "ideal") else by_copying
    return sweep_points(plan.levels, stages.get(f"spread-{way}", {"seed": seed, "plan": plan}, compute))


def sweep_points(values: Sequence[float], accuracies: list[list[float]]) -> tuple[SweepPoint, ...]:
    """Accuracies of the devices at every value."""
    return tuple(SweepPoint(value, Population(tuple(found))) for value, found in zip(values, accuracies, strict=True))
