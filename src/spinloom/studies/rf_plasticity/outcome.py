"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data import ImageSet
from spinloom.evaluation import Population
from spinloom.nn.radio import Band
from spinloom.report import Claim, StudyResult, at_least
from spinloom.studies.registry import command
from spinloom.studies.rf_plasticity.listing import raw, tables
from spinloom.studies.rf_plasticity.measurements import NARROW, PLAIN, Found
from spinloom.studies.rf_plasticity.pictures import plots
from spinloom.studies.rf_plasticity.plan import Plan
from spinloom.studies.rf_plasticity.settings import Settings

NAME = "rf-plasticity"
SOURCE = "Rageau et al., trainable structural plasticity, abstract"
DENSE, TRAINED, GAIN = 92.54, 88.83, 13.21
"""Published, per cent and points, at 10 resonators a chain; the dense figure follows from "3.71 below dense"."""


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    size: Plan
    band: Band
    train: ImageSet
    test: ImageSet
    reason: str
    found: Found
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="Sparse radio-frequency perceptrons whose resonators find their inputs",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, **asdict(run.size)},
        claims=_claims(run),
        tables=tables(run.found, len(run.test.classes), run.train.images[0].numel()),
        plots=plots(run.found, run.train, run.band),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(run.found),
    )


def least(run: Run) -> int:
    """The fewest resonators of a chain that were measured."""
    return min(run.found.trained)


def _summary(run: Run) -> str:
    found, n = run.found, least(run)
    removed = 100 * (1 - n / run.train.images[0].numel())
    best = max((group[n].mean, name) for name, group in found.sparse.items())
    line = found.dampings[NARROW], found.dampings[PLAIN]
    small = min(line[0])
    return (
        f"With {n} resonators a chain ({removed:.2f} % of the synapses removed) and trained input frequencies, "
        f"{_shown(found.trained[n])} % of {len(run.test):,} {run.test.name} test images are right; with fixed ones "
        f"{_shown(found.fixed[n])} %. Sparse software perceptrons of as many weights reach "
        f"{_shown(found.sparse['set'][n])} % with random regrowth and {100 * best[0]:.2f} % at best ({best[1]}); the "
        f"dense one {_shown(found.dense)} %. "
        f"Lines that narrow during training decide: at damping {small:g} they give {_shown(line[0][small])} %, the "
        f"device's own line from the start {_shown(line[1][small])} %. {run.reason}"
    )


def _shown(group: Population) -> str:
    return f"{100 * group.mean:.2f}"


def _claims(run: Run) -> tuple[Claim, ...]:
    found, n = run.found, least(run)
    judged = run.test.name == "mnist" and n == 10 and run.settings.full
    dense, trained, fixed = (100 * group.mean for group in (found.dense, found.trained[n], found.fixed[n]))
    gains = {name: fixed - 100 * found.sparse[name][n].mean for name in ("set", "rigl")}
    claims = (
        at_least(f"{n} resonators, trained inputs", TRAINED, trained, "%", SOURCE, _error(found.trained[n])),
        at_least(f"{n} resonators, fixed inputs, over SET", GAIN, gains["set"], "points", "", _error(found.fixed[n])),
        at_least("the same, over RigL", GAIN, gains["rigl"], "points", "the abstract names no method", None),
        Claim(
            "dense perceptron", DENSE, dense, "%", abs(dense - DENSE) <= 0.3, "within 0.3 points", _error(found.dense)
        ),
    )
    if judged:
        return claims
    return tuple(Claim(**{**asdict(claim), "holds": None}) for claim in claims)


def _error(group: Population) -> float:
    return 100 * group.standard_error


def _assumptions(run: Run) -> tuple[str, ...]:
    settings, size = run.settings, run.size
    return (
        f"{len(run.train):,} training images; a pixel from 0 to 1 is a power, no image is shifted or scaled. "
        f"{size.seeds} networks of every kind.",
        f"The band is {run.band.low / 1e6:g} to {run.band.high / 1e6:g} MHz. Fixed inputs: equal ratios along a path "
        "that runs through the rows to and fro. Trained inputs start at random.",
        f"Damping {settings.damping:g} with trained inputs, {settings.fixed_damping:g} with fixed ones (a linewidth of "
        "about two neighbours); published values are not known.",
        "Trained inputs: the line narrows from the width of the band to that of the device while frequencies are "
        "trained (learning/linewidths.py). The wide lines exist in the model only: the hardware needs the final "
        "frequencies, set to a fraction of the final linewidth, and one source for every input that can be tuned over "
        "the band; no more devices.",
        f"Fixed inputs, up to {size.most_jumping} resonators: every resonator jumps, in turn and {size.rounds} times, "
        "to the frequency of least loss, gradient descent between (learning/frequency_jumps.py). More resonators: "
        "lines that narrow.",
        "Parameters: resonators + biases + one amplification; trained inputs add one per pixel, shared by all chains. "
        "Sparse perceptrons are compared at equal numbers of weights (their positions are not counted), and once at as "
        "many as resonators and inputs together.",
        "SET and RigL drop the smallest |weight| x root mean square of its pixel; without that factor weights of "
        "pixels that are almost never on stay, and both are far worse.",
    )
