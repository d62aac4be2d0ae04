"""The study from settings to report."""

from dataclasses import asdict
from time import perf_counter

from spinloom import __version__
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.registry import command
from spinloom.studies.rf_xor.measurements import measure
from spinloom.studies.rf_xor.outcome import Run, outcome
from spinloom.studies.rf_xor.plan import plan_of
from spinloom.studies.rf_xor.settings import Settings


def carry_out(settings: Settings) -> StudyResult:
    """Train, measure, write, print. Finished stages of an earlier run are taken from `out`."""
    started = perf_counter()
    plan = plan_of(settings)
    reserve(settings.out, "rf-xor", command("rf-xor", settings))  # fail early
    known = {name: value for name, value in asdict(settings).items() if name not in ("out", "full", "diameter", "seed")}
    stages = Stages(settings.out / ".cache", {**known, "version": __version__})
    result = outcome(Run(settings, plan, measure(settings, plan, stages), perf_counter() - started))
    publish(settings.out, result)
    return result
