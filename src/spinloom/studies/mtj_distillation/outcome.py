"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data import ImageSet
from spinloom.devices import DeviceSource
from spinloom.evaluation import Population
from spinloom.report import Claim, StudyResult, Table, at_least, enough, error_in_percent, judge, one_of
from spinloom.studies.mtj_distillation.measurements import WAYS, Measured, Pairs
from spinloom.studies.mtj_distillation.pictures import plots
from spinloom.studies.mtj_distillation.plan import Plan
from spinloom.studies.mtj_distillation.settings import Settings
from spinloom.studies.mtj_parts.conditions import on
from spinloom.studies.registry import command

NAME = "mtj-distillation"
BAR = 0.5
"""Points that a teacher should add; the paper says only that distillation is supported."""
BAR_SETS, BAR_SEEDS = ("fashion-mnist", "cifar10"), 3
SOURCE = "bar of this project; arXiv 2409.02528 says that distillation is supported, without a figure"


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    train: int
    test: ImageSet
    reason: str
    junctions: DeviceSource
    found: Measured
    seconds: float
    resumed: bool = False


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    found = run.found
    return StudyResult(
        name=NAME,
        title="A student on magnetic tunnel junctions and its teacher in software",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, **asdict(run.plan)},
        claims=on(run.junctions, (_claim(pairs, run.test.name) for pairs in found.pairs)),
        tables=(_table(run),),
        plots=plots(run.found, run.junctions, run.settings.spread),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        resumed=run.resumed,
        data={
            "teacher": found.teacher,
            "students": [asdict(pairs) for pairs in found.pairs],
        },
    )


def _claim(pairs: Pairs, dataset: str) -> Claim:
    """A student has always a quarter of the teacher's parameters, see `require_quarter`."""
    gain = pairs.gain
    name = f"gain by the teacher, {pairs.images:,} images"
    claim = at_least(name, BAR, 100 * gain.mean, "points", SOURCE, error_in_percent(gain))
    pupils = enough(len(gain.accuracies), BAR_SEEDS, "pairs")
    return judge(claim, (one_of(dataset, *BAR_SETS), pupils))


def _assumptions(run: Run) -> tuple[str, ...]:
    made = run.junctions.population(run.settings.spread)
    if run.junctions.simulated:
        made += f" with {100 * run.settings.spread:g} % spread"
    if run.settings.noise_aware:
        devices = "the same draws of devices, one for every step of training,"
        measured = (
            f"A student is measured on {run.plan.fresh} other draws and their mean taken: which device serves which "
            "neuron is new to it, the devices are those of training."
        )
    else:
        devices, measured = "the same devices", "A student is measured on the devices that it was trained on."
    learnt = "The given teacher's training images are not known"
    if not run.settings.teacher:
        learnt = f"The teacher has learnt from all {run.train:,} training images"
    return (
        f"Every neuron of a student has its own junction, drawn at random from {made}; its slope "
        f"{run.junctions.slopes}. Weights are exact.",
        f"Both students of a seed have the same first weights, {devices} and the same order of images.",
        f"{learnt}, a student has learnt from the number stated.",
        measured,
    )


def _summary(run: Run) -> str:
    large, small = run.found.parameters
    parts = []
    for pairs in run.found.pairs:
        alone, taught = (100 * Population(pairs.accuracies[way]).mean for way in WAYS)
        error = error_in_percent(pairs.gain)
        gain = f"{100 * pairs.gain.mean:+.2f}" + ("" if error is None else f" ± {error:.2f}") + " points"
        parts.append(f"from {pairs.images:,} images {alone:.2f} % alone and {taught:.2f} % with the teacher ({gain})")
    return (
        f"A student of {small:,} parameters on junctions classifies {len(run.test):,} {run.test.name} test images: "
        f"{'; '.join(parts)}; pairs of each: {run.plan.seeds}. The teacher in software has {large:,} parameters and "
        f"reaches {100 * run.found.teacher:.2f} %. {run.reason}"
    )


def _table(run: Run) -> Table:
    rows = tuple(
        (
            pairs.images,
            run.settings.seed + number,
            f"{100 * alone:.2f}",
            f"{100 * taught:.2f}",
            f"{100 * (taught - alone):+.2f}",
        )
        for pairs in run.found.pairs
        for number, (alone, taught) in enumerate(zip(*(pairs.accuracies[way] for way in WAYS), strict=True))
    )
    columns = ("training images", "seed", "labels alone (%)", "with teacher (%)", "gain (points)")
    return Table("Students on junctions", columns, rows, f"Teacher in software: {100 * run.found.teacher:.2f} %.")
