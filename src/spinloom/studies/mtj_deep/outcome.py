"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict

from spinloom.report import StudyResult
from spinloom.studies.mtj_deep.bars import claims
from spinloom.studies.mtj_deep.listing import raw, tables
from spinloom.studies.mtj_deep.one_run import Run
from spinloom.studies.mtj_deep.pictures import plots
from spinloom.studies.registry import command

NAME = "mtj-deep"


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="A deep image network on magnetic tunnel junction neurons",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, "software": run.software.origin, **asdict(run.plan)},
        claims=claims(run),
        tables=tables(run.found, f"{len(run.test):,} test images of {run.test.name}"),
        plots=plots(run.junctions, run.settings.spread, run.found),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        resumed=run.resumed,
        data=raw(run.found),
    )


def _summary(run: Run) -> str:
    found = run.found
    made = f"{100 * run.settings.spread:g} % spread of every physical parameter"
    tuned = (
        f"; after one pass of training in place it {_change(found.software - found.tuned.mean)}" if found.tuned else ""
    )
    return (
        f"The {run.settings.network} with tanh neurons ({run.software.origin}) classifies {100 * found.software:.2f} % "
        f"of {len(run.test):,} {run.test.name} test images. Moved onto nominal junctions it "
        f"{_change(found.software - found.nominal.mean)}, onto fabricated ones with "
        f"{made if run.junctions.simulated else 'the spread of the file'} it "
        f"{_change(found.software - found.fabricated.mean)}{tuned}. {run.reason}"
    )


def _change(loss: float) -> str:
    return f"loses {100 * loss:.2f} points" if loss >= 0 else f"gains {-100 * loss:.2f} points"


def _assumptions(run: Run) -> tuple[str, ...]:
    made = run.junctions.population(run.settings.spread)
    general: tuple[str, ...] = (
        f"Every neuron has its own junction, drawn at random from {made}; weights are exact.",
        "As transferred, batch norms are folded into the weights before them or are a fixed gain and bias current of "
        "each channel's neurons.",
        f"Batch norms measured anew use {run.plan.reads:,} unlabelled training images, augmented as in training, on "
        "the instance itself.",
    )
    if run.found.tuned:
        general += (
            "Tuning in place is one pass over the training images, taught by the software network and the labels; the "
            f"slope of each neuron {run.junctions.slopes}.",
        )
    return general + (run.found.cost.assumptions if run.found.cost else ())
