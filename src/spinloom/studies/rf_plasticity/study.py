"""The study from settings to report."""

from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.registry import command
from spinloom.studies.rf_plasticity.measurements import Bench
from spinloom.studies.rf_plasticity.outcome import NAME, Run, outcome
from spinloom.studies.rf_plasticity.plan import band_of, plan_of
from spinloom.studies.rf_plasticity.settings import Settings


def carry_out(settings: Settings) -> StudyResult:
    """Train, measure, write, print. Finished networks of an earlier run are taken from `out`."""
    started = perf_counter()
    progress = Console(stderr=True)
    size = plan_of(settings)
    choice = resolve(settings.dataset, preferred="mnist")
    progress.print(choice.reason, highlight=False, markup=False)
    reserve(settings.out, NAME, command(NAME, settings))  # fail early
    train, test = load_pair(choice.name, train_limit=size.images, seed=settings.seed)
    band = band_of(settings, train.images[0].numel())
    common = {"data": train.source, "name": train.name, "images": len(train), "version": __version__}
    bench = Bench(train, test, size, band, settings.seed, Stages(settings.out / ".cache", common))
    found = bench.measure(settings.damping, settings.fixed_damping)
    result = outcome(Run(settings, size, band, train, test, choice.reason, found, perf_counter() - started))
    publish(settings.out, result)
    return result
