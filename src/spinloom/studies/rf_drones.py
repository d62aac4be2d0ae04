"""Drones told apart by their radio spectra, by spintronic resonators and oscillators (arXiv 2211.03659).

A spectrum enters as radio-frequency power. Chains of spin-diode resonators weigh it, oscillators are the neurons
between two layers of chains, and what is trained is the resonance frequencies. The study trains many such networks side
by side, compares them with software networks of the same size under the same protocol, and measures what spread of the
devices costs: when trained through a twin, ideal or measured, when trained straight through the imperfect devices, and
when moved onto them without retraining.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import lazy_loader

from spinloom import data, errors, evaluation, learning, quantities, report
from spinloom.nn import radio
from spinloom.studies import kit

torch = lazy_loader.load("torch")

JUDGED = 0.01
"""The level of spread whose loss is judged."""
FIGURE = "figure published with arXiv 2211.03659"
WAYS = {
    "twin": "trained through an ideal twin",
    "layers": "twin of wider lines, layer by layer",
    "measured": "twin of the measured devices",
    "direct": "trained straight through the devices",
}
"""Ways of training on imperfect devices: where the loss looks, and what its gradient flows through."""
SHORT = {"twin": "twin", "layers": "by layer", "measured": "measured twin", "direct": "straight", "deployed": "moved"}
"""For tables."""

SIZES = kit.Sizes(
    hidden=(128, 128), seeds=(20, 100), spread_seeds=(8, 20), side_by_side=(20, 20),
    spreads=((0.002, 0.01, 0.05), (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)), untrained=((0.001, 0.005), (0.001,)),
    instances=(3, 3), every=(4, 1), least={"seeds": 2, "spread_seeds": 2, "spreads": 0},
)  # fmt: skip
"""hidden: oscillators. seeds: networks without spread. spread_seeds: networks at each level of spread. side_by_side:
trained as one batch, at most. spreads: levels trained with. untrained: further levels onto which networks are moved
without retraining. instances: fabrications and noisy reads averaged over. every: epochs between two points of the
learning curve."""


@dataclass(frozen=True)
class Settings(kit.Common):
    """Train a radio-frequency spintronic network on drone spectra and measure what imperfect devices cost."""

    dataset: str = "drone-rf"
    """Set of spectra by name (see `spinloom data list`); `spinloom data fetch drone-rf` brings it."""
    seeds: int | None = None
    """Networks trained with different seeds, at least 2 (default: 100 if full, else 20)."""
    spread_seeds: int | None = None
    """Networks trained at every level of spread, at most `seeds` (default: 20 if full, else 8)."""
    epochs: int = 100
    """Passes over the training spectra."""
    batch: int = 256
    """Spectra per training step."""
    spreads: tuple[float, ...] = ()
    """Relative spreads that are trained with (default: 0.002 0.01 0.05, more if full); must contain 0.01."""
    linewidth: float = 0.01
    """Half linewidth of a resonator over its frequency."""
    temperature: float = 300.0
    """K, of the resonators' voltage noise in the test with noise."""
    bandwidth: float = 1e6
    """Hz, of the same noise: how fast a voltage is read."""
    measured_to: float = 0.001
    """Relative error of the frequencies and powers that the twin of the measured devices is made from."""
    rate: float = 0.04
    """Adam's largest rate of the spintronic network, in half linewidths."""
    software_rate: float = 0.0357
    """Adam's largest rate of the software network."""
    readout: float = 300.0
    """Logits per volt of the last layer."""
    transconductance: float = 0.5e-3
    """A/V, from a chain's voltage to an oscillator's current."""
    bias: float = 40e-3
    """V, added to the voltage of every hidden chain."""


@kit.study("Drones told apart by a radio-frequency spintronic network", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    levels = _check(settings, size)
    train, test = (data.load_spectra(settings.dataset, split) for split in ("train", "test"))
    run.list(data=train.source)
    shape = (train.values.shape[1], size.hidden, len(train.classes))
    unseen = ("out", "full", "seed", "seeds", "spread_seeds", "spreads")  # change which stages there are
    known = {name: value for name, value in asdict(settings).items() if name not in unseen}
    own = {name: value for name, value in vars(size).items() if name in ("hidden", "instances", "every")}
    run.stages.depend(**known, **own, levels=levels)

    # measure
    def trained(network: Any, seeds: Sequence[int], rate: float, every: int, title: str, **forward: Any) -> Any:
        course = learning.Course(settings.epochs, settings.batch, rate, seeds=tuple(seeds))
        with run.bar(f"{title}, {len(seeds)} seeds") as watch:
            return learning.fit_watched(network, train, test, course, every, report=watch, **forward)

    @run.kept
    def software(seeds: Sequence[int]) -> learning.Watched:
        network = learning.MemberMLP(shape, seeds)
        return trained(network, seeds, settings.software_rate, size.every, "software")

    @run.kept
    def spintronic(seeds: Sequence[int]) -> learning.Watched:
        """Train without imperfections, then move onto devices of every level and onto others with noise."""
        network = spintronic_network(shape, seeds, settings)
        found = trained(network, seeds, settings.rate, size.every, "spintronic")

        def tested(given: radio.Imperfections) -> list[float]:
            turns = [seeds[0] + 1_000_003 * turn for turn in range(1, 1 + size.instances)]
            made = (radio.fabricate(network, given, seed) for seed in turns)
            return torch.stack([learning.accuracies(one, test.values, test.labels) for one in made]).mean(0).tolist()

        shift = network[0].get_parameter("shift").detach()
        found["moved"] = (0.5 * shift.square().mean((0, 1)).sqrt()).tolist()  # a shift of 1 is half a linewidth
        found["deployed"] = [tested(radio.Imperfections.spread(level)) for level in levels]
        noise = radio.Imperfections(temperature=settings.temperature, bandwidth=settings.bandwidth)
        found["noisy"] = tested(noise)
        return found

    @run.kept
    def with_spread(way: str, level: float, seeds: Sequence[int]) -> learning.Watched:
        """Train with the spread on, every member on its own devices; test on the same devices."""
        network = spintronic_network(shape, seeds, settings)
        radio.fabricate(network, radio.Imperfections.spread(level), seeds[0])
        forward = {
            "twin": lambda: radio.through_twin,
            "layers": lambda: radio.through_layers,
            "measured": lambda: radio.MeasuredTwin(network, settings.measured_to, seeds[0] + 17),
            "direct": lambda: lambda network, x: network(x),
        }[way]()
        title = f"{way} {100 * level:g} %"
        return trained(network, seeds, settings.rate, settings.epochs, title, forward=forward)

    def groups(count: int) -> list[list[int]]:
        seeds = list(range(settings.seed, settings.seed + count))
        return [seeds[at : at + size.side_by_side] for at in range(0, count, size.side_by_side)]

    def population(parts: Iterable[Sequence[float]]) -> evaluation.Population:
        return evaluation.Population(tuple(chain.from_iterable(parts)))

    ideal = [spintronic(seeds=seeds) for seeds in groups(size.seeds)]
    plain = learning.join_watched(ideal)
    digital = learning.join_watched([software(seeds=seeds) for seeds in groups(size.seeds)])
    noisy = population([part["noisy"] for part in ideal])
    moved = torch.tensor([part["moved"] for part in ideal]).square().mean(0).sqrt().tolist()
    found: dict[str, dict[float, evaluation.Population]] = {way: {} for way in WAYS}
    for way, points in found.items():
        for level in size.spreads:
            parts = [with_spread(way=way, level=level, seeds=seeds) for seeds in groups(size.spread_seeds)]
            points[level] = population(part["accuracies"] for part in parts)
    deployed = zip(*(part["deployed"] for part in ideal), strict=True)
    found["deployed"] = {level: population(parts) for level, parts in zip(levels, deployed, strict=True)}
    ours, theirs = (evaluation.Population(tuple(one["accuracies"])) for one in (plain, digital))

    def lost(group: evaluation.Population) -> evaluation.Population:
        """Of every seed against the same seed without imperfections, which are the first ones; may be negative."""
        return evaluation.Population(tuple(a - b for a, b in zip(ours.accuracies, group.accuracies, strict=False)))

    # claim
    here = (
        report.one_of(settings.dataset, "drone-rf"),
        report.same(settings.linewidth, 0.01, "half linewidths of {:g} of the frequency"),
        report.same(settings.epochs, 100, "{} epochs"),
    )
    source = f"{FIGURE}, read by eye: 99.3 to 99.6 %"
    accuracy = report.at_least("accuracy", 99.3, 100 * ours.mean, "%", source, 100 * ours.standard_error)
    error = 100 * (theirs.standard_error**2 + ours.standard_error**2) ** 0.5
    source = f"{FIGURE}: both within the 0.3 points that can be read"
    behind = 100 * (theirs.mean - ours.mean)
    claims = (accuracy, report.at_most("behind the software network", 0.3, behind, "points", source, error))
    for claim in claims:
        run.claim(claim, *here, report.enough(size.seeds, 20, "networks"))
    for way, title in WAYS.items():
        loss = lost(found[way][JUDGED])
        name, source = f"lost at {100 * JUDGED:g} % spread, {title}", "bar of this study, no published figure"
        claim = report.at_most(name, 1.0, 100 * loss.mean, "points", source, 100 * loss.standard_error)
        known_to = report.same(100 * settings.measured_to, 0.1, "devices measured to {:g} %")
        alike = (known_to,) if way == "measured" else ()
        run.claim(claim, *here, *alike, report.enough(size.spread_seeds, 8, "networks"))

    # show
    columns = ("accuracy (%)", "deviation", "standard error", "worst", "seeds")
    networks = {
        "spintronic": ours,
        "software, same size": theirs,
        f"spintronic, read with the noise of {settings.temperature:g} K": noisy,
    }
    rows: tuple[tuple[report.Cell, ...], ...] = tuple(
        (name, *report.percents(one)[:2], *map(report.percent, (one.standard_error, one.worst)), len(one.accuracies))
        for name, one in networks.items()
    )
    note = "After the last epoch; deviation: standard deviation of the seeds."
    run.table(report.Table("Accuracy on the test spectra", ("network", *columns), rows, note))
    pairs = [(level, way, found[way][level]) for level in levels for way in SHORT if level in found[way]]
    losses = [lost(group) for *_, group in pairs]
    rows = tuple(
        (f"{100 * level:g}", SHORT[way], *report.percents(group), len(group.accuracies),
         f"{100 * loss.mean:.2f} ± {100 * loss.standard_error:.2f}")
        for (level, way, group), loss in zip(pairs, losses, strict=True)
    )  # fmt: skip
    note = f"""Spread of input frequencies, resonances and oscillator powers; lost: against the same seeds without
        spread, ± standard error. twin, by layer: trained with the gradient of an ideal twin of the whole network, or of
        each layer at its measured input; measured twin: with that of a twin whose frequencies and powers were measured
        once to {100 * settings.measured_to:g} %; straight: with the gradient of the devices; moved: not retrained."""
    more = ("spread (%)", "way", *columns[:2], *columns[3:], "points lost")
    run.table(report.Table("Spread of the devices", more, rows, note))
    curves = {name: (one["epochs"], one["curve"]) for name, one in (("spintronic", plain), ("software", digital))}
    caption = """Accuracy on the test spectra against epoch. Lines: mean of the seeds; bands: one standard deviation;
        dotted: the best and the worst seed."""
    run.show("learning", caption, report.draw_learning(curves, "Test accuracy while learning"))
    caption = f"""What the spintronic network says (columns) of the spectra of every class (rows), in per cent, mean of
        {size.seeds} seeds over the whole test set. Colours follow the square root."""
    title = f"Spintronic network, {len(test)} test spectra, %"
    run.show("confusion", caption, report.draw_confusion(plain["confusion"], test.classes, title))
    lines = {**{title: found[way] for way, title in WAYS.items()}, "moved without retraining": found["deployed"]}
    caption = "Input frequencies, resonances and oscillator powers spread alike. Bars: standard deviation of the seeds."
    title = f"Accuracy with spread of the devices, {size.spread_seeds} seeds"
    across = {"without spread": ours.mean, "guessing": 1 / len(test.classes)}
    panel = report.Panel(title, "relative spread (%)", 100, lines, across)
    run.show("spread", caption, report.draw_populations([panel], (0, 104), log=True))
    caption = """Above, the mean training spectrum of every class as the network receives it. Below, how far training
        moved the resonators that began at each frequency (root mean square over the first layer and the seeds)."""
    run.show("spectra", caption, report.draw_spectra(train, moved))

    # say
    reached = {way: f"{100 * found[way][JUDGED].mean:.2f} %" for way in found}
    run.say(f"""The spintronic network names {100 * ours.mean:.2f} % of {len(test)} test spectra right (mean of
        {size.seeds} seeds), the software network of the same size {100 * theirs.mean:.2f} %. With {100 * JUDGED:g} %
        spread of frequencies and powers it reaches {reached["twin"]} when trained through an ideal twin,
        {reached["layers"]} with a twin of wider lines layer by layer, {reached["measured"]} with a twin of the devices
        as measured to {100 * settings.measured_to:g} %, {reached["direct"]} when trained straight through the devices,
        and {reached["deployed"]} when moved onto them without retraining.""")
    run.assume(
        "The default rates, readout, transconductance and bias were chosen by five-fold cross-validation on the "
        "training spectra; the accuracy is that after the last epoch, not after the best.",
        f"Both networks: the same split, {settings.epochs} epochs of batches of {settings.batch}, cross-entropy, Adam "
        "with a rate that rises for 5 % of the steps and falls as a cosine; only the peak rate differs.",
        "Amplifiers restore the wave along a chain: every resonator sees the whole power of every input.",
        "Spread multiplies input frequencies, resonances and oscillator powers by 1 + spread x normal, once for every "
        "network. A trained network is tested on the devices it was trained with; one that is moved meets "
        f"{size.instances} sets of devices for every seed.",
        f"Voltage noise: {settings.temperature:g} K, 1 kOhm for every resonator of a chain, "
        f"{quantities.si(settings.bandwidth, 'Hz')}.",
    )
    kept = ("epochs", "curve", "accuracies", "confusion")
    run.record(spintronic={name: plain[name] for name in kept}, software={name: digital[name] for name in kept})
    run.record(noisy=list(noisy.accuracies))
    raw = {way: {f"{level:g}": list(one.accuracies) for level, one in found[way].items()} for way in found}
    run.record(**raw, moved=moved)


def spintronic_network(sizes: Sequence[int], seeds: Sequence[int], settings: Settings) -> radio.RadioNetwork:
    """Chains, oscillators, chains; one member for every seed, members begin alike where the first seed is the same."""
    constants = {name: getattr(settings, name) for name in ("linewidth", "transconductance", "bias", "readout")}
    return radio.multilayer(sizes, members=(len(seeds),), seed=seeds[0], **constants)


def _check(settings: Settings, size: Any) -> tuple[float, ...]:
    """All levels of spread, ascending; the size is completed. Raises InputError for settings that cannot be."""
    if settings.spread_seeds is None:
        size.spread_seeds = min(size.spread_seeds, size.seeds)
    if size.spread_seeds > size.seeds:
        given = f"{size.seeds} and {size.spread_seeds}"
        raise errors.InputError(f"seeds must be >= 2 and spread-seeds from 2 to seeds, got {given}")
    spreads = size.spreads = tuple(sorted(set(size.spreads)))
    if JUDGED not in spreads or spreads[0] <= 0 or spreads[-1] > 0.3:
        raise errors.InputError(f"spreads must be above 0, at most 0.3, and contain {JUDGED}, got {spreads}")
    errors.require_positive("", epochs=settings.epochs, batch=settings.batch, linewidth=settings.linewidth)
    errors.require_non_negative("K", temperature=settings.temperature)
    errors.require_non_negative("Hz", bandwidth=settings.bandwidth)
    errors.require_non_negative("", measured_to=settings.measured_to)
    return tuple(sorted({*spreads, *size.untrained}))
