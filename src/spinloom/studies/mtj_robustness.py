"""How much of each imperfection a network on tunnel junctions bears, over many fabricated networks.

One trained network, its weights unchanged, on junctions that have one imperfection at a time: device spread, read
noise, coarse converters, temperature, junctions that no longer answer. Published (arXiv 2409.02528): robust to device
spread. The study says how much of each costs no more than a tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spinloom import errors, evaluation, nn, report
from spinloom.studies import kit, mtj_transfer

SPREAD, LOSS = 0.05, 0.4
"""Spread at which the published loss (percentage points) is compared; the source names none."""

SIZES = kit.Sizes(
    channels=((32, 64, 64), (64, 64, 128)), hidden=(128, 128), dropout=(0.0, 0.3), images_seen=(120_000, 1_080_000),
    most_epochs=(40, 100), devices=(64, 512), instances=(30, 100), images=(2_000, 10_000),
    spreads=((0.0, 0.05, 0.1, 0.2, 0.3), (0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)),
    noises=((0.0, 0.05, 0.1, 0.2, 0.3), (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)),
    bits=((1, 2, 3, 4, 6, 8), (1, 2, 3, 4, 5, 6, 7, 8)),
    temperatures=((0.0, 200.0, 300.0, 400.0), (0.0, 77.0, 200.0, 300.0, 400.0)),
    stuck=((0.0, 0.02, 0.05, 0.1, 0.2), (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2)),
)  # fmt: skip
"""channels to devices: of the network and its junctions, as in mtj-transfer. instances: fabricated networks per point,
on the first `images` test images. spreads, noises, stuck: fractions; bits: of the converters of the forward read."""


@dataclass(frozen=True)
class Settings(kit.OnDevice, kit.Weights, kit.Images, kit.Common):
    """Measure how much of each imperfection a network on tunnel junctions bears, over many fabricated networks."""

    instances: int | None = None
    """Fabricated networks per point (default: 100 if full, else 30)."""
    tolerance: float = 1.0
    """Points of mean accuracy that may be lost where the report says how much of an imperfection is borne."""


@kit.study("How much of each imperfection a network on tunnel junctions bears", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    errors.require_non_negative("points", tolerance=settings.tolerance)
    source = run.on_device(size.devices)
    train, test = run.images()
    if not settings.weights:
        source.nominal()  # what cannot be simulated shows before the training
    network = run.software(train).network
    examples = evaluation.Examples.of(test).first(size.images)
    run.list(images=len(examples))

    # measure
    software, nominal = evaluation.accuracy(network, examples), source.nominal()
    sweeps: dict[str, tuple[Any, Any]] = {
        "spread": (source.fabricated, size.spreads),
        "noise": (nominal.with_read_noise, size.noises),
        "resolution": (lambda _: nominal, size.bits),
        "temperature": (source.at_temperature, size.temperatures),
        "stuck": (nominal.with_stuck, size.stuck),
    }
    if not source.simulated:
        del sweeps["spread"], sweeps["temperature"]
    swept, borne = {}, {}
    for name, (make, values) in sweeps.items():
        more: Any = {"converters": lambda bits: nn.Converters(value=int(bits))} if name == "resolution" else {}
        kind = report.SWEEPS[name]
        swept[name] = run.sweep(kind, values, network, make, examples, size.instances, software, **more)
        borne[name] = find_borne(kind, swept[name], software, settings.tolerance)

    # claim
    if group := swept.get("spread", {}).get(SPREAD):
        loss, error = 100 * (software - group.mean), report.error_in_percent(group)
        name, where = f"mean loss with {100 * SPREAD:g} % device spread", mtj_transfer.SOURCES[LOSS]
        claim = report.at_most(name, LOSS, loss, "points", where, error)
        common = report.one_of(test.name, mtj_transfer.PUBLISHED), report.at_room_temperature(source)
        run.claim(claim, *common, report.several(len(group.accuracies)))

    # show
    images = f"{len(examples):,} test images of {test.name}"
    rows = []
    for name, points in swept.items():
        kind, most = report.SWEEPS[name], borne[name]
        hardest = (min if kind.worst_first else max)(points)
        reached = "none of those measured" if most is None else f"{kind.scale * most:g}"
        rows.append((kind.axis, reached, f"{kind.scale * hardest:g}", *report.percents(points[hardest])))
    columns = ("imperfection", "borne", "hardest measured", "accuracy there (%)", "deviation", "worst")
    note = f"""Borne: the most that was measured before the mean of the networks loses more than
        {settings.tolerance:.1f} points against the software network ({report.percent(software)} %). {images};
        deviation: standard deviation of the networks."""
    run.table(report.Table("What is borne", columns, tuple(rows), note), first=True)
    made = f"fabricated with {100 * SPREAD:g} % spread" if source.simulated else "of the file"
    run.show_curves(source.fabricated(SPREAD), f"single junctions {made}")
    run.table(report.device_table(source))

    # say
    bounds = []
    for name, most in borne.items():
        kind = report.SWEEPS[name]
        reached = "not even the least" if most is None else f"{kind.scale * most:g} {kind.unit}"
        bounds.append(f"{name} {'down to' if kind.worst_first else 'up to'} {reached}")
    run.say(f"""The software network classifies {100 * software:.2f} % of {images}. With the same weights on junctions,
        the mean of {size.instances} fabricated networks loses no more than {settings.tolerance:.1f} percentage points
        with {", ".join(bounds)}, of what was measured.""")
    own = "Every neuron has its own junction"
    if source.simulated:
        drawn = f", in the sweep of spread drawn at random from {source.population(SPREAD)}; weights are exact."
        nominal_are = f"nominal but for it, with their read noise at {settings.temperature:g} K."
    else:
        drawn, nominal_are = "; weights are exact.", "the mean of those in the file but for it, with their noise."
    run.assume(
        own + drawn,
        f"One imperfection at a time: the junctions are {nominal_are}",
        "The network is trained with exact tanh and moved without any retraining.",
    )
    if source.simulated:
        run.assume(
            "The claim compares with the published loss under device spread, whose size the source does not give."
        )
    run.record(software=software, sweeps=report.raw_sweeps(swept))


def find_borne(
    kind: report.Sweep, points: dict[float, evaluation.Population], software: float, tolerance: float
) -> float | None:
    """The most of an imperfection that was measured before the mean loss first exceeds `tolerance` (points)."""
    most = None
    for value in sorted(points, reverse=kind.worst_first):
        if 100 * (software - points[value].mean) > tolerance:
            break
        most = value
    return most
