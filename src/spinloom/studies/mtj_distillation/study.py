"""The study from settings to report."""

from dataclasses import replace
from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.devices import device_source
from spinloom.learning import digest, weights_for
from spinloom.report import StudyResult, publish, reserve
from spinloom.studies.mtj_distillation.measurements import Bench
from spinloom.studies.mtj_distillation.networks import trained_teacher
from spinloom.studies.mtj_distillation.outcome import NAME, Run, outcome
from spinloom.studies.mtj_distillation.plan import plan_of, require_images
from spinloom.studies.mtj_distillation.settings import Settings
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train the teacher and the students, write, print. Finished stages of an earlier run are taken from `out`."""
    began = perf_counter()
    progress = Console(stderr=True)
    plan = plan_of(settings)
    junctions = device_source(
        settings.response or "mtj-neuron", settings.junction, settings.kelvin, plan.devices, settings.seed
    )
    choice = resolve(settings.dataset)
    progress.print(choice.reason, highlight=False, markup=False)
    folder = reserve(settings.out, NAME, command(NAME, settings))  # fail early
    sets = load_pair(choice.name, train_limit=plan.train_images, test_limit=plan.test_images)
    require_images(plan, sets[0])
    plan = replace(plan, train_images=len(sets[0]), test_images=len(sets[1]))
    common = {"data": sets[0].source, "name": sets[0].name, "seed": settings.seed, "version": __version__}
    stages = Stages(folder, common)
    given = weights_for(settings.teacher, sets[0].name) if settings.teacher else None
    junctions.fabricated(settings.spread)  # what cannot be simulated shows before the training
    teacher = trained_teacher(sets[0], plan, settings.seed, stages, given)
    known = stages.of(teacher=digest(teacher), junctions=junctions.identity)
    found = Bench(teacher, junctions, sets, plan, settings, known).measure()
    seconds, images = perf_counter() - began, len(sets[0])
    run = Run(settings, plan, images, sets[1], choice.reason, junctions, found, seconds, stages.resumed)
    result = outcome(run)
    publish(settings.out, result)
    return result
