"""From measurements to what is shown: claims, tables, figures, assumptions."""

from dataclasses import asdict, dataclass

from spinloom.data import ImageSet
from spinloom.quantities import si
from spinloom.report import Claim, StudyResult, at_least, at_most
from spinloom.studies.mtj_design.checking import Checked, distance
from spinloom.studies.mtj_design.designing import Designed
from spinloom.studies.mtj_design.listing import raw, tables
from spinloom.studies.mtj_design.modes import Modes
from spinloom.studies.mtj_design.network import OnJunctions
from spinloom.studies.mtj_design.objective import energy
from spinloom.studies.mtj_design.pictures import plots
from spinloom.studies.mtj_design.plan import Plan
from spinloom.studies.mtj_design.settings import Settings
from spinloom.studies.mtj_parts.software import Software
from spinloom.studies.registry import command

NAME = "mtj-design"
SOURCE = "no geometry is published; in every row it is the hand-chosen junction of docs/device.md, simulated here"


@dataclass(frozen=True)
class Run:
    """One run of the study, all that its result is made from. Pairs: the hand-chosen design, then the found one."""

    settings: Settings
    plan: Plan
    test: ImageSet
    reason: str
    software: Software
    accuracy: float
    design: Designed
    checks: tuple[Checked, Checked]
    modes: Modes
    moved: tuple[OnJunctions, OnJunctions]
    seconds: float

    @property
    def energies(self) -> tuple[float, float]:
        """J of one operation at a network input of 1."""
        return float(energy(self.design.start)), float(energy(self.design.found))


def outcome(run: Run) -> StudyResult:
    """The result to write and print."""
    facts = (run.design, run.checks, run.moved, run.energies, run.accuracy)
    return StudyResult(
        name=NAME,
        title="A tunnel junction neuron designed by gradient descent through its dynamics",
        scale="full" if run.settings.full else "reduced",
        summary=_summary(run),
        settings={**asdict(run.settings), "data": run.test.source, "software": run.software.origin, **asdict(run.plan)},
        claims=_claims(run),
        tables=tables(*facts, f"{len(run.test):,} test images of {run.test.name}"),
        plots=plots(run.design, run.checks, run.modes, run.moved, run.accuracy),
        assumptions=_assumptions(run),
        command=command(NAME, run.settings),
        seconds=run.seconds,
        data=raw(*facts, run.modes),
    )


def _claims(run: Run) -> tuple[Claim, ...]:
    spread = f"{100 * run.settings.spread:g} % spread at {run.settings.temperature:g} K"
    ideal = [_rounded(1e3 * check.ideal.distance) for check in run.checks]
    made = [_rounded(1e3 * distance(check.fabricated)) for check in run.checks]
    joule = [_rounded(1e15 * one) for one in run.energies]
    share = [_rounded(100 * one.fabricated.mean) for one in run.moved]
    error = 100 * run.moved[1].fabricated.standard_error
    return (
        at_most("distance to tanh and its gradient, 0 K", ideal[0], ideal[1], "thousandths", SOURCE),
        at_most(f"distance with {spread}", made[0], made[1], "thousandths", ""),
        at_most("energy of an operation", joule[0], joule[1], "fJ", ""),
        at_least(f"accuracy with {spread}", share[0], share[1], "%", "", error),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _summary(run: Run) -> str:
    before, after = run.checks
    nearer = before.ideal.distance / after.ideal.distance
    nearness = f"{nearer:.1f} times nearer to" if nearer >= 1 else f"{1 / nearer:.1f} times farther from"
    joule = run.energies
    cycle = [moved.cost.latency / len(moved.cost.layers) for moved in run.moved]
    made = distance(after.fabricated) / distance(before.fabricated)
    points = distance(after.point_fabricated) / distance(before.point_fabricated)
    accuracies = [100 * moved.fabricated.mean for moved in run.moved]
    return (
        f"On a mesh at 0 K the junction found by gradient descent is {nearness} tanh and its gradient than the "
        f"hand-chosen one, for {joule[1] / joule[0]:.2f} of its energy ({si(joule[1], 'J')} instead of "
        f"{si(joule[0], 'J')} an operation) and {cycle[1] / cycle[0]:.2f} of its time. With "
        f"{100 * run.settings.spread:g} % spread at {run.settings.temperature:g} K its distance is {made:.2f} times "
        f"that of the hand-chosen one on the mesh, where thermal spin waves lower the gradient, and {points:.2f} times "
        "as macrospins. The same network classifies "
        f"{100 * run.accuracy:.2f} % of {len(run.test):,} {run.test.name} test images in software, "
        f"{accuracies[0]:.2f} % on fabricated hand-chosen and {accuracies[1]:.2f} % on fabricated found junctions. "
        f"{run.reason}"
    )


def _assumptions(run: Run) -> tuple[str, ...]:
    plan = run.plan
    return (
        f"The descent followed a macrospin, then a disk of {plan.cells} cells across; spread is judged on a macrospin. "
        "Saturation magnetisation, barriers, damping and exchange are held.",
        f"Checks at temperature: cells of {plan.resolution * 1e9:g} nm (the exchange length of the default is 16 nm), "
        f"{plan.check_points} drives, {plan.devices} fabricated devices with {plan.device_realizations} thermal runs "
        "each; finer points of the curves are interpolated in what is left beside tanh.",
        "Thermal spin waves on a mesh depend on its cells, which cut off shorter ones: at input 0 the gradient of the "
        "default junction reads 0.040 low with cells of 15 nm, 0.068 with 10 nm and 0.085 with 7.5 nm. A magnetisation "
        "measured at temperature holds a part of that already, so distances on a mesh at temperature are upper bounds.",
        "Earlier outputs that the reset finds are spread evenly over network inputs from -3 to 3.",
        "The descent follows thermal noise by a closed form, calibrated on a simulation of the starting design.",
        "The energy compared is that of one operation at a network input of 1.",
        "Neither the time of an operation nor the area of the junction enters the objective.",
        *run.moved[1].cost.assumptions,
    )
