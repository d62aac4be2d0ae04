"""The study from settings to report."""

from dataclasses import asdict
from time import perf_counter

from spinloom import __version__
from spinloom.data import load_spectra
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.registry import command
from spinloom.studies.rf_drones.measurements import Bench
from spinloom.studies.rf_drones.outcome import NAME, Run, outcome
from spinloom.studies.rf_drones.plan import Plan, plan_of
from spinloom.studies.rf_drones.settings import Settings

_UNSEEN = ("out", "full", "seeds", "spread_seeds", "spreads")
"""Settings that change which stages there are, not what is in one."""


def carry_out(settings: Settings) -> StudyResult:
    """Train, test, write, print. Finished stages of an earlier run are taken from `out`."""
    result = measured(settings, plan_of(settings))
    publish(settings.out, result)
    return result


def measured(settings: Settings, plan: Plan) -> StudyResult:
    """The result of a plan of any size. Raises InputError for absent data, OutputError."""
    started = perf_counter()
    train, test = load_spectra(settings.dataset, "train"), load_spectra(settings.dataset, "test")
    reserve(settings.out, NAME, command(NAME, settings))  # fail early
    known = {name: value for name, value in asdict(settings).items() if name not in _UNSEEN}
    size = {"hidden": plan.hidden, "levels": plan.levels, "instances": plan.instances, "every": plan.every}
    stages = Stages(settings.out / ".cache", {**known, **size, "version": __version__})
    found = Bench(settings, plan, (train, test), stages).measure()
    return outcome(Run(settings, plan, (train, test), found, perf_counter() - started))
