"""The study from settings to report."""

from dataclasses import replace
from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.devices import device_source
from spinloom.evaluation import Examples
from spinloom.learning import save_weights
from spinloom.report import StudyResult, publish
from spinloom.studies.kit.outputs import reserve
from spinloom.studies.kit.stages import Stages
from spinloom.studies.mtj_robustness.measurements import Bench
from spinloom.studies.mtj_robustness.outcome import NAME, Run, outcome
from spinloom.studies.mtj_robustness.plan import plan_of
from spinloom.studies.mtj_robustness.settings import Settings
from spinloom.studies.mtj_transfer.software import given, trained
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train or load, fabricate, measure, write, print. Finished points of an earlier run are taken from `out`."""
    started = perf_counter()
    progress = Console(stderr=True)
    plan, seed = plan_of(settings), settings.seed
    junctions = device_source(
        settings.response or "mtj-neuron", settings.junction, settings.temperature, plan.network.devices, seed
    )
    choice = resolve(settings.dataset)
    progress.print(choice.reason, highlight=False, markup=False)
    folder = reserve(settings.out, NAME, command(NAME, settings))  # fail early
    train, test = load_pair(choice.name)
    plan = replace(plan, images=min(plan.images, len(test)))
    stages = Stages(folder, {"data": train.source, "name": train.name, "seed": seed, "version": __version__})
    if settings.weights:
        software = given(settings.weights, train)
    else:
        junctions.nominal()  # what cannot be simulated shows before the training
        software = trained(train, plan.network, seed, stages)
    progress.print(f"Software network: {software.origin}.", highlight=False, markup=False)
    known = stages.of(weights=software.digest, junctions=junctions.identity)
    found = Bench(software, junctions, Examples.of(test), plan, seed, known).measure()
    seconds = perf_counter() - started
    run = Run(settings, plan, test, choice.reason, software, junctions, found, seconds, stages.resumed)
    result = outcome(run)
    save_weights(settings.out / "network.safetensors", software.network)
    publish(result, settings.out)
    return result
