"""The study from settings to report."""

from dataclasses import replace
from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.devices import device_source
from spinloom.learning import Compute, save_weights, weights_for
from spinloom.report import StudyResult, publish
from spinloom.studies.kit.outputs import reserve
from spinloom.studies.kit.stages import Stages
from spinloom.studies.mtj_deep.measurements import Bench
from spinloom.studies.mtj_deep.one_run import Run
from spinloom.studies.mtj_deep.outcome import NAME, outcome
from spinloom.studies.mtj_deep.plan import plan_of
from spinloom.studies.mtj_deep.settings import Settings
from spinloom.studies.mtj_deep.software import given, trained
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train or load, convert, measure, tune, write, print. Finished stages of an earlier run are taken from `out`."""
    began = perf_counter()
    progress = Console(stderr=True)
    plan, compute = plan_of(settings), Compute(settings.accelerator, settings.devices, settings.precision)
    compute.fabric()  # refuses what is not there, before the work
    junctions = device_source(
        settings.response or "mtj-neuron", settings.junction, settings.temperature, plan.junctions, settings.seed
    )
    choice = resolve(settings.dataset, preferred="cifar10")
    progress.print(choice.reason, highlight=False, markup=False)
    folder = reserve(settings.out, NAME, command(NAME, settings))  # fail early
    train, test = load_pair(choice.name, train_limit=plan.train_images, test_limit=plan.test_images)
    plan = replace(plan, train_images=len(train), test_images=len(test))
    common = {"data": train.source, "name": train.name, "seed": settings.seed, "version": __version__}
    stages = Stages(folder, common)
    if settings.weights:
        software = given(weights_for(settings.weights, train.name), settings, plan, train)
    else:
        junctions.fabricated(settings.spread)  # what cannot be simulated shows before the training
        software = trained(settings, plan, train, stages)
    progress.print(f"Software network: {software.origin}.", highlight=False, markup=False)
    known = stages.of(weights=software.digest, junctions=junctions.identity)
    found = Bench(software, junctions, (train, test), plan, settings.seed, known, compute).measure(settings.spread)
    seconds = perf_counter() - began
    result = outcome(Run(settings, plan, test, choice.reason, software, junctions, found, seconds, stages.resumed))
    save_weights(settings.out / "network.safetensors", software.network)
    publish(result, settings.out)
    return result
