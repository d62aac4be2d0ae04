"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data.imageset import ImageSet
from spinloom.evaluation.claims import Claim
from spinloom.evaluation.result import StudyResult
from spinloom.evaluation.sweep_tables import error_in_percent
from spinloom.studies.mtj_deep.listing import raw, tables
from spinloom.studies.mtj_deep.measurements import Measured
from spinloom.studies.mtj_deep.pictures import plots
from spinloom.studies.mtj_deep.plan import Plan
from spinloom.studies.mtj_deep.settings import Settings
from spinloom.studies.mtj_deep.software import Software
from spinloom.studies.mtj_transfer.junctions import Junctions
from spinloom.studies.registry import command

NAME = "mtj-deep"
PUBLISHED = "cifar100"
SOURCES = {1.7: "conference summary, Politecnico di Bari", 2.0: "arXiv 2409.02528, abstract"}
"""Published loss on CIFAR-100 (percentage points) and where it stands; the two texts disagree."""


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    test: ImageSet
    reason: str
    software: Software
    junctions: Junctions
    found: Measured
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="A deep image network on magnetic tunnel junction neurons",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, "network": run.software.origin, **asdict(run.plan)},
        claims=_claims(run),
        tables=tables(run.found, f"{len(run.test):,} test images of {run.test.name}"),
        plots=plots(run.junctions, run.settings.spread, run.found),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(run.found),
    )


def _summary(run: Run) -> str:
    found = run.found
    return (
        f"The {run.settings.network} with tanh neurons ({run.software.origin}) classifies {100 * found.software:.2f} % "
        f"of {len(run.test):,} {run.test.name} test images. Moved onto nominal junctions it "
        f"{_change(found.software - found.nominal.mean)}, onto fabricated ones it "
        f"{_change(found.software - found.fabricated.mean)}; after one pass of training in place it "
        f"{_change(found.software - found.tuned.mean)}. {run.reason}"
    )


def _change(loss: float) -> str:
    return f"loses {100 * loss:.2f} points" if loss >= 0 else f"gains {-100 * loss:.2f} points"


def _claims(run: Run) -> tuple[Claim, ...]:
    """The published loss is of CIFAR-100; on other data nothing is judged."""
    comparable, found = run.test.name == PUBLISHED, run.found
    cases = (
        ("loss on nominal junctions", 1.7, found.nominal),
        ("loss with device spread", 2.0, found.fabricated),
        ("loss after one pass in place", 1.7, found.tuned),
    )
    return tuple(
        Claim(
            name=name,
            published=published,
            measured=100 * (found.software - group.mean),
            unit="points",
            holds=100 * (found.software - group.mean) <= published if comparable else None,
            source=SOURCES[published] + ("" if comparable else f" (CIFAR-100; measured here on {run.test.name})"),
            uncertainty=error_in_percent(group),
        )
        for name, published, group in cases
    )


def _assumptions(run: Run) -> tuple[str, ...]:
    made = f"{run.plan.devices} simulated ones" if run.junctions.simulated else "those in the file"
    general = (
        f"Every neuron has its own junction, drawn at random from {made}; weights are exact.",
        "As transferred, batch norms are folded into the weights before them or are a fixed gain and bias current of "
        "each channel's neurons.",
        f"Batch norms measured anew use {run.plan.reads:,} unlabelled training images, augmented as in training, on "
        "the instance itself.",
        "Tuning in place is one pass over the training images, taught by the software network and the labels; every "
        "slope is read from the neuron's own junction.",
    )
    return general + (run.found.cost.assumptions if run.found.cost else ())
