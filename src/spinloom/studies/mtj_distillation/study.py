"""The study from settings to report."""

from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.evaluation.report import publish
from spinloom.evaluation.result import StudyResult
from spinloom.evaluation.stages import Stages
from spinloom.files import write_text
from spinloom.learning.shipped import weights_for
from spinloom.learning.weights import digest
from spinloom.studies.mtj_distillation.measurements import Bench
from spinloom.studies.mtj_distillation.networks import trained_teacher
from spinloom.studies.mtj_distillation.outcome import Run, outcome
from spinloom.studies.mtj_distillation.plan import plan_of
from spinloom.studies.mtj_distillation.settings import Settings
from spinloom.studies.mtj_transfer.junctions import chosen
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train the teacher and the students, write, print. Finished stages of an earlier run are taken from `out`."""
    began = perf_counter()
    progress = Console(stderr=True)
    plan = plan_of(settings)
    junctions = chosen(settings.response, settings.junction, settings.kelvin, plan.devices, settings.seed)
    choice = resolve(settings.dataset)
    progress.print(choice.reason, highlight=False, markup=False)
    write_text(settings.out / ".cache" / "command.txt", command("mtj-distillation", settings) + "\n")  # fail early
    sets = load_pair(choice.name, train_limit=plan.train_images, test_limit=plan.test_images)
    common = {"data": sets[0].source, "name": sets[0].name, "seed": settings.seed, "version": __version__}
    stages = Stages(settings.out / ".cache", common)
    given = weights_for(settings.teacher, sets[0].name) if settings.teacher else None
    teacher = trained_teacher(sets[0], plan, settings.seed, stages, given)
    known = {**common, "teacher": digest(teacher), "junctions": junctions.identity}
    bench = Bench(teacher, junctions, sets, plan, settings, Stages(settings.out / ".cache", known))
    found = bench.measure()
    result = outcome(
        Run(settings, plan, len(sets[0]), sets[1], choice.reason, junctions, found, perf_counter() - began)
    )
    publish(result, settings.out)
    return result
