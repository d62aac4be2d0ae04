"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from matplotlib.figure import Figure

from spinloom.data.imageset import ImageSet
from spinloom.evaluation.claims import at_least
from spinloom.evaluation.figures import draw_curves
from spinloom.evaluation.result import Plot, StudyResult
from spinloom.evaluation.robustness import Population
from spinloom.evaluation.style import BLUE, GREY, ORANGE, canvas, label, legend
from spinloom.evaluation.tables import Table
from spinloom.studies.mtj_distillation.measurements import WAYS, Measured
from spinloom.studies.mtj_distillation.plan import Plan
from spinloom.studies.mtj_distillation.settings import Settings
from spinloom.studies.mtj_transfer.junctions import Junctions
from spinloom.studies.registry import command

NAME = "mtj-distillation"
BAR = 0.5
"""Points that a teacher should add; the paper says only that distillation is supported."""
TITLES = {"labels": "labels alone", "teacher": "labels and teacher"}


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    test: ImageSet
    reason: str
    junctions: Junctions
    found: Measured
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    found, gain = run.found, run.found.gain
    source = "bar of this project; arXiv 2409.02528 says that distillation is supported, without a figure"
    claim = at_least("gain by the teacher", BAR, 100 * gain.mean, "points", source, 100 * gain.standard_error)
    return StudyResult(
        name=NAME,
        title="A student on magnetic tunnel junctions and its teacher in software",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, **asdict(run.plan)},
        claims=(claim,),
        tables=(_table(run),),
        plots=_plots(run),
        assumptions=(
            f"Every neuron of a student has its own junction, drawn at random from {run.plan.devices} fabricated ones; "
            "its slope is read from that junction. Weights are exact.",
            "Both students of a seed have the same first weights, the same devices and the same order of images.",
            "Measured on devices that training has not seen."
            if run.settings.noise_aware
            else "Measured on the devices that were trained.",
        ),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data={
            "teacher": found.teacher,
            "labels": list(found.accuracies["labels"]),
            "taught": list(found.accuracies["teacher"]),
            "losses": found.losses,
        },
    )


def _summary(run: Run) -> str:
    found, gain = run.found, run.found.gain
    large, small = found.parameters
    alone, taught = (100 * Population(found.accuracies[way]).mean for way in WAYS)
    return (
        f"A student of {small:,} parameters on junctions reaches {alone:.2f} % of {len(run.test):,} {run.test.name} "
        f"test images when trained on labels alone, and {taught:.2f} % with a teacher of {large:,} parameters in "
        f"software ({100 * found.teacher:.2f} %): {100 * gain.mean:+.2f} ± {100 * gain.standard_error:.2f} points, "
        f"{len(gain.accuracies)} pairs. {run.reason}"
    )


def _table(run: Run) -> Table:
    found = run.found
    rows = tuple(
        (str(run.settings.seed + number), f"{100 * alone:.2f}", f"{100 * taught:.2f}", f"{100 * (taught - alone):+.2f}")
        for number, (alone, taught) in enumerate(zip(*(found.accuracies[way] for way in WAYS), strict=True))
    )
    columns = ("seed", "labels alone (%)", "with teacher (%)", "gain (points)")
    return Table("Students on junctions", columns, rows, f"Teacher in software: {100 * found.teacher:.2f} %.")


def _plots(run: Run) -> tuple[Plot, ...]:
    curves = draw_curves(run.junctions.nominal(), run.junctions.fabricated(run.settings.spread))
    return (
        Plot("accuracy", "One line per seed: the same student with labels alone and with the teacher.", _pairs(run)),
        Plot("curves", "The junctions' two outputs; thin lines are single fabricated devices.", curves),
    )


def _pairs(run: Run) -> Figure:
    found = run.found
    figure, (axis,) = canvas(height=4.2)
    for alone, taught in zip(*(found.accuracies[way] for way in WAYS), strict=True):
        axis.plot([0, 1], [100 * alone, 100 * taught], color=BLUE, marker="o", alpha=0.6)
    means = [100 * Population(found.accuracies[way]).mean for way in WAYS]
    axis.plot([0, 1], means, color=ORANGE, marker="D", linewidth=2.5, label="mean of the seeds")
    axis.axhline(100 * found.teacher, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="teacher in software")
    axis.set_xticks([0, 1], list(TITLES.values()))
    axis.set_xlim(-0.4, 1.4)
    label(axis, "Students on junctions", "", "test accuracy (%)")
    legend(axis)
    return figure
