"""The study from settings to report."""

from dataclasses import replace
from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.devices import device_source
from spinloom.learning import Compute
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.mtj_training.measurements import measure
from spinloom.studies.mtj_training.one_run import Run
from spinloom.studies.mtj_training.outcome import NAME, outcome
from spinloom.studies.mtj_training.plan import plan_of
from spinloom.studies.mtj_training.settings import Settings
from spinloom.studies.mtj_training.training import Trainer
from spinloom.studies.mtj_training.ways import Hardware
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train, measure, write, print. Finished networks of an earlier run are taken from `out`."""
    started = perf_counter()
    plan, compute = plan_of(settings), Compute(settings.accelerator)
    compute.fabric()  # refuses what is not there, before the work
    # seed 0 whatever the first network's: a network of a given seed has the same devices in every call
    junctions = device_source(
        settings.response or "mtj-neuron", settings.junction, settings.temperature, plan.devices, 0
    )
    hardware = Hardware.of(settings, junctions)
    choice = resolve(settings.dataset)
    Console(stderr=True).print(choice.reason, highlight=False, markup=False)
    folder = reserve(settings.out, NAME, command(NAME, settings))  # fail early
    train, test = load_pair(choice.name, train_limit=plan.images, seed=0)  # the same images whatever the first seed
    plan = replace(plan, images=len(train))
    common = {"data": train.source, "name": train.name, "images": len(train), "version": __version__}
    stages = Stages(folder, common | compute.identity)
    tuned = [settings.chip_spread] if plan.instances and "software" in settings.ways else []
    for spread in (settings.spread, *tuned):
        junctions.fabricated(spread)  # what cannot be simulated shows before the training
    trainer = Trainer(train, test, plan, hardware, stages, compute)
    found = measure(trainer, settings)
    seconds = perf_counter() - started
    run = Run(settings, plan, hardware, train, test, choice.reason, found, seconds, stages.resumed)
    result = outcome(run)
    publish(settings.out, result)
    return result
