"""The study from settings to report."""

import warnings
from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.errors import SpinloomWarning
from spinloom.evaluation import Examples, accuracy
from spinloom.learning import save_weights
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_design.checking import checked
from spinloom.studies.mtj_design.designing import designed
from spinloom.studies.mtj_design.modes import modes
from spinloom.studies.mtj_design.network import Bench
from spinloom.studies.mtj_design.outcome import NAME, Run, outcome
from spinloom.studies.mtj_design.plan import Plan, plan_of, start_of
from spinloom.studies.mtj_design.settings import Settings
from spinloom.studies.mtj_parts.software import given, trained
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Design, check, move a network, write, print. Finished stages of an earlier run are taken from `out`."""
    result = measured(settings, plan_of(settings))
    publish(settings.out, result)
    return result


def measured(settings: Settings, plan: Plan) -> StudyResult:
    """Everything but the report. Raises InputError, OutputError."""
    started = perf_counter()
    progress = Console(stderr=True)
    start = start_of(settings)
    choice = resolve(settings.dataset)
    progress.print(choice.reason, highlight=False, markup=False)
    folder = reserve(settings.out, NAME, command(NAME, settings))  # fail early
    train, test = load_pair(choice.name)
    images = {"data": train.source, "name": train.name, "seed": settings.seed}
    software = (
        given(settings.weights, train)
        if settings.weights
        else trained(train, plan.network, settings.seed, Stages(folder, images))
    )
    progress.print(f"Software network: {software.origin}.", highlight=False, markup=False)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", SpinloomWarning
        )  # the coarse mesh is this study's choice and said in its report
        designs = Stages(folder, {"version": __version__, "start": str(start), **_of_designs(settings)})
        design = designed(start, plan, settings, designs)
        devices = Stages(folder, {"version": __version__})
        before = checked("hand-chosen", design.start, plan, settings, devices)
        after = checked("found", design.found, plan, settings, devices)
        space = modes(design.start, plan, devices)
    examples = Examples.of(test)
    known = {"version": __version__, "weights": software.digest, "name": test.name, "seed": settings.seed}
    bench = Bench(
        software, examples, plan, settings.instances or plan.network.instances, settings.seed, Stages(folder, known)
    )
    moved = bench.measure("hand-chosen", design.start, before), bench.measure("found", design.found, after)
    if not settings.weights:
        save_weights(settings.out / "network.safetensors", software.network)
    run = Run(
        settings, plan, test, choice.reason, software, accuracy(software.network, examples), design, (before, after),
        space, moved, perf_counter() - started,
    )  # fmt: skip
    return outcome(run)


def _of_designs(settings: Settings) -> dict[str, float]:
    return {
        "spread": settings.spread,
        "temperature": settings.temperature,
        "energy_weight": settings.energy_weight,
        "seed": settings.seed,
    }
