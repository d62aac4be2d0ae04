"""A network trained in software, moved onto two-polarizer magnetic tunnel junctions (arXiv 2409.02528).

One junction per neuron gives the activation (m_x, close to tanh) and its gradient (m_z^2). The study trains a tanh
network, keeps its weights, replaces every tanh by a simulated junction at room temperature, and measures what is
lost: on nominal devices, on fabricated ones whose every physical parameter is spread, along sweeps of spread, read
noise, temperature and diameter, and what one inference costs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from spinloom import devices, errors, evaluation, learning, report
from spinloom.studies import kit

PUBLISHED = "fashion-mnist"
SOURCES = {0.1: "arXiv 2409.02528, abstract", 0.4: "conference summary, Politecnico di Bari"}
"""Published loss on Fashion-MNIST (percentage points) and where it stands; the two texts disagree."""
COST_IMAGES = 256
"""Images that the energy of an inference is averaged over."""

NAMES = "nominal junctions", "fabricated junctions"

SIZES = kit.Sizes(
    channels=((32, 64, 64), (64, 64, 128)), hidden=(128, 128), dropout=(0.0, 0.3), images_seen=(480_000, 1_080_000),
    most_epochs=(40, 100), noise_seeds=(5, 10), instances=(5, 20), sweep_instances=(4, 6), sweep_images=(2_000, 5_000),
    devices=(64, 512), levels=((0.0, 0.05, 0.1, 0.15, 0.2), (0.0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2)),
    temperatures=((0.0, 150.0, 300.0, 400.0), (0.0, 77.0, 200.0, 300.0, 400.0)),
    diameters=((30e-9, 60e-9, 90e-9, 120e-9), (20e-9, 30e-9, 60e-9, 90e-9, 120e-9, 160e-9)),
)  # fmt: skip
"""channels, hidden, dropout: of the network. images_seen: training images, repeats counted. noise_seeds: repeats on
nominal devices. instances: fabricated networks. sweep_instances, sweep_images: per point of a sweep. devices:
simulated ones that instances draw from."""


@dataclass(frozen=True)
class Settings(kit.OnDevice, kit.Weights, kit.Images, kit.Common):
    """Move a trained network onto magnetic tunnel junctions and measure what is lost."""

    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction."""
    instances: int | None = None
    """Fabricated networks to average over (default: 20 if full, else 5)."""
    mac_energy: float = 0.23e-12
    """J per multiply-accumulate of the weights; the default is 8-bit integer arithmetic in 45 nm CMOS (Horowitz, ISSCC
    2014, 10-14)."""


@kit.study("A software-trained network on magnetic tunnel junction neurons", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    learning.require_share(spread=settings.spread)
    errors.require_non_negative("J", mac_energy=settings.mac_energy)
    source = run.on_device(size.devices, "spread")
    train, test = run.images()
    if not settings.weights:
        source.fabricated(settings.spread)  # what cannot be simulated shows before the training
    network = run.software(train).network

    # measure
    examples = evaluation.Examples.of(test)
    few = examples.first(size.sweep_images)
    made, nominally = source.fabricated, source.nominal
    software = evaluation.accuracy(network, examples)
    nominal = run.population(NAMES[0], network, nominally, examples, size.noise_seeds)
    make = partial(made, settings.spread)
    fabricated = run.population(NAMES[1], network, make, examples, size.instances, spread=settings.spread)
    losses = [100 * (software - group.mean) for group in (nominal, fabricated)]

    # claim
    common = (report.one_of(test.name, PUBLISHED), report.at_room_temperature(source))
    spread = report.with_spread(source, settings.spread)
    for name, most, loss, group, conditions in (
        ("loss on nominal junctions", 0.1, losses[0], nominal, common),
        ("loss with device spread", 0.4, losses[1], fabricated, (*common, spread)),
    ):
        claim = report.at_most(name, most, loss, "points", SOURCES[most], report.error_in_percent(group))
        run.claim(claim, *conditions, report.several(len(group.accuracies)))

    # show
    rows: list[tuple[report.Cell, ...]] = [("software", report.percent(software), None, None, None, None)]
    for name, group, loss in zip(NAMES, (nominal, fabricated), losses, strict=True):
        rows.append((name, *report.percents(group), f"{loss:.2f}", len(group.accuracies)))
    columns = ("network", "accuracy (%)", "deviation", "worst", "mean loss", "instances")
    images = f"{len(test):,} test images of {test.name}"
    note = f"{images}; deviation: standard deviation of instances; loss: points."
    run.table(report.Table("Accuracy", columns, tuple(rows), note))
    run.show_curves(made(settings.spread))

    # sweep
    few_right = evaluation.accuracy(network, few)
    share = report.percent(few_right)
    note = f"The first {len(few):,} test images, of which the software network classifies {share} %."
    sweeps: dict[str, tuple[Any, Any]] = {"noise": (nominally().with_read_noise, size.levels)}
    if source.simulated:
        sweeps |= {"spread": (made, size.levels), "temperature": (source.at_temperature, size.temperatures)}
    if source.at_diameter:
        sweeps["diameter"] = (source.at_diameter, size.diameters)
    swept = {}
    for name in filter(sweeps.__contains__, report.SWEEPS):
        kind, (make, values) = report.SWEEPS[name], sweeps[name]
        swept[name] = run.sweep(kind, values, network, make, few, size.sweep_instances, few_right, note=note)

    # cost
    def cost(response: devices.Response, diameter: float | None = None) -> evaluation.InferenceCost:
        assert source.cost
        hardware = evaluation.on_devices(network, response, examples, settings.seed)
        given = examples.first(COST_IMAGES).inputs, response.unit_drive, source.cost(diameter)
        return evaluation.inference_cost(hardware, *given, settings.mac_energy)

    total = cost(nominally()) if source.cost else None
    if source.at_diameter and source.cost:
        found = [(one, source.at_diameter(one)) for one in size.diameters]
        noises = [float(response.noise[0, response.drive.numel() // 2]) for _, response in found]
        energies = [cost(response, one).neurons for one, response in found]
        figure = report.draw_sizes(size.diameters, noises, energies)
        run.show("size", "What the diameter of the junctions trades: noise against energy.", figure)
    if total:
        run.table(report.cost_table(total))
        caption = "Where the energy of one inference goes; the weights are an estimate and not in the junctions."
        run.show("energy", caption, report.draw_cost(total))
    run.table(report.device_table(source))

    # say
    made_with = f"with {100 * settings.spread:g} % spread of every physical parameter"
    made_with = made_with if source.simulated else "with the spread of the file's devices"
    count = len(fabricated.accuracies)
    run.say(f"""The software network classifies {100 * software:.2f} % of {len(test):,} {test.name} test images. With
        the same weights, nominal junctions {_change(losses[0])}, fabricated ones {made_with} {_change(losses[1])}
        ({f"mean of {count} networks" if count > 1 else "one network"}).""")
    run.assume(
        f"Every neuron has its own junction, drawn at random from {source.population(settings.spread)}; weights are "
        "exact.",
        "The network is trained with exact tanh and moved without any retraining.",
        *(total.assumptions if total else ()),
    )
    run.record(software=software, nominal=list(nominal.accuracies), fabricated=list(fabricated.accuracies))
    run.record(sweeps=report.raw_sweeps(swept), cost=asdict(total) if total else None)


def _change(loss: float) -> str:
    return f"lose {loss:.2f} points" if loss >= 0 else f"gain {-loss:.2f} points"
