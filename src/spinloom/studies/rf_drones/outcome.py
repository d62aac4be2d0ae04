"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data import SpectraSet
from spinloom.evaluation import Population
from spinloom.quantities import si
from spinloom.report import Claim, StudyResult, at_least, at_most
from spinloom.studies.registry import command
from spinloom.studies.rf_drones.listing import lost, raw, tables
from spinloom.studies.rf_drones.measurements import Measured
from spinloom.studies.rf_drones.pictures import plots
from spinloom.studies.rf_drones.plan import JUDGED, Plan
from spinloom.studies.rf_drones.settings import Settings
from spinloom.studies.rf_drones.ways import TITLES

NAME = "rf-drones"
_FIGURE = "figure published with arXiv 2211.03659"


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from. sets: training and test spectra."""

    settings: Settings
    plan: Plan
    sets: tuple[SpectraSet, SpectraSet]
    found: Measured
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    train, test = run.sets
    return StudyResult(
        name=NAME,
        title="Drones told apart by a radio-frequency spintronic network",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), **asdict(run.plan), "data": train.source},
        claims=_claims(run),
        tables=tables(run.found, run.settings.temperature, run.settings.measured_to),
        plots=plots(run.found, train, test),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(run.found),
    )


def _behind(found: Measured) -> tuple[float, float]:
    """Points of the software network over the spintronic one, and their standard error."""
    software, spintronic = Population(found.software.accuracies), Population(found.spintronic.accuracies)
    error = (software.standard_error**2 + spintronic.standard_error**2) ** 0.5
    return 100 * (software.mean - spintronic.mean), 100 * error


def _summary(run: Run) -> str:
    found, test = run.found, run.sets[1]
    spintronic, software = (Population(one.accuracies) for one in (found.spintronic, found.software))
    reached = {way: f"{100 * points[JUDGED].mean:.2f} %" for way, points in found.trained.items()}
    return (
        f"The spintronic network names {100 * spintronic.mean:.2f} % of {len(test)} test spectra right (mean of "
        f"{len(spintronic.accuracies)} seeds), the software network of the same size {100 * software.mean:.2f} %. With "
        f"{100 * JUDGED:g} % spread of frequencies and powers it reaches {reached['twin']} when trained through an "
        f"ideal twin, {reached['layers']} with a twin of wider lines layer by layer, {reached['measured']} with a twin "
        f"of the devices as measured to {100 * run.settings.measured_to:g} %, {reached['direct']} when trained "
        f"straight through the devices, and {100 * found.deployed[JUDGED].mean:.2f} % when moved onto them without "
        "retraining."
    )


def _claims(run: Run) -> tuple[Claim, ...]:
    found = run.found
    spintronic = Population(found.spintronic.accuracies)
    behind, error = _behind(found)
    losses = {way: lost(found, points[JUDGED]) for way, points in found.trained.items()}
    return (
        at_least(
            "accuracy",
            99.3,
            100 * spintronic.mean,
            "%",
            f"{_FIGURE}, read by eye: 99.3 to 99.6 %",
            100 * spintronic.standard_error,
        ),
        at_most(
            "behind the software network",
            0.3,
            behind,
            "points",
            f"{_FIGURE}: both within the 0.3 points that can be read",
            error,
        ),
        *(
            at_most(
                f"lost at {100 * JUDGED:g} % spread, {TITLES[way]}",
                1.0,
                100 * loss.mean,
                "points",
                "bar of this study, no published figure",
                100 * loss.standard_error,
            )
            for way, loss in losses.items()
        ),
    )


def _assumptions(run: Run) -> tuple[str, ...]:
    settings = run.settings
    return (
        "The default rates, readout, transconductance and bias were chosen by five-fold cross-validation on the "
        "training spectra; the accuracy is that after the last epoch, not after the best.",
        f"Both networks: the same split, {settings.epochs} epochs of batches of {settings.batch}, cross-entropy, Adam "
        "with a rate that rises for 5 % of the steps and falls as a cosine; only the peak rate differs.",
        "Amplifiers restore the wave along a chain: every resonator sees the whole power of every input.",
        "Spread multiplies input frequencies, resonances and oscillator powers by 1 + spread x normal, once for every "
        "network. A trained network is tested on the devices it was trained with; one that is moved meets "
        f"{run.plan.instances} sets of devices for every seed.",
        f"Voltage noise: {settings.temperature:g} K, 1 kOhm for every resonator of a chain, "
        f"{si(settings.bandwidth, 'Hz')}.",
    )
