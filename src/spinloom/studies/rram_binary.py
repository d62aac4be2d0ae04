"""Binary weights kept by HfOx memories learn under weak RESET, with and without their imperfections (arXiv 2107.06064).

IEEE Trans. Electron Devices 68, 4925 (2021) trains networks of binary weights whose hidden weights are pairs of
devices: the weight is the sign of the difference of their resistances, Adam's step is read as a number of pulses, and
no device is ever set back. Its claim is that differences between devices hurt most. Network, rule and settings are
those of the code published with it; its accuracies were not found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import lazy_loader

from spinloom import data, devices, evaluation, learning, nn, progress, report, seeding
from spinloom.studies import kit

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_loader.load("torch")

SOURCE = "arXiv 2107.06064, abstract: differences between devices are the most detrimental; accuracies were not found"
BAR = 98.0
"""Per cent, of ideal devices on MNIST; a bar of this study."""
PULSES, MOST, PLAIN = 100.0, 14, 8e-3
"""Published: Adam's step of weights in pulses, and the most at a time; Adam's step of biases and batch norms."""
CONDITIONS = {
    "ideal": (False, False),
    "cycle to cycle": (True, False),
    "device to device": (False, True),
    "both": (True, True),
}
"""Telegraph and 1/f noise; the measured laws of devices."""
HALVED = 7 / 20
"""Of the epochs, after which Adam's step of the weights is halved, and again."""
DIGITS, PHOTOGRAPHS = "digits", "photographs"

SIZES = kit.Sizes(
    seeds=(2, 3), images=(20_000, None), hidden=(500, 3000), epochs=(4, 20), batch=(500, 1000),
    photographs=(3_000, None), channels=((16, 16, 32, 32, 64, 64), (384, 384, 768, 768, 1536, 512)),
    dense=(128, 1024), photograph_epochs=(4, 700), photograph_batch=(100, 500),
    photograph_seeds=(1, 3),
)  # fmt: skip
"""seeds: networks of each condition. images: for training, at most (None: all); hidden: neurons; batch: images of a
step. photographs, photograph_*: the same of CIFAR-10. channels: of the six convolutions; dense: neurons of each of two
layers behind them."""


@dataclass(frozen=True)
class Settings(kit.Common):
    """Train binary weights on pairs of HfOx memories, imperfection by imperfection."""

    dataset: str = "auto"
    """Images of the network of two layers, by name (see `spinloom data list`); auto takes MNIST where it is found, else
    the packaged sample."""
    colour: str = "auto"
    """Colour images of the convolutional network, by name; auto takes CIFAR-10 where it is found, none leaves it
    out."""
    seeds: int | None = None
    """Networks of each condition on `dataset` (default: 3 if full, else 2)."""
    images: int | None = None
    """Training images of `dataset`, at most (default: all if full, else 20,000)."""
    hidden: int | None = None
    """Neurons (default: 3000 if full, else 500)."""
    epochs: int | None = None
    """Passes over the images of `dataset` (default: 20 if full, else 4)."""
    photographs: int | None = None
    """Training images of `colour`, at most (default: all if full, else 3,000)."""
    channels: tuple[int, ...] = ()
    """Of the six convolutions (default: 384 384 768 768 1536 512 if full, else 16 16 32 32 64 64)."""
    photograph_epochs: int | None = None
    """Passes over the images of `colour` (default: 700 if full, else 4)."""
    photograph_seeds: int | None = None
    """Networks of each condition on `colour` (default: 3 if full, else 1)."""


@dataclass(frozen=True)
class Task:
    """A data set, and how a network learns it. rows: images of a step. flips: and shifts of images."""

    train: data.ImageSet
    test: data.ImageSet
    epochs: int
    rows: int
    flips: bool = False


@kit.study("Binary weights on HfOx memories under weak RESET", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    digits, colour = data.resolve(settings.dataset, "mnist"), settings.colour
    if colour == "auto":
        choice = data.resolve(colour, "cifar10")
        colour = choice.name if choice.name == "cifar10" else "none"
    run.tell(digits.reason)
    run.list(digits=digits.name, photographs=colour)
    run.stages.depend(size={name: value for name, value in vars(size).items() if "seeds" not in name})
    train, test = data.load_pair(digits.name, train_limit=size.images)
    tasks = {DIGITS: Task(train, test, size.epochs, size.batch)}
    seeds = {DIGITS: size.seeds, PHOTOGRAPHS: size.photograph_seeds}
    if colour != "none":
        train, test = data.load_pair(colour, train_limit=size.photographs)
        rest = size.photograph_epochs, size.photograph_batch
        tasks[PHOTOGRAPHS] = Task(train, test, *rest, flips=True)
    run.stages.depend(data=[(one.train.source, one.test.source, len(one.train)) for one in tasks.values()])

    # measure
    @run.kept
    def trained(task: str, condition: str, seed: int) -> dict[str, Any]:
        """Accuracy after each epoch, losses, pulses, J."""
        make = perceptron if task == DIGITS else convolutional
        network = make(tasks[task].train, size, CONDITIONS[condition], seed)
        with run.bar(f"{task}, {condition}, seed {seed}") as shown:
            return fit(network, tasks[task], seed, shown)

    found = {
        task: {
            condition: [trained(task=task, condition=condition, seed=settings.seed + k) for k in range(seeds[task])]
            for condition in CONDITIONS
        }
        for task in tasks
    }
    groups = {
        task: {name: evaluation.Population(tuple(one["accuracies"][-1] for one in ones)) for name, ones in ways.items()}
        for task, ways in found.items()
    }

    # claim
    mean = {task: {name: 100 * one.mean for name, one in ways.items()} for task, ways in groups.items()}
    full = SIZES.full()
    usual = {
        DIGITS: (
            report.one_of(digits.name, "mnist"),
            report.enough(size.hidden, full.hidden, "neurons"),
            report.enough(size.epochs, full.epochs, "epochs"),
            report.enough(size.seeds, 3, "seeds"),
        ),
        PHOTOGRAPHS: (
            report.one_of(colour, "cifar10"),
            report.enough(size.photograph_epochs, 20, "epochs"),
            report.enough(size.photograph_seeds, 3, "seeds"),
        ),
    }
    reached, error = mean[DIGITS]["ideal"], report.error_in_percent(groups[DIGITS]["ideal"])
    run.claim(report.at_least("ideal devices", BAR, reached, "%", "bar of this study", error), *usual[DIGITS])
    for task, ways in found.items():
        for one, other in (("ideal", "cycle to cycle"), ("cycle to cycle", "device to device")):
            ends = [[100 * network["accuracies"][-1] for network in ways[name]] for name in (one, other)]
            pair = evaluation.compare_pairs(*ends)
            name = f"{task}: {one} minus {other}"
            run.claim(report.at_least(name, 0.0, pair.mean, "points", SOURCE, pair.standard_error), *usual[task])

    # show
    for task, measured in groups.items():
        rows = tuple(
            (name, *report.percents(one), len(one.accuracies), f"{first['pulses']:.3g}", f"{1e3 * first['energy']:.3g}")
            for (name, one), (first, *_) in zip(measured.items(), found[task].values(), strict=True)
        )
        columns = ("devices", "accuracy (%)", "deviation", "worst", "networks", "pulses", "energy (mJ)")
        title = f"{tasks[task].test.name}, after the last epoch"
        note = f"""{len(tasks[task].test):,} test images, {len(tasks[task].train):,} training images,
            {tasks[task].epochs} epochs. Pulses and their Joule heat: of the first network's training."""
        run.table(report.Table(title, columns, rows, note))
        shown = {
            name: (range(1, tasks[task].epochs + 1), list(zip(*(one["accuracies"] for one in ones), strict=True)))
            for name, ones in found[task].items()
        }
        caption = f"Test accuracy after each epoch on {tasks[task].test.name}, by what the devices do."
        run.show(task, caption, report.draw_learning(shown, tasks[task].test.name))
    caption = "Resistance of devices after pulses: median, and from 5 to 95 %, of the measured laws without noise."
    run.show("population", caption, draw_population(settings.seed))

    # say
    for task, shares in mean.items():
        told = ", ".join(f"{name} {share:.2f} %" for name, share in shares.items())
        run.say(f"On {tasks[task].test.name}: {told}.")
    run.assume(
        "Rule and settings as in the published code: Adam with a step of 100 is read as a number of pulses, rounded, "
        "at most 14; positive ones raise the resistance of one device of the pair, negative ones that of the other; "
        "biases and batch norms learn by plain Adam with a step of 0.008, which is not halved.",
        "Ideal devices are all alike and without noise: a pair counts its pulses, its weight is the sign of the hidden "
        "sum. They begin with signs drawn at random, one pulse each; others begin as fabrication leaves them.",
        "No read noise, no retention. Cycle to cycle is telegraph and 1/f noise; the amplitude of the telegraph "
        "differs from device to device with it.",
        "The convolutional network's schedule is ours: the published default multiplies the step by 50. Energies rest "
        "on an assumed pulse of 1 V and 1 us; the device's docstring says what else is assumed.",
        "Accuracies are those of the last epoch: none is chosen by the test images.",
    )  # fmt: skip
    run.record(found=found)


def memory(condition: tuple[bool, bool]) -> devices.WeakResetMemory:
    noise, differences = condition
    return devices.WeakResetMemory(read_noise=0.0, cycle_to_cycle=noise, device_to_device=differences)


def perceptron(train: data.ImageSet, size: Any, condition: tuple[bool, bool], seed: int) -> Any:
    """Two layers of signs; the sign of a hidden neuron passes a gradient where hardtanh does."""
    count = train.shape[0] * train.shape[1] * train.shape[2]
    options = layer_options(condition)
    return torch.nn.Sequential(
        torch.nn.Flatten(),
        nn.DeviceLinear(count, size.hidden, memory(condition), seed=2 * seed, **options),
        torch.nn.BatchNorm1d(size.hidden),
        nn.Sign(),
        nn.DeviceLinear(size.hidden, len(train.classes), memory(condition), seed=2 * seed + 1, **options),
        torch.nn.BatchNorm1d(len(train.classes)),
    )


def convolutional(train: data.ImageSet, size: Any, condition: tuple[bool, bool], seed: int) -> Any:
    """Six convolutions 3 x 3, each second one pooled, and three dense layers, all of signs."""
    source, options, side = seeding.generator(seed), layer_options(condition), train.shape[1]
    parts: list[Any] = []
    for number, (before, after) in enumerate(pairwise((train.shape[0], *size.channels))):
        parts.append(nn.DeviceConv2d(before, after, 3, memory(condition), padding=1, seed=source, **options))
        if number % 2:
            parts.append(torch.nn.MaxPool2d(2))
            side //= 2
        parts += [torch.nn.BatchNorm2d(after), nn.Sign()]
    parts.append(torch.nn.Flatten())
    widths = (size.channels[-1] * side * side, size.dense, size.dense, len(train.classes))
    for before, after in pairwise(widths):
        parts.append(nn.DeviceLinear(before, after, memory(condition), seed=source, **options))
        parts += [torch.nn.BatchNorm1d(after), nn.Sign()]
    return torch.nn.Sequential(*parts[:-1])


def layer_options(condition: tuple[bool, bool]) -> dict[str, Any]:
    return {"cells": "binary", "weight_range": 1.0, "fresh": any(condition)}


def fit(network: Any, task: Task, seed: int, shown: progress.Report) -> dict[str, Any]:
    """Train in place; accuracies (0 to 1) and mean losses of every epoch, pulses and J of all programming."""
    source = seeding.generator(seed)
    nn.real(network, read_noise=False)
    weights = [layer.weight for layer in nn.memory_layers(network).values()]
    known = {id(weight) for weight in weights}
    others = [one for one in network.parameters() if id(one) not in known]
    optimizer = torch.optim.Adam([{"params": weights, "lr": PULSES}, {"params": others, "lr": PLAIN}])
    rule = learning.Pulses(step=1.0, most=MOST, remainder="drop")
    programming = learning.Programming(optimizer, network, rule, seed)
    nn.real(network, read_noise=False)
    test = evaluation.Examples(task.test.as_float(normalise=task.flips), task.test.labels)
    how = learning.Augmentation(flip=True, shift=4)
    steps, accuracies, losses = len(task.train) // task.rows, [], []
    halve = math.ceil(task.epochs * HALVED)
    for epoch in range(task.epochs):
        optimizer.param_groups[0]["lr"] = PULSES * 0.5 ** (epoch // halve)
        network.train()
        total = 0.0
        order = torch.randperm(len(task.train), generator=source)[: steps * task.rows].split(task.rows)
        for step, rows in enumerate(order):
            images, labels = task.train.images[rows], task.train.labels[rows]
            images = learning.augment(images, how, source) if task.flips else images
            inputs = replace(task.train, images=images, labels=labels).as_float(normalise=task.flips)
            loss = torch.nn.functional.cross_entropy(network(inputs), labels)
            programming.zero_grad()
            loss.backward()
            programming.step()
            total += loss.item()
            shown(epoch * steps + step + 1, task.epochs * steps, f"epoch {epoch + 1}, loss {loss.item():.3f}")
        losses.append(total / steps)
        network.eval()
        accuracies.append(evaluation.accuracy(network, test))
    spent = programming.spent
    return {"accuracies": accuracies, "losses": losses, "pulses": spent.events, "energy": spent.energy}


def draw_population(seed: int, count: int = 20_000) -> Any:
    """Median and 5 to 95 % of the resistances of a population against pulses."""
    pulses = 0, 30, 100, 300, 1_000, 3_000, 10_000
    made = devices.WeakResetMemory(cycle_to_cycle=False).fabricate(count, seed=seed)
    state, rows = made.fresh((count, 1), seed), []
    for number in pulses:
        after = made.program(state, torch.full((count, 1), -float(number)), seed)
        rows.append(torch.quantile(1 / made.conductance(after), torch.tensor([0.05, 0.5, 0.95]).double()).tolist())
    figure, (axis,) = report.canvas(height=4.4)
    low, middle, high = ([1e-3 * row[k] for row in rows] for k in range(3))
    axis.fill_between(pulses, low, high, color=report.BLUE, alpha=0.25, linewidth=0, label="5 to 95 %")
    axis.plot(pulses, middle, color=report.BLUE, linewidth=2, label="median")
    axis.set_xscale("symlog", linthresh=30)
    axis.set_yscale("log")
    axis.set_yticks([5, 10, 20, 40], ["5", "10", "20", "40"])
    axis.set_yticks([], minor=True)
    report.label(axis, f"{count:,} devices", "pulses", "resistance (kohm)")
    report.legend(axis)
    return figure
