"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data import ImageSet
from spinloom.devices import DeviceSource
from spinloom.report import Claim, StudyResult, at_most, error_in_percent, judge, one_of, several
from spinloom.studies.mtj_robustness.imperfections import IMPERFECTIONS
from spinloom.studies.mtj_robustness.listing import raw, tables
from spinloom.studies.mtj_robustness.measurements import Measured
from spinloom.studies.mtj_robustness.pictures import plots
from spinloom.studies.mtj_robustness.plan import Plan
from spinloom.studies.mtj_robustness.settings import Settings
from spinloom.studies.mtj_transfer.conditions import on, warm
from spinloom.studies.mtj_transfer.outcome import PUBLISHED, SOURCES
from spinloom.studies.mtj_transfer.software import Software
from spinloom.studies.registry import command

NAME = "mtj-robustness"
SPREAD, LOSS = 0.05, 0.4
"""Spread at which the published loss (percentage points) is compared; the source names none."""


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
    images = f"{min(run.plan.images, len(run.test)):,} test images of {run.test.name}"
    return StudyResult(
        name=NAME,
        title="How much of each imperfection a network on tunnel junctions bears",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run, images),
        settings={**asdict(run.settings), "data": run.test.source, "software": run.software.origin, **asdict(run.plan)},
        claims=on(run.junctions, _claims(run)),
        tables=tables(run.found, run.junctions, run.settings.tolerance, images),
        plots=plots(run.junctions, run.found),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        resumed=run.resumed,
        data=raw(run.found),
    )


def _instances(run: Run) -> int:
    return len(next(iter(run.found.sweeps.values()))[0].population.accuracies)


def _summary(run: Run, images: str) -> str:
    bounds = []
    for name in run.found.sweeps:
        kind, most = IMPERFECTIONS[name], run.found.borne(name, run.settings.tolerance)
        reached = "not even the least" if most is None else f"{kind.scale * most:g} {kind.unit}"
        bounds.append(f"{name} {'down to' if kind.worst_first else 'up to'} {reached}")
    return (
        f"The software network classifies {100 * run.found.software:.2f} % of {images}. With the same weights on "
        f"junctions, the mean of {_instances(run)} fabricated networks loses no more than "
        f"{run.settings.tolerance:.1f} percentage points with {', '.join(bounds)}, of what was measured. {run.reason}"
    )


def _claims(run: Run) -> tuple[Claim, ...]:
    """The published loss with device spread against ours at 5 %."""
    name = f"mean loss with {100 * SPREAD:g} % device spread"
    common = (one_of(run.test.name, PUBLISHED), warm(run.junctions))
    return tuple(
        judge(
            at_most(name, LOSS, run.found.loss(one), "points", SOURCES[LOSS], error_in_percent(one.population)),
            (*common, several(len(one.population.accuracies))),
        )
        for one in run.found.sweeps.get("spread", ())
        if one.value == SPREAD
    )


def _assumptions(run: Run) -> tuple[str, ...]:
    trained = "The network is trained with exact tanh and moved without any retraining."
    if not run.junctions.simulated:
        return (
            "Every neuron has its own junction; weights are exact.",
            "One imperfection at a time: the junctions are the mean of those in the file but for it, with their noise.",
            trained,
        )
    return (
        "Every neuron has its own junction, in the sweep of spread drawn at random from "
        f"{run.junctions.population(SPREAD)}; weights are exact.",
        "One imperfection at a time: the junctions are nominal but for it, with their read noise at "
        f"{run.settings.temperature:g} K.",
        trained,
        "The claim compares with the published loss under device spread, whose size the source does not give.",
    )
