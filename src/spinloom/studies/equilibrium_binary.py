"""Binary weights, and binary neurons, that learn by equilibrium propagation (arXiv 2103.08953).

J. Laydevant, M. Ernoult, D. Querlioz and J. Grollier (CVPR workshops 2021) flip weights of one size where a moving mean
of the estimates has asked for it, and let neurons send zeros and ones, with many outputs for each class. Published are
distances to the network of floating-point weights; rule, steps and settings are those of the code published with it
where a line says nothing else, widths, images and epochs what two cores allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lazy_loader

from spinloom import data, evaluation, learning, progress, report, seeding
from spinloom.studies import kit

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_loader.load("torch")

SOURCE = "arXiv 2103.08953, abstract"
FLOAT, WEIGHTS, BOTH = "floats", "binary weights", "binary weights and neurons"
DENSE, DIGITS, PHOTOGRAPHS = "dense", "convolutions, digits", "convolutions, photographs"
BARS = {(DENSE, WEIGHTS): (0.0, 0.3), (DENSE, BOTH): (1.0, 1.0), (DIGITS, WEIGHTS): (0.0, 0.3)}
"""Points behind floats: published, and bar of this study."""
BEHIND = 1.9
"""The same of photographs, published."""
BATCH, RATE, NUDGING, NUDGED, WATCHED = 64, 1e-3, 0.3, 10, 200
"""Images of a step; of Adam for floats, which falls to 0; of all but binary neurons; steps; images for signs."""
DENSE_FLIPS, BOTH_FLIPS, CONVOLVED = (1e-4, 1e-5, 5e-7), (2e-6, 2e-6, 2e-7), 1e-8
"""Momentum of the first links and of the last one, and threshold; threshold of convolutions."""
BIAS = (0.1, 0.05, 0.025)
"""Steps of biases, the last ones for the last links; binary neurons keep theirs."""

SIZES = kit.Sizes(
    images=(6_000, None), tests=(1_000, None), hidden=(128, 4096), replicas=(5, 10), epochs=(3, 30),
    conv_images=(2_000, 10_000), channels=((8, 16), (16, 32)), conv_epochs=(3, 10), free_steps=(30, 50),
    photographs=(500, 10_000), photo_channels=((8, 16, 16), (32, 64, 64)), photo_epochs=(2, 10),
    momentum=(1e-6, 5e-8),
)  # fmt: skip
"""images, tests: at most (None: all). hidden: neurons of the dense network; with binary neurons twice as many, and
replicas outputs for each class. conv_*, photo*: of the two networks of
convolutions. momentum: of their flips; few steps need a larger one than the published."""


@dataclass(frozen=True)
class Settings(kit.Images, kit.Common):
    """Train networks of binary weights and binary neurons by equilibrium propagation."""

    colour: str = "auto"
    """Colour images, by name; auto takes CIFAR-10 where it is found, none leaves them out."""
    networks: tuple[str, ...] = (DENSE, DIGITS, PHOTOGRAPHS)
    """What is trained."""
    hidden: int | None = None
    """Neurons of the dense network (default: 4096 if full, else 128)."""
    epochs: int | None = None
    """Passes of the dense network (default: 30 if full, else 2)."""
    free_steps: int | None = None
    """Of the first phase (default: 50 if full, else 30)."""


@kit.study("Binary weights and neurons by equilibrium propagation", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    train, test = run.images("mnist", train_limit=size.images, test_limit=size.tests)
    colour = settings.colour
    if colour == "auto":
        choice = data.resolve(colour, "cifar10")
        colour = choice.name if choice.name == "cifar10" else "none"
    sets = {DENSE: (train, test), DIGITS: (train.take(size.conv_images), test)}
    if colour != "none":
        sets[PHOTOGRAPHS] = data.load_pair(colour, train_limit=size.photographs, test_limit=size.tests)
    run.stages.depend(size=vars(size), data=[one.source for pair in sets.values() for one in pair])

    # measure
    @run.kept
    def trained(network: str, way: str) -> dict[str, Any]:
        """Test accuracies, shares of weights flipped, and of signs shared with backpropagation, after each epoch."""
        images, shown = (
            evaluation.Examples(one.as_float(normalise=network == PHOTOGRAPHS), one.labels) for one in sets[network]
        )
        made = build(network, way, sets[network][0], size, settings.seed)
        epochs = {DENSE: size.epochs, DIGITS: size.conv_epochs, PHOTOGRAPHS: size.photo_epochs}[network]
        with run.bar(f"{network}, {way}") as bar:
            return fit(made, way, images, shown, epochs, size.momentum, settings.seed, bar)

    names = [name for name in settings.networks if name in sets]
    ways = {name: (FLOAT, WEIGHTS, BOTH) if name == DENSE else (FLOAT, WEIGHTS) for name in names}
    found = {name: {way: trained(network=name, way=way) for way in ways[name]} for name in names}
    ends = {name: {way: 100 * one["accuracies"][-1] for way, one in each.items()} for name, each in found.items()}

    # claim
    usual = report.one_of(test.name, "mnist"), report.enough(len(train), 60_000, "images")
    for (name, way), (published, bar) in BARS.items():
        if name in ends:
            behind, words = ends[name][FLOAT] - ends[name][way], f"{SOURCE}: {published:g} points; bar of this study"
            run.claim(report.at_most(f"{name}: {way} behind floats", bar, behind, "points", words), *usual)
    if PHOTOGRAPHS in ends:
        behind = ends[PHOTOGRAPHS][FLOAT] - ends[PHOTOGRAPHS][WEIGHTS]
        asked = report.enough(len(sets[PHOTOGRAPHS][0]), 50_000, "photographs")
        run.claim(report.at_most(f"{PHOTOGRAPHS}: behind floats", BEHIND, behind, "points", SOURCE), asked)

    # show
    rows = tuple(
        (name, way, f"{ends[name][way]:.2f}",
         *(f"{100 * one['flips'][k]:.3g}" if one["flips"] else "-" for k in (0, -1)),
         f"{100 * one['signs'][-1]:.1f}" if one["signs"] else "-")
        for name, each in found.items() for way, one in each.items()
    )  # fmt: skip
    columns = ("network", "numbers", "accuracy (%)", "flips, first epoch (%)", "last (%)", "signs as backprop. (%)")
    note = f"""Dense: 784-{size.hidden}-10, with binary neurons 784-{2 * size.hidden}-{10 * size.replicas}; convolutions
        5 x 5, channels {size.channels} and {size.photo_channels}, each pooled, then 10 outputs. {size.free_steps} free
        and {NUDGED} nudged steps; {len(train):,}, {len(sets[DIGITS][0]):,} digits. Flips: weights turned in an
        epoch, of all. Signs: share of weights whose update has the sign of backpropagation's, {WATCHED} images."""
    run.table(report.Table("After the last epoch", columns, rows, note))
    for number, (name, each) in enumerate(found.items()):
        figure, (left, right) = report.canvas(2)
        for (way, one), colour in zip(each.items(), (report.BLUE, report.ORANGE, report.GREEN), strict=False):
            epochs = range(1, 1 + len(one["accuracies"]))
            left.plot(epochs, [100 * share for share in one["accuracies"]], "o-", color=colour, label=way)
            if one["flips"]:
                right.plot(epochs, [100 * share for share in one["flips"]], "o-", color=colour, label=way)
        report.label(left, name.capitalize(), "epoch", "test accuracy (%)")
        report.label(right, "Weights flipped in an epoch", "epoch", "of all (%)")
        right.set_yscale("log")
        for axis in (left, right):
            axis.locator_params("x", integer=True)
        report.legend(left)
        run.show(f"network-{number + 1}", f"{name.capitalize()}: accuracy, and how many weights still flip.", figure)

    # say
    for name, each in ends.items():
        run.say(f"{name.capitalize()}: " + ", ".join(f"{way} {end:.2f} %" for way, end in each.items()) + ".")
    run.assume(
        "Floats learn by Adam, which the published ones do not; nudging is one-sided for floats and binary weights, of "
        "random sign for binary neurons, as published: outputs are clamped at 0, so that half of the pull is lost.",
        "The size of binary weights stays that of the beginning; published ones learn it.",
        "Photographs: normalised, neither flipped nor shifted; published networks are wider and learn for 500 epochs.",
    )
    run.record(found=found)


def build(network: str, way: str, train: data.ImageSet, size: Any, seed: int) -> learning.EquilibriumNetwork:
    source, nn = seeding.generator(seed), torch.nn
    options: dict[str, Any] = {"free_steps": size.free_steps, "nudged_steps": NUDGED, "seed": seed}
    options |= {"nudging": NUDGING, "sign": "positive"}
    if network == DENSE:
        inputs = train.shape[0] * train.shape[1] * train.shape[2]
        hidden, outputs = (2 * size.hidden, 10 * size.replicas) if way == BOTH else (size.hidden, 10)
        links: list[Any] = [nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)]
        if way == BOTH:
            options |= {"binary": True, "inertia": 0.5, "start": 1.0, "nudging": 2.0, "sign": "random"}
    else:
        channels, side, links = (size.channels if network == DIGITS else size.photo_channels), train.shape[1], []
        for before, after in zip((train.shape[0], *channels), channels, strict=False):
            links.append(nn.Sequential(nn.Conv2d(before, after, 5, padding=2), nn.MaxPool2d(2)))
            side //= 2
        links.append(nn.Linear(channels[-1] * side * side, 10))
        options["start"] = 0.5
    made = learning.EquilibriumNetwork(*links, **options)
    with torch.no_grad():
        for weight, bias in zip(*(list(made.parameters())[k::2] for k in (0, 1)), strict=True):
            for one in (weight, bias):
                one.uniform_(-(weight[0].numel() ** -0.5), weight[0].numel() ** -0.5, generator=source)
    return made


def fit(
    network: Any, way: str, images: Any, shown: Any, epochs: int, momentum: float, seed: int, bar: progress.Report
) -> dict[str, Any]:
    """Train in place."""
    source, steps = seeding.generator(seed + 7), len(images) // BATCH
    weights, biases = (list(network.parameters())[k::2] for k in (0, 1))
    optimizers: list[Any] = [torch.optim.Adam(network.parameters(), RATE)]
    if way != FLOAT:
        chosen = (momentum, momentum, CONVOLVED) if weights[0].ndim == 4 else BOTH_FLIPS if way == BOTH else DENSE_FLIPS
        groups = [{"params": [one], "momentum": chosen[one is weights[-1]], "threshold": chosen[2]} for one in weights]
        longer = [BIAS[0] * 2**k for k in range(len(biases) - len(BIAS), 0, -1)]
        rates = [1e-7] * len(biases) if way == BOTH else [*longer, *BIAS][-len(biases) :]
        optimizers = [
            learning.FlipOptimizer(groups),
            torch.optim.SGD([{"params": [one], "lr": rate} for one, rate in zip(biases, rates, strict=True)]),
        ]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizers[0], epochs * steps) if way == FLOAT else None
    count = sum(one.numel() for one in weights)
    kept: dict[str, list[float]] = {"accuracies": [], "flips": [], "signs": []}
    for epoch in range(epochs):
        flipped = 0
        for step, rows in enumerate(torch.randperm(len(images), generator=source)[: steps * BATCH].split(BATCH)):
            network.zero_grad()
            network.contrast(images.inputs[rows], images.labels[rows])
            for one in optimizers:
                one.step()
            if schedule:
                schedule.step()
            else:
                flipped += sum(optimizers[0].flipped)
            if step % 10 == 0:
                bar(epoch * steps + step + 1, epochs * steps, f"epoch {epoch + 1}")
        kept["accuracies"].append(evaluation.accuracy(network, shown))
        if way != FLOAT:
            kept["flips"].append(flipped / count)
        if way != BOTH:
            kept["signs"].append(agreement(network, images.inputs[:WATCHED], images.labels[:WATCHED]))
    return kept


def agreement(network: Any, x: Any, labels: Any) -> float:
    """Share of weights whose update by equilibrium propagation and by backpropagation has one sign, of all but 0."""
    found = []
    for learn in (network.contrast, network.backpropagate):
        network.zero_grad()
        learn(x, labels)
        found.append(torch.cat([link.grad.sign().flatten() for link in list(network.parameters())[::2]]))
    network.zero_grad()
    product = found[0] * found[1]
    return float((product > 0).sum() / (product != 0).sum().clamp_min(1))
