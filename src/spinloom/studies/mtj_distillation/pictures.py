"""The figures of the study with their captions."""

from matplotlib.figure import Figure

from spinloom.devices import DeviceSource
from spinloom.evaluation import Population
from spinloom.report import BLUE, GREY, ORANGE, Plot, canvas, draw_curves, label, legend
from spinloom.studies.mtj_distillation.measurements import WAYS, Measured

TITLES = {"labels": "labels alone", "teacher": "labels and teacher"}


def plots(found: Measured, junctions: DeviceSource, spread: float) -> tuple[Plot, ...]:
    """Both figures, in the order of the report."""
    curves = draw_curves(junctions.nominal(), junctions.fabricated(spread))
    return (
        Plot("accuracy", "One line per seed: the same student with labels alone and with the teacher.", _pairs(found)),
        Plot("curves", f"The junctions' two outputs; thin lines are {junctions.single}.", curves),
    )


def _pairs(found: Measured) -> Figure:
    figure, axes = canvas(len(found.pairs), height=4.2)
    for axis, pairs in zip(axes, found.pairs, strict=True):
        for alone, taught in zip(*(pairs.accuracies[way] for way in WAYS), strict=True):
            axis.plot([0, 1], [100 * alone, 100 * taught], color=BLUE, marker="o", alpha=0.6)
        means = [100 * Population(pairs.accuracies[way]).mean for way in WAYS]
        axis.plot([0, 1], means, color=ORANGE, marker="D", linewidth=2.5, label="mean of the seeds")
        axis.axhline(100 * found.teacher, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="teacher in software")
        axis.set_xticks([0, 1], list(TITLES.values()))
        axis.set_xlim(-0.4, 1.4)
        label(axis, f"Students of {pairs.images:,} images", "", "test accuracy (%)")
        legend(axis)
    return figure
