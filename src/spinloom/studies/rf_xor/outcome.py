"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.report import Claim, StudyResult, at_least
from spinloom.studies.registry import command
from spinloom.studies.rf_xor.listing import raw, tables
from spinloom.studies.rf_xor.measurements import Measured
from spinloom.studies.rf_xor.network import BIAS, thermal_fluctuation
from spinloom.studies.rf_xor.pictures import PUBLISHED, plots
from spinloom.studies.rf_xor.plan import Plan
from spinloom.studies.rf_xor.settings import Settings

NAME = "rf-xor"
SOURCE = (
    "Ross et al., Nature Nanotechnology 18, 1273 (2023), abstract; nine junctions in hardware, whose points and layout "
    "are not known to us"
)


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from."""

    settings: Settings
    plan: Plan
    found: Measured
    seconds: float


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    return StudyResult(
        name=NAME,
        title="Nine radio-frequency junctions on a problem that no line separates",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), **asdict(run.plan)},
        claims=_claims(run),
        tables=tables(run.found),
        plots=plots(run.found, run.plan, run.settings.spread, run.settings.damping),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(run.found),
    )


def _summary(run: Run) -> str:
    found, settings = run.found, run.settings
    line = max(layout.line for layout in found.layouts)
    others = ", ".join(f"{100 * layout.devices.mean:.1f} % on {layout.name!r}" for layout in found.others)
    return (
        f"With {100 * settings.spread:g} % spread and the noise of {settings.temperature:g} K, nine trained junctions "
        f"classify {100 * found.means.mean:.2f} % of the test points of an exclusive or (mean of {len(found.layouts)} "
        f"seeds, {run.plan.devices} devices each; worst seed {100 * found.means.worst:.2f} %); no straight line "
        f"exceeds {100 * line:.1f} %. Other layouts of points: {others}."
    )


def _claims(run: Run) -> tuple[Claim, ...]:
    """The published accuracy against every layout of seeds, and against the worst device of all."""
    seeds = tuple(
        at_least(
            f"accuracy, seed {layout.seed}",
            PUBLISHED,
            100 * layout.devices.mean,
            "%",
            SOURCE if number == 0 else "as above",
            100 * layout.devices.standard_error,
        )
        for number, layout in enumerate(run.found.layouts)
    )
    worst = 100 * min(layout.devices.worst for layout in run.found.layouts)
    return (*seeds, at_least("accuracy, worst device of all seeds", PUBLISHED, worst, "%", "as above"))


def _assumptions(run: Run) -> tuple[str, ...]:
    plan, settings = run.plan, run.settings
    fluctuation = 100 * thermal_fluctuation(settings.temperature)
    return (
        "The wiring of the nine junctions is our reading: 2 chains of 2 resonators, 2 oscillators, 1 chain of 2, 1 "
        "output oscillator whose power against a threshold names the class.",
        "Points are ours: each power evenly from 0 to 1 uW outside a margin; low is up to 0.3, high from 0.7 uW.",
        f"Constants of the published code, except the bias of the oscillators ({1e3 * BIAS:g} mV, an amplifier "
        "setting: 17 uA without input, where the published one would hold them near their largest current) and the "
        "random starts.",
        f"Noise of every read: Johnson noise of the chains (1 kOhm a resonator, 1 MHz) and {fluctuation:.1f} % of each "
        "oscillator's power, the thermal fluctuation at one instant for a barrier of 1,000 kB T at 300 K; a read that "
        "lasts sees less.",
        "Each device is trained alone, by the gradient of a model that has its measured frequencies, linewidths, "
        f"sensitivities and powers. For each of {plan.training.restarts} restarts {plan.training.starts} random "
        "settings are tried on the device and the best is trained; the training points alone choose the restart. The "
        "two other layouts of points get twice as many of both.",
        *run.found.cost.assumptions,
    )
