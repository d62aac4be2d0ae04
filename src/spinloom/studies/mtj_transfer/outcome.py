"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data import ImageSet
from spinloom.devices import DeviceSource
from spinloom.report import Claim, StudyResult, at_most, error_in_percent, judge, one_of, several
from spinloom.studies.mtj_transfer.conditions import on, spread, warm
from spinloom.studies.mtj_transfer.listing import raw, tables
from spinloom.studies.mtj_transfer.measurements import Measured
from spinloom.studies.mtj_transfer.pictures import plots
from spinloom.studies.mtj_transfer.plan import Plan
from spinloom.studies.mtj_transfer.settings import Settings
from spinloom.studies.mtj_transfer.software import Software
from spinloom.studies.registry import command

NAME = "mtj-transfer"
PUBLISHED = "fashion-mnist"
SOURCES = {0.1: "arXiv 2409.02528, abstract", 0.4: "conference summary, Politecnico di Bari"}
"""Published loss on Fashion-MNIST (percentage points) and where it stands; the two texts disagree."""


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    test: ImageSet
    reason: str
    software: Software
    junctions: DeviceSource
    found: Measured
    seconds: float
    resumed: bool = False


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    images = f"{len(run.test):,} test images of {run.test.name}"
    few = f"The first {min(run.plan.sweep_images, len(run.test)):,} test images"
    return StudyResult(
        name=NAME,
        title="A software-trained network on magnetic tunnel junction neurons",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, "software": run.software.origin, **asdict(run.plan)},
        claims=on(run.junctions, _claims(run)),
        tables=tables(run.found, run.junctions, images, few),
        plots=plots(run.junctions, run.settings.spread, run.found),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        resumed=run.resumed,
        data=raw(run.found),
    )


def _losses(run: Run) -> tuple[float, float]:
    """Percentage points lost on nominal and on fabricated junctions, averaged."""
    software = run.found.software
    return 100 * (software - run.found.nominal.mean), 100 * (software - run.found.fabricated.mean)


def _summary(run: Run) -> str:
    nominal, fabricated = _losses(run)
    made = f"with {100 * run.settings.spread:g} % spread of every physical parameter"
    if not run.junctions.simulated:
        made = "with the spread of the file's devices"
    count = len(run.found.fabricated.accuracies)
    few = f"mean of {count} networks" if count > 1 else "one network"
    return (
        f"The software network classifies {100 * run.found.software:.2f} % of {len(run.test):,} {run.test.name} test "
        f"images. With the same weights, nominal junctions {_change(nominal)}, fabricated ones {made} "
        f"{_change(fabricated)} ({few}). {run.reason}"
    )


def _change(loss: float) -> str:
    return f"lose {loss:.2f} points" if loss >= 0 else f"gain {-loss:.2f} points"


def _claims(run: Run) -> tuple[Claim, ...]:
    """Both published losses against both measured ones."""
    settings, junctions = run.settings, run.junctions
    nominal, fabricated = _losses(run)
    common = (one_of(run.test.name, PUBLISHED), warm(junctions))
    cases = (
        ("loss on nominal junctions", 0.1, nominal, run.found.nominal, common),
        (
            "loss with device spread",
            0.4,
            fabricated,
            run.found.fabricated,
            (*common, spread(junctions, settings.spread)),
        ),
    )
    return tuple(
        judge(
            at_most(name, most, loss, "points", SOURCES[most], error_in_percent(group)),
            (*conditions, several(len(group.accuracies))),
        )
        for name, most, loss, group, conditions in cases
    )


def _assumptions(run: Run) -> tuple[str, ...]:
    made = run.junctions.population(run.settings.spread)
    general = (
        f"Every neuron has its own junction, drawn at random from {made}; weights are exact.",
        "The network is trained with exact tanh and moved without any retraining.",
    )
    return general + (run.found.cost.assumptions if run.found.cost else ())
