"""A two-polarizer junction designed by gradient descent through its dynamics, and what that is worth to a network.

The junction that `docs/device.md` argues for was chosen by hand, one parameter at a time. Here ten parameters fall
together along the gradient of the simulated curves: distance to tanh and its gradient, device spread, noise and energy.
Both junctions are then resolved in space and simulated at room temperature, and the same trained network is moved onto
each. Beside it stands where a macrospin is enough and where it is not.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import lazy_loader

from spinloom import devices, errors, evaluation, learning, report
from spinloom.quantities import si
from spinloom.studies import kit, mtj_transfer

torch = lazy_loader.load("torch")

SOURCE = "no geometry is published; in every row it is the hand-chosen junction of docs/device.md, simulated here"
NAMES = ("hand-chosen", "found")
SPREAD, KELVIN, LARGEST_SPREAD = 0.05, 300.0, 0.3
POINT_READS, POINT_DEVICES, POINT_DEVICE_READS = 512, 256, 16
"""Of the macrospins beside the meshes."""
FINE = 141
"""Points of the curves that the network looks up."""
DENSER = 2.0
"""Ratio of the saturation magnetisation of the second material, and of its pulses, which keeps the voltage."""

DISKS = (30e-9, 45e-9, 60e-9, 90e-9, 120e-9, 150e-9, 200e-9)
PULSES = (50e-12, 90e-12, 125e-12, 180e-12, 250e-12, 400e-12)
SIZES = kit.Sizes(
    points=(8, 11), evaluations=(24, 60), mesh_evaluations=(5, 30), cells=(8, 12),
    resolution=(15e-9, 10e-9), check_points=(15, 21), realizations=(16, 32),
    devices=(16, 24), device_realizations=(4, 4),
    diameters=((30e-9, 60e-9, 90e-9, 120e-9, 160e-9, 200e-9), DISKS),
    dense_diameters=((30e-9, 60e-9, 90e-9, 120e-9), DISKS),
    pulses=((50e-12, 125e-12, 250e-12, 400e-12), PULSES), dense_pulses=((), PULSES),
    channels=((32, 64, 64), (32, 64, 64)), hidden=(128, 128), dropout=(0.0, 0.0),
    images_seen=(96_000, 480_000), most_epochs=(40, 40), noise_seeds=(5, 10), instances=(5, 20),
)  # fmt: skip
"""points: network inputs from 0 to the largest in the objective. evaluations: of the descent on a macrospin, then on a
mesh of `cells` cells across. resolution: m, of the mesh that checks at temperature. check_points, realizations,
devices, device_realizations: drives, thermal runs of the nominal device, fabricated devices and thermal runs of each.
diameters (m), pulses (s): at which a macrospin is compared with a mesh; dense: the same at DENSER times the saturation
magnetisation. channels to instances: of the network, as in mtj-transfer."""


@dataclass(frozen=True)
class Settings(kit.Weights, kit.Images, kit.Common):
    """Design a tunnel junction neuron by gradient descent, check it by micromagnetics, and move a network onto it."""

    set: tuple[str, ...] = ()
    """The design to start from and to compare with, as name=value in SI units, for example diameter=80e-9."""
    temperature: float = KELVIN
    """K."""
    spread: float = SPREAD
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction; 0 designs without it."""
    energy_weight: float = 1.0
    """What the energy counts beside distance, spread and noise, each relative to the starting design."""
    instances: int | None = None
    """Fabricated networks to average over (default: 20 if full, else 5)."""


@kit.study("A tunnel junction neuron designed by gradient descent through its dynamics", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    errors.require_non_negative("", spread=settings.spread, energy_weight=settings.energy_weight)
    errors.require_non_negative("K", temperature=settings.temperature)
    if settings.spread > LARGEST_SPREAD:
        raise errors.InputError(f"spread must be at most {LARGEST_SPREAD} (0.05 means 5 %), got {settings.spread:g}")
    start = devices.with_parameters(devices.TwoPolarizerMTJ(), settings.set)
    if start.resolution is not None:
        raise errors.InputError("the study sets the resolution itself; leave it out of --set")
    given = (settings.temperature, size.points, settings.spread, settings.energy_weight, settings.seed)
    search = devices.DesignSearch(start, *given)
    shares = search.shares()
    train, test = run.images()
    network = run.software(train).network
    examples = evaluation.Examples.of(test)
    software = evaluation.accuracy(network, examples)

    # design, check
    with_images, run.stages.common = run.stages.common, {"seed": settings.seed}  # a design holds for all images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.SpinloomWarning)  # the coarse mesh is said in the report
        point = _descend(run, search, shares, size.evaluations, None)
        mesh = _descend(run, search, point.shares[point.best], size.mesh_evaluations, size.cells)
        designs = start, search.design(mesh.shares[mesh.best])
        checks = tuple(_check(run, title, one, size) for title, one in zip(NAMES, designs, strict=True))
        space = _space(run, start, size)
    run.stages.common = with_images

    # measure
    groups, costs = [], []
    for title, device, check in zip(NAMES, designs, checks, strict=True):
        for kind, count in (("nominal", size.noise_seeds), ("fabricated", size.instances)):
            give = partial(devices.refine, getattr(check, kind), FINE)
            groups.append(run.population(f"{kind}, {title}", network, give, examples, count, curves=give()))
        fine = devices.refine(check.nominal, FINE)
        hardware = evaluation.on_devices(network, fine, examples, settings.seed)
        inputs = examples.first(mtj_transfer.COST_IMAGES).inputs
        costs.append(evaluation.inference_cost(hardware, inputs, fine.unit_drive, device.cost()))
    nominal, fabricated = groups[::2], groups[1::2]
    ideal, ideal_point = [check.distance for check in checks], [check.point_distance for check in checks]
    warm, warm_point, made, made_point = (
        [devices.distance_to_tanh(getattr(check, name)) for check in checks]
        for name in ("nominal", "point", "fabricated", "point_fabricated")
    )
    noise, noise_point = (
        [float(getattr(check, name).noise.double().square().mean().sqrt()) for check in checks]
        for name in ("nominal", "point")
    )
    joule = [float(devices.operation_energy(device)) for device in designs]

    # claim
    with_spread = f"{100 * settings.spread:g} % spread at {settings.temperature:g} K"
    common = (
        report.same(", ".join(settings.set) or "as it is", "as it is", "the hand-chosen junction {}"),
        report.same(100 * settings.spread, 100 * SPREAD, "{:g} % spread"),
        report.same(settings.temperature, KELVIN, "{:g} K"),
        report.same(settings.energy_weight, 1.0, "an energy weight of {:g}"),
    )
    for name, pair, scale, unit, source in (
        ("distance to tanh and its gradient, 0 K", ideal, 1e3, "thousandths", SOURCE),
        (f"distance with {with_spread}", made, 1e3, "thousandths", ""),
        ("energy of an operation", joule, 1e15, "fJ", ""),
    ):
        before, after = (_rounded(scale * one) for one in pair)
        run.claim(report.at_most(name, before, after, unit, source), *common)
    before, after = (_rounded(100 * one.mean) for one in fabricated)
    error = 100 * fabricated[1].standard_error
    claim = report.at_least(f"accuracy with {with_spread}", before, after, "%", "", error)
    images = report.one_of(test.name, mtj_transfer.PUBLISHED)
    run.claim(claim, *common, images, report.several(len(fabricated[1].accuracies)))

    # show
    rows: list[tuple[report.Cell, ...]] = []
    for free in search.free:
        *both, low, high = (si(one, free.unit).strip() for one in (*map(free.of, designs), free.low, free.high))
        rows.append((free.title, *both, f"{low} to {high}"))
    run.table(report.Table("The design", ("parameter", *NAMES, "bounds"), tuple(rows)))
    single, largest = [device.cost() for device in designs], devices.DesignSearch.largest_input
    distances = (
        ("distance to tanh and gradient, 0 K, mesh", ideal),
        ("the same, macrospin", ideal_point),
        ("distance at temperature, mesh", warm),
        ("the same, macrospin", warm_point),
        ("distance at temperature with spread, mesh", made),
        ("the same, macrospins", made_point),
        ("noise of a read, mesh", noise),
        ("the same, macrospin", noise_point),
    )
    rows = [(title, *(f"{value:.4f}" for value in pair)) for title, pair in distances]
    volts = [float(devices.largest_voltage(one)) for one in designs]
    rows += [
        ("energy of an operation at input 1", *(si(one, "J") for one in joule)),
        ("of it reset", *(si(one.reset_energy, "J") for one in single)),
        ("time of an operation", *(si(one.cycle_time, "s") for one in single)),
        (f"largest voltage (input {largest:g}, reset)", *(si(one, "V") for one in volts)),
    ]
    note = f"""Distance: root mean square of (value - tanh, slope - sech^2) together over inputs to {largest:g}; at 0 K
        over what the reset finds, too. Noise: root mean square over the inputs."""
    run.table(report.Table("The junction", ("quantity", *NAMES), tuple(rows), note))
    rows = [
        ("software network, accuracy (%)", *[report.percent(software)] * 2),
        ("nominal junctions, accuracy (%)", *(report.percent(one.mean) for one in nominal)),
        ("fabricated junctions, accuracy (%)", *(report.percent(one.mean) for one in fabricated)),
        ("standard deviation of networks", *(report.percent(one.deviation) for one in fabricated)),
        ("worst network (%)", *(report.percent(one.worst) for one in fabricated)),
        ("energy of all junctions, an image", *(si(one.neurons, "J") for one in costs)),
        ("of it reset", *(si(one.reset, "J") for one in costs)),
        ("latency of the junctions, an image", *(si(one.latency, "s") for one in costs)),
    ]
    counts = f"{len(test):,} test images of {test.name}; {len(fabricated[0].accuracies)} fabricated networks each."
    run.table(report.Table("The network", ("quantity", *NAMES), tuple(rows), counts))
    figure = report.draw_designs(NAMES, [check.curves for check in checks], [check.fabricated for check in checks])
    caption = """The two outputs of both junctions beside tanh and its derivative; below, what is left of a nominal
        device at 0 K, then of fabricated devices at temperature (thin lines are single devices). All on a mesh."""
    run.show("curves", caption, figure)
    titles, reference = [free.title for free in search.free], "relative to the hand-chosen junction"
    caption = """The objective and its parts, each relative to the hand-chosen junction, over the evaluations of the
        descent; right, the parameters between their bounds. The descent goes on on a mesh behind the line."""
    run.show("descent", caption, report.draw_descent((point, mesh), titles, reference))
    caption = """Where a macrospin and a mesh differ: largest difference of either output over the inputs, and how far
        the magnetisation is from uniform right after the pulse, against diameter and length of the pulse, at 0 K."""
    run.show("macrospin", caption, report.draw_space(space, start, DENSER))
    figure = report.draw_warmth(NAMES, [check.nominal for check in checks], [check.point for check in checks])
    caption = """Thermal spin waves, which a macrospin does not have, shorten the mean magnetisation of the mesh, so the
        gradient at small inputs reads low; the noise of a read is nearly that of a macrospin."""
    run.show("temperature", caption, figure)
    figure = report.draw_networks(NAMES, {"nominal": nominal, "fabricated": fabricated}, costs, software)
    caption = """The same trained network on both junctions: every dot is one network; right, the energy of all its
        junctions for one image."""
    run.show("networks", caption, figure)

    # say
    nearer = ideal[0] / ideal[1]
    nearness = f"{nearer:.1f} times nearer to" if nearer >= 1 else f"{1 / nearer:.1f} times farther from"
    cycle = [one.latency / len(one.layers) for one in costs]
    run.say(f"""On a mesh at 0 K the junction found by gradient descent is {nearness} tanh and its gradient than the
        hand-chosen one, for {joule[1] / joule[0]:.2f} of its energy ({si(joule[1], "J")} instead of {si(joule[0], "J")}
        an operation) and {cycle[1] / cycle[0]:.2f} of its time. With {with_spread} its distance is
        {made[1] / made[0]:.2f} times that of the hand-chosen one on the mesh, where thermal spin waves lower the
        gradient, and {made_point[1] / made_point[0]:.2f} times as macrospins. The same network classifies
        {100 * software:.2f} % of {len(test):,} {test.name} test images in software, {100 * fabricated[0].mean:.2f} % on
        fabricated hand-chosen and {100 * fabricated[1].mean:.2f} % on fabricated found junctions.""")
    run.assume(
        f"The descent followed a macrospin, then a disk of {size.cells} cells across; spread is judged on a macrospin. "
        "Saturation magnetisation, barriers, damping and exchange are held.",
        f"Checks at temperature: cells of {size.resolution * 1e9:g} nm (the exchange length of the default is 16 nm), "
        f"{size.check_points} drives, {size.devices} fabricated devices with {size.device_realizations} thermal runs "
        "each; finer points of the curves are interpolated in what is left beside tanh.",
        "Thermal spin waves on a mesh depend on its cells, which cut off shorter ones: at input 0 the gradient of the "
        "default junction reads 0.040 low with cells of 15 nm, 0.068 with 10 nm and 0.085 with 7.5 nm. A magnetisation "
        "measured at temperature holds a part of that already, so distances on a mesh at temperature are upper bounds.",
        "Earlier outputs that the reset finds are spread evenly over network inputs from -3 to 3.",
        "The descent follows thermal noise by a closed form, calibrated on a simulation of the starting design.",
        "The energy compared is that of one operation at a network input of 1.",
        "Neither the time of an operation nor the area of the junction enters the objective.",
        *costs[1].assumptions,
    )
    chosen = [{free.name: free.of(device) for free in search.free} for device in designs]
    run.record(software=software, designs=chosen, descent={"macrospin": asdict(point), "mesh": asdict(mesh)})
    run.record(distance=ideal, distance_macrospin=ideal_point, distance_nominal=warm, distance_fabricated=made)
    run.record(distance_fabricated_macrospin=made_point, noise=noise, energy=joule)
    accuracies = {"nominal": nominal, "fabricated": fabricated}
    run.record(**{kind: [list(one.accuracies) for one in group] for kind, group in accuracies.items()})
    run.record(cost=[asdict(one) for one in costs], modes=space)


def _descend(run: kit.Run, search: Any, shares: list[float], evaluations: int, cells: int | None) -> learning.Descent:
    """From `shares`, on a macrospin or a mesh; a killed one goes on."""

    @run.kept
    def descent(**key: Any) -> dict[str, Any]:
        before, checkpoint = search.before(cells), run.stages.path("descent", key, ".checkpoint")
        with run.bar("descent, macrospin" if cells is None else "descent, mesh") as progress:
            return learning.descend(
                lambda given: search.terms(search.at(given, cells), before), shares, evaluations, checkpoint, progress
            )

    return learning.Descent(**descent(search=str(search), shares=shares, evaluations=evaluations, cells=cells))


def _check(run: kit.Run, title: str, device: devices.TwoPolarizerMTJ, size: Any) -> SimpleNamespace:
    """A design on the mesh at 0 K (curves, distance) and at temperature, and the same of macrospins, many more."""
    settings, resolved = run.settings, replace(device, resolution=size.resolution)

    @run.kept
    def ideal(device: devices.TwoPolarizerMTJ, points: int) -> list[Any]:
        *curves, away = devices.ideal_curves(device, points)
        return [*(curve.tolist() for curve in curves), away]

    @run.kept
    def response(device: devices.TwoPolarizerMTJ, points: int, spread: float, **how: Any) -> list[Any]:
        drive = device.drives(points, devices.DesignSearch.largest_input)
        drawn = devices.Spread.uniform(spread) if spread else None
        found = device.simulate(drive, spread=drawn, seed=settings.seed, **how)
        columns = (found.drive, found.value, found.slope, found.noise)
        return [*(column.double().tolist() for column in columns), found.unit_drive]

    def simulated(device: devices.TwoPolarizerMTJ, realizations: int, count: int = 1, spread: float = 0.0) -> Any:
        how = {"devices": count, "realizations": realizations, "spread": spread}
        *columns, unit = response(device=device, points=size.check_points, temperature=settings.temperature, **how)
        drive, value, slope, noise = (torch.tensor(column, dtype=torch.float64) for column in columns)
        return devices.Response(drive, value, slope, noise, unit)

    stages = {
        "curves": lambda: ideal(device=resolved, points=size.check_points),
        "point_distance": lambda: ideal(device=device, points=size.check_points)[-1],
        "point": lambda: simulated(device, POINT_READS),
        "point_fabricated": lambda: simulated(device, POINT_DEVICE_READS, POINT_DEVICES, settings.spread),
        "nominal": lambda: simulated(resolved, size.realizations),
        "fabricated": lambda: simulated(resolved, size.device_realizations, size.devices, settings.spread),
    }
    found: dict[str, Any] = {}
    with run.bar(f"checks, {title}") as progress:
        for number, (name, stage) in enumerate(stages.items()):
            progress(number, len(stages), name.replace("_", " "))
            found[name] = stage()
        progress(len(stages), len(stages), "")
    *curves, away = found.pop("curves")
    return SimpleNamespace(curves=[torch.tensor(one, dtype=torch.float64) for one in curves], distance=away, **found)


def _space(run: kit.Run, device: devices.TwoPolarizerMTJ, size: Any) -> dict[str, list[dict[str, float]]]:
    """Where a macrospin is enough: differences from a mesh by diameter and pulse, also of a denser material."""

    @run.kept
    def difference(device: devices.TwoPolarizerMTJ) -> list[float]:
        return list(devices.compare_with_mesh(device))

    magnetization, pulse = device.saturation_magnetization, device.pulse
    dense = replace(device, saturation_magnetization=DENSER * magnetization, pulse=DENSER * pulse)
    jobs = [
        *(("sizes", value, replace(device, diameter=value)) for value in size.diameters),
        *(("dense_sizes", value, replace(dense, diameter=value)) for value in size.dense_diameters),
        *(("pulses", value, replace(device, pulse=value)) for value in size.pulses),
        *(("dense_pulses", value, replace(dense, pulse=value)) for value in size.dense_pulses),
    ]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("sizes", "dense_sizes", "pulses", "dense_pulses")}
    columns = ("at", "value", "slope", "nonuniformity")
    with run.bar("macrospin against mesh") as progress:
        for number, (name, value, one) in enumerate(jobs):
            progress(number, len(jobs), f"{name.replace('_', ' ')} {value:.3g}")
            found[name].append(dict(zip(columns, (value, *difference(device=one)), strict=True)))
        progress(len(jobs), len(jobs), "")
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
