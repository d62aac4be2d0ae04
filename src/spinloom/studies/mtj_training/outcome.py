"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass, replace
from statistics import fmean

from spinloom.data.imageset import ImageSet
from spinloom.evaluation.claims import Claim, at_least, at_most
from spinloom.evaluation.result import StudyResult
from spinloom.evaluation.robustness import Population
from spinloom.studies.mtj_training.angles import WHEN
from spinloom.studies.mtj_training.listing import raw, tables
from spinloom.studies.mtj_training.measurements import Found
from spinloom.studies.mtj_training.pictures import plots
from spinloom.studies.mtj_training.plan import Plan
from spinloom.studies.mtj_training.settings import Settings
from spinloom.studies.mtj_training.ways import SHORT, Hardware
from spinloom.studies.registry import command

NAME = "mtj-training"
PUBLISHED = "fashion-mnist"
NEGLIGIBLE, ROBUST, COSINE, WON_BACK = 0.1, 0.5, 0.99, 80.0
"""Points lost through the devices' own slopes; with spread and noise; cosine; per cent of a loss won back."""


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    hardware: Hardware
    train: ImageSet
    test: ImageSet
    reason: str
    found: Found
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="Training through the gradients of magnetic tunnel junctions",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, **asdict(run.plan)},
        claims=_claims(run),
        tables=tables(run.found, run.hardware.junctions, f"{len(run.test):,} test images of {run.test.name}"),
        plots=plots(run.found, run.hardware),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(run.found),
    )


def _summary(run: Run) -> str:
    found = run.found
    reached = ", ".join(f"{SHORT[way]} {100 * Population(found.accuracies(way)).mean:.2f} %" for way in found.trained)
    sentences = [f"Accuracy on {len(run.test):,} {run.test.name} test images by way of training: {reached}."]
    for way, other, words in (
        ("device", "exact", "Slopes read from the junctions instead of exact ones"),
        ("spread", "exact", "Spread and read noise on both reads"),
    ):
        pair = found.against(way, other)
        if pair:
            sentences.append(f"{words} {'cost' if pair.mean <= 0 else 'gain'} {abs(pair.mean):.2f} points.")
    sentences.append(f"The cosine between both gradients is {_least_cosine(found):.4f} or more on nominal junctions.")
    if found.tuned and found.tuned.mean_won_back is not None:
        sentences.append(
            f"A network moved onto junctions with {_chip_spread(run)} falls to {100 * fmean(found.tuned.before):.2f} % "
            f"and comes back to {100 * fmean(found.tuned.after):.2f} % by tuning in place "
            f"({100 * found.tuned.mean_won_back:.0f} % of the loss)."
        )
    return " ".join((*sentences, run.reason))


def _chip_spread(run: Run) -> str:
    simulated = run.hardware.junctions.simulated
    return f"{100 * run.settings.chip_spread:g} % spread" if simulated else "the spread of the file"


def _least_cosine(found: Found) -> float:
    """Of all layers, before and after training, on nominal junctions with their read noise."""
    return min(min(found.angles[when]["device"].values()) for when in WHEN)


def _claims(run: Run) -> tuple[Claim, ...]:
    """What there is of the four; on other data than the published nothing is judged."""
    found, claims = run.found, []
    for way, most, name, source in (
        ("device", NEGLIGIBLE, "lost through the junctions' own slopes", "arXiv 2409.02528: negligible; set to 0.1"),
        ("spread", ROBUST, "lost with spread and read noise", "arXiv 2409.02528: robust; set to 0.5"),
    ):
        pair = found.against(way, "exact")
        if pair:
            few = pair.standard_error is None
            text = f"{source}; against exact slopes" + (", one pair of networks: not judged" if few else "")
            claim = at_most(name, most, -pair.mean, "points", text, pair.standard_error)
            claims.append(replace(claim, holds=None) if few else claim)
    name = "cosine between gradients, worst layer"
    claims.append(
        at_least(name, COSINE, _least_cosine(found), "", "bar of this study; nominal junctions, read noise on")
    )
    if found.tuned and found.tuned.mean_won_back is not None:
        source = f"bar of this study; {_chip_spread(run)}, instances: {len(found.tuned.before)}"
        won, error = 100 * found.tuned.mean_won_back, found.tuned.error_won_back
        error = None if error is None else 100 * error
        claims.append(at_least("loss won back by tuning in place", WON_BACK, won, "%", source, error))
    if run.test.name == PUBLISHED:
        return tuple(claims)
    return tuple(replace(one, holds=None, source=f"{one.source} (measured here on {run.test.name})") for one in claims)


def _assumptions(run: Run) -> tuple[str, ...]:
    plan, settings, junctions = run.plan, run.settings, run.hardware.junctions
    made = f"{plan.devices} simulated ones" if junctions.simulated else "those in the file"
    spread = f"{100 * settings.spread:g} % spread of every physical parameter" if junctions.simulated else "the file's"
    bits = [f"{name} {n} bits" for name, n in (("value", settings.value_bits), ("slope", settings.slope_bits)) if n]
    return (
        f"{len(run.train):,} training images, {plan.epochs} epochs, networks of each way: {plan.seeds}; the same seed "
        "has the same first weights and order of images in all of them.",
        "Every neuron has its own junction; weights, their products and the optimiser are exact and digital. The error "
        "goes back through the transposed weights; only slopes are read from the junctions.",
        "Junctions have the thermal and Johnson noise of one read of m_x and of m_z at "
        f"{settings.temperature:g} K in every way but software, in training and in the test.",
        f"With spread and noise: {spread}, devices drawn from {made}, {100 * settings.read_noise:g} % of full scale "
        f"added to the noise of both reads; converters: {', '.join(bits) or 'none'}.",
        "Exact slopes are the derivative of the very curve that was read, without noise: what autograd would give. The "
        "curves are averages over simulated reads; what scatter is left in them is in their derivatives too.",
        f"Finite differences (after arXiv 2603.03947) read the value {settings.difference_step:g} above and below each "
        "input, each with its own noise: two more reads per neuron, and no read of m_z.",
        f"Tuning in place: {plan.tuning_epochs} epochs of AdamW, peak rate {plan.tuning_rate:g}, slopes of the "
        "instance's own devices with their read noise. The share won back contains what more training alone gives.",
    )
