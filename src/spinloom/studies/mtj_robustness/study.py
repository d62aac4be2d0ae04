"""The study from settings to report."""

from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.evaluation.accuracy import Examples
from spinloom.evaluation.report import publish
from spinloom.evaluation.result import StudyResult
from spinloom.evaluation.stages import Stages
from spinloom.files import write_text
from spinloom.learning.weights import save_weights
from spinloom.studies.mtj_robustness.measurements import Bench
from spinloom.studies.mtj_robustness.outcome import NAME, Run, outcome
from spinloom.studies.mtj_robustness.plan import plan_of
from spinloom.studies.mtj_robustness.settings import Settings
from spinloom.studies.mtj_transfer.junctions import chosen
from spinloom.studies.mtj_transfer.software import given, trained
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train or load, fabricate, measure, write, print. Finished points of an earlier run are taken from `out`."""
    started = perf_counter()
    progress = Console(stderr=True)
    plan, seed, folder = plan_of(settings), settings.seed, settings.out / ".cache"
    junctions = chosen(settings.response, settings.junction, settings.temperature, plan.network.devices, seed)
    choice = resolve(settings.dataset)
    progress.print(choice.reason, highlight=False, markup=False)
    write_text(folder / "command.txt", command(NAME, settings) + "\n")  # fail early
    train, test = load_pair(choice.name)
    if settings.weights:
        software = given(settings.weights, train)
    else:
        made = Stages(folder, {"data": train.source, "name": train.name, "seed": seed})
        software = trained(train, plan.network, seed, made)
    progress.print(f"Software network: {software.origin}.", highlight=False, markup=False)
    known = {"weights": software.digest, "junctions": junctions.identity, "version": __version__}
    stages = Stages(folder, {"name": test.name, "seed": seed, **known})
    instances = settings.instances or plan.instances
    found = Bench(software, junctions, Examples.of(test), plan, instances, seed, stages).measure()
    run = Run(settings, plan, test, choice.reason, software, junctions, found, perf_counter() - started)
    result = outcome(run)
    if not settings.weights:
        save_weights(software.network, settings.out / "network.safetensors")
    publish(result, settings.out)
    return result
