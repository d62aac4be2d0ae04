"""From measurements to what is shown: claims, tables, figures, assumptions."""

import math
from dataclasses import asdict, dataclass

from spinloom.report import Claim, Plot, StudyResult
from spinloom.studies.registry import command
from spinloom.studies.rf_convolution.figures import draw_accuracy, draw_sneaks, draw_spread, title_of
from spinloom.studies.rf_convolution.filter_figure import draw_filters
from spinloom.studies.rf_convolution.listing import raw, tables
from spinloom.studies.rf_convolution.measurements import Measured
from spinloom.studies.rf_convolution.plan import Plan
from spinloom.studies.rf_convolution.settings import Settings

NAME = "rf-convolution"
BARS = {"mnist": 0.3, "mnist-5k": 0.3, "fashion-mnist": 0.5}
"""Points by which the network of resonators may stay behind; the paper says "comparable" and no number was found."""
SOURCE = "comparable to software for MNIST (arXiv 2111.04961, abstract); the bar in points is set here"


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    reason: str
    found: tuple[Measured, ...]
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="Convolutions by resonance frequencies",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), **{f"plan.{name}": value for name, value in asdict(run.plan).items()}},
        claims=tuple(_claim(found) for found in run.found),
        tables=tables(run.found),
        plots=_plots(run),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(run.found),
    )


def behind(found: Measured) -> tuple[float, float]:
    """Points that the network of resonators stays behind software, and the standard error of that.

    Of the difference of means over seeds; for a single seed of the test images instead, as if they were independent.
    """
    radio, software = found.radio, found.software
    difference = 100 * (software.mean - radio.mean)
    if len(radio.accuracies) > 1:
        return difference, 100 * math.hypot(radio.standard_error, software.standard_error)
    share = (radio.mean + software.mean) / 2
    return difference, 100 * math.sqrt(2 * share * (1 - share) / len(found.test))


def _claim(found: Measured) -> Claim:
    difference, error = behind(found)
    bar = BARS.get(found.test.name)
    name = f"{title_of(found)}: points behind software"
    if bar is None:
        return Claim(name, 0.0, difference, "points", None, f"{SOURCE}; none for these images", error)
    return Claim(name, bar, difference, "points", difference <= bar, SOURCE, error)


def _summary(run: Run) -> str:
    parts = []
    for found in run.found:
        difference, error = behind(found)
        word = "behind" if difference >= 0 else "ahead of"
        parts.append(
            f"On {title_of(found)} the network of resonators reaches {100 * found.radio.mean:.2f} %, "
            f"{abs(difference):.2f} ± {error:.2f} points {word} its twin in software "
            f"({100 * found.software.mean:.2f} %, {len(found.radio.accuracies)} seeds each)."
        )
    return " ".join((*parts, run.reason))


def _plots(run: Run) -> tuple[Plot, ...]:
    found = run.found
    layout = "" if run.settings.layout == "sequential" else " Resonators are in the parallel layout."
    plots = [
        Plot(
            "accuracy",
            "The same network with weights by resonance frequency and with ordinary weights: test accuracy by seed "
            f"(dots), mean and standard deviation (squares), and mean loss in training.{layout}",
            draw_accuracy(found),
        ),
        Plot(
            "filters",
            "Filters of the first layer as learned, in units of the sensitivity K of one resonator. Below, one of them "
            "as a chain: what it makes of a power at any frequency, read at the frequencies of its taps.",
            draw_filters(found[0].network),
        ),
        Plot(
            "sneak-paths",
            "The trained network with all windows at once: every chain sees every pixel through the tails of its "
            "resonators. Their weights fall as one over the distance of the frequencies.",
            draw_sneaks(found),
        ),
    ]
    if any(point.level > 0 for point in found[0].spreads):
        caption = (
            "Fabricated networks, mean and standard deviation: as made, with every resonance tuned to its planned "
            "ratio to the frequency of its input, and the first of these after training went on for "
            f"{run.plan.retraining} epoch(s) on its own devices. A weight is a fraction of half a linewidth, so small "
            "spreads already matter."
        )
        plots.append(Plot("spread", caption, draw_spread(found, run.settings.damping)))
    return tuple(plots)


def _assumptions(run: Run) -> tuple[str, ...]:
    return (
        "The full text of the paper could not be read; architecture, frequencies and both layouts are our reading, see "
        "RFConv2d. The software network has as many parameters, the same activation and the same training.",
        f"Every layer has its own band of 20 to 120 MHz; the damping is {run.settings.damping:g}. Powers are not "
        "depleted along a chain, reads are without noise, shifts of resonances are exact.",
        "An oscillator serves its channel at all positions; the largest of 2 x 2 powers is passed on.",
        "In the parallel layout detunings are set for the weights of the trained filters, not trained again, and the "
        "damping is what the spacing needs; where a weight exceeds what one resonator gives, all have more gain.",
    )
