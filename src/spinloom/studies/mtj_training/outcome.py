"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict
from statistics import fmean

from spinloom.evaluation import Population
from spinloom.report import StudyResult
from spinloom.studies.mtj_parts.conditions import on
from spinloom.studies.mtj_training.assumptions import assumptions
from spinloom.studies.mtj_training.bars import claims
from spinloom.studies.mtj_training.listing import raw, tables
from spinloom.studies.mtj_training.one_run import Run
from spinloom.studies.mtj_training.pictures import plots
from spinloom.studies.mtj_training.ways import SHORT
from spinloom.studies.registry import command

NAME = "mtj-training"


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="Training through the gradients of magnetic tunnel junctions",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, **asdict(run.plan)},
        claims=on(run.hardware.junctions, claims(run)),
        tables=tables(run.found, run.hardware.junctions, f"{len(run.test):,} test images of {run.test.name}"),
        plots=plots(run.found, run.hardware),
        assumptions=assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        resumed=run.resumed,
        data=raw(run.found),
    )


def _summary(run: Run) -> str:
    found = run.found
    reached = ", ".join(f"{SHORT[way]} {100 * Population(found.accuracies(way)).mean:.2f} %" for way in found.trained)
    sentences = [f"Accuracy on {len(run.test):,} {run.test.name} test images by way of training: {reached}."]
    own = "The junctions' own slopes" + ("" if run.hardware.junctions.reads_slopes else " (derived from their curves)")
    for way, words in (("device", f"{own} instead of exact ones"), ("spread", "Spread and read noise on both reads")):
        pair = found.against(way, "exact")
        if pair:
            sentences.append(f"{words} {'cost' if pair.mean <= 0 else 'gain'} {abs(pair.mean):.2f} points.")
    sentences.append(
        "The cosine between the gradients through the junctions' slopes and exact ones is "
        f"{min(found.cosines):.4f} or more on nominal junctions."
    )
    if found.tuned and found.tuned.mean_won_back is not None:
        sentences.append(
            f"A network moved onto junctions with {run.chip_spread} falls to {100 * fmean(found.tuned.before):.2f} % "
            f"and comes back to {100 * fmean(found.tuned.after):.2f} % by tuning in place "
            f"({100 * found.tuned.mean_won_back:.0f} % of the loss)."
        )
    return " ".join((*sentences, run.reason))
