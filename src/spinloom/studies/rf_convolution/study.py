"""The study from settings to report."""

from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair
from spinloom.learning import save_weights
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.registry import command
from spinloom.studies.rf_convolution.choosing import sets
from spinloom.studies.rf_convolution.measurements import Bench, Measured
from spinloom.studies.rf_convolution.outcome import NAME, Run, outcome
from spinloom.studies.rf_convolution.plan import Plan, plan_of
from spinloom.studies.rf_convolution.settings import Settings


def carry_out(settings: Settings) -> StudyResult:
    """Train, measure, write, print. Finished stages of an earlier run are taken from `out`."""
    started = perf_counter()
    plan = plan_of(settings)
    chosen, reason = sets(settings.dataset)
    Console(stderr=True).print(reason, highlight=False, markup=False)
    reserve(settings.out, NAME, command(NAME, settings))  # fail early
    found = tuple(_measured(name, settings, plan) for name in chosen)
    result = outcome(Run(settings, plan, reason, found, perf_counter() - started))
    for one in found:
        save_weights(settings.out / f"network-{one.test.name}.safetensors", one.network)
    publish(settings.out, result)
    return result


def _measured(name: str, settings: Settings, plan: Plan) -> Measured:
    train, test = load_pair(name, train_limit=plan.train_images)
    common = {"data": train.source, "name": name, "version": __version__}
    return Bench(train, test, plan, settings, Stages(settings.out / ".cache", common)).measure()
