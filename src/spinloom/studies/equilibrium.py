"""Networks that learn by settling twice: equilibrium propagation, with numbers, junctions and HfOx memories.

B. Scellier and Y. Bengio, Front. Comput. Neurosci. 11, 24 (2017), in the discrete form of M. Ernoult et al., arXiv
1905.13633. One network of two layers (784-512-10) learns digits with clamped neurons, by equilibrium propagation and by
backpropagation through the same steps; with junctions as neurons, alike and with 5 % spread; with signs kept by pairs
of HfOx memories under weak RESET. None of these has a published accuracy on such devices: they stand beside each other.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lazy_loader

from spinloom import devices, evaluation, learning, nn, progress, report, seeding
from spinloom.studies import kit

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_loader.load("torch")

BAR, ANGLE = 98.0, 0.99
"""Per cent on MNIST, and least cosine to backpropagation: bars of this study."""
BATCH, RATE, PULSES, MOST, BEGUN = 64, 1e-3, 10.0, 14, 200
"""Images of a step; of Adam, which falls to 0; of Adam for signs, in pulses, and the most of them at a time; pulses
that ideal pairs begin with, at most."""
SMALL, LONG, COMPARED = 0.01, (100, 30), 256
"""Nudging, steps of both phases and images where the update is compared with backpropagation."""
CLAMPED, THROUGH, ALIKE, SPREAD = "clamped neurons", "backpropagation", "junctions alike", "junctions, 5 % spread"
COUNTED, RESET = "signs by ideal counters", "signs by weak RESET"

SIZES = kit.Sizes(
    train_images=(3_000, None), test_images=(2_000, None), hidden=(128, 512), epochs=(4, 25), device_epochs=(2, 8),
    free_steps=(30, 30), nudged_steps=(10, 10), junctions=(32, 256),
)  # fmt: skip
"""train_images, test_images: at most (None: all). epochs: of clamped neurons; device_epochs: of junctions and memories.
junctions: simulated ones that neurons are drawn from."""


@dataclass(frozen=True)
class Settings(kit.Images, kit.Common):
    """Train networks by equilibrium propagation, with numbers, junctions and memories."""

    nudging: float = 0.5
    """How strongly the second phase pulls the outputs to their targets."""
    sign: str = "positive"
    """Of the nudging: positive, random (of each batch) or symmetric (both)."""
    hidden: int | None = None
    """Neurons between pixels and classes (default: 512 if full, else 128)."""
    epochs: int | None = None
    """Passes over the images with clamped neurons (default: 25 if full, else 4)."""
    device_epochs: int | None = None
    """Passes with junctions and with memories (default: 8 if full, else 2)."""
    ways: tuple[str, ...] = (CLAMPED, THROUGH, ALIKE, SPREAD, COUNTED, RESET)
    """What learns."""


@kit.study("Learning by settling twice: equilibrium propagation", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    train, test = run.images("mnist", train_limit=size.train_images, test_limit=size.test_images)
    images, shown = evaluation.Examples.of(train), evaluation.Examples.of(test)
    run.stages.depend(size=vars(size), nudging=settings.nudging, sign=settings.sign)

    # measure
    @run.kept
    def trained(way: str) -> dict[str, Any]:
        """Test accuracies and cosines of the updates, layer by layer, after each epoch."""
        network = build(way, size, settings)
        epochs = size.epochs if way in (CLAMPED, THROUGH) else size.device_epochs
        with run.bar(way) as bar:
            return fit(network, way, images, shown, epochs, settings.seed, bar)

    found = {way: trained(way=way) for way in settings.ways}
    ends = {way: 100 * one["accuracies"][-1] for way, one in found.items()}

    # claim
    usual = (
        report.one_of(test.name, "mnist"),
        report.enough(size.hidden, 512, "neurons"),
        report.enough(len(train), 60_000, "images"),
    )
    if CLAMPED in found:
        run.claim(
            report.at_least("equilibrium propagation, MNIST", BAR, ends[CLAMPED], "%", "bar of this study"), *usual
        )
        least, words = (
            min(map(min, found[CLAMPED]["cosines"])),
            f"bar of this study; nudging {SMALL:g}, least of all epochs",
        )
        run.claim(report.at_least("cosine to backpropagation", ANGLE, least, "", words))

    # show
    rows = tuple((way, len(one["accuracies"]), f"{ends[way]:.2f}", one["spent"]) for way, one in found.items())
    note = f"""784-{size.hidden}-10, {size.free_steps} free and {size.nudged_steps} nudged steps, nudging
        {settings.nudging:g} ({settings.sign}), {len(images):,} training and {len(shown):,} test images, one network
        each. Pulses: of all programming."""
    run.table(report.Table("After the last epoch", ("way", "epochs", "accuracy (%)", "pulses"), rows, note))
    colours = report.BLUE, report.ORANGE, report.GREEN
    figure, (axis,) = report.canvas(height=4.4)
    for number, (way, one) in enumerate(found.items()):
        errors, colour = [100 - 100 * share for share in one["accuracies"]], colours[number // 2 % len(colours)]
        axis.plot(range(1, 1 + len(errors)), errors, ("-o", "--s")[number % 2], color=colour, label=way)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("{x:g}")
    axis.locator_params("x", integer=True)
    report.label(axis, f"Test images of {test.name} not recognised", "epoch", "error (%)")
    report.legend(axis)
    run.show("learning", "Test error after each epoch.", figure)
    if CLAMPED in found:
        figure, (axis,) = report.canvas()
        for number, values in enumerate(zip(*found[CLAMPED]["cosines"], strict=True)):
            colour = (report.BLUE, report.ORANGE)[number]
            axis.plot(range(len(values)), [1 - one for one in values], "o-", color=colour, label=f"link {number + 1}")
        axis.set_yscale("log")
        axis.locator_params("x", integer=True)
        report.label(axis, "The update against backpropagation", "epochs learnt", "1 - cosine")
        report.legend(axis)
        run.show("cosines", f"Angle between both updates of the weights, {COMPARED} images, while it learns.", figure)

    # say
    run.say(", ".join(f"{way} {end:.2f} %" for way, end in ends.items()) + ".")
    run.assume(
        f"Neurons start at 0; Adam, {RATE:g} falling to 0, batches of {BATCH}. Settings were chosen on 10,000 training "
        "images held out from 20,000 others with clamped neurons, those of signs on 3,000 beside 6,000.",
        "Backpropagation goes through the last steps of the first phase; its loss reaches clamped outputs too, as the "
        f"pull on them does. Cosines: steps {LONG[0]} and {LONG[1]}, double precision.",
        "Junctions: every neuron has its own, of our two-polarizer design at 300 K, and is read anew with its noise in "
        "every step; weights are numbers. Targets are 0 and 1 of their -1 to 1.",
        "Signs: each weight is the sign of the difference of a pair of devices; Adam's step is a number of pulses, at "
        f"most {MOST}; the weight's size is that of a usual beginning. Ideal counters have neither noise nor "
        f"spread, and begin with up to {BEGUN} pulses drawn at random; HfOx begins as fabrication leaves it.",
    )  # fmt: skip
    run.record(found=found)


def build(way: str, size: Any, settings: Settings) -> learning.EquilibriumNetwork:
    source = seeding.generator(settings.seed)
    sizes = ((784, size.hidden), (size.hidden, 10))
    options: dict[str, Any] = {"free_steps": size.free_steps, "nudged_steps": size.nudged_steps}
    options |= {"nudging": settings.nudging, "sign": settings.sign, "seed": settings.seed}
    if way in (ALIKE, SPREAD):
        spread = 0.05 if way == SPREAD else None
        options["neurons"] = devices.TwoPolarizerMTJ().simulate(
            spread=spread, devices=size.junctions if spread else 1, seed=settings.seed
        )
    links = list[Any]()
    for before, after in sizes:
        if way in (COUNTED, RESET):
            memory = devices.WeakResetMemory(read_noise=0.0, cycle_to_cycle=way == RESET, device_to_device=way == RESET)
            kept = {"cells": "binary", "weight_range": 0.5 / before**0.5, "fresh": way == RESET}
            links.append(nn.DeviceLinear(before, after, memory, seed=source, **kept))
        else:
            links.append(torch.nn.Linear(before, after))
            for parameter in links[-1].parameters():
                with torch.no_grad():
                    parameter.uniform_(-(before**-0.5), before**-0.5, generator=source)
    return learning.EquilibriumNetwork(*links, **options)


def fit(
    network: Any, way: str, images: Any, shown: Any, epochs: int, seed: int, bar: progress.Report
) -> dict[str, Any]:
    """Train in place."""
    source, steps = seeding.generator(seed + 7), len(images) // BATCH
    memories = [layer.weight for layer in network.links] if way in (COUNTED, RESET) else []
    known = {id(weight) for weight in memories}
    others = [one for one in network.parameters() if id(one) not in known]
    groups = [{"params": others, "lr": RATE}, *([{"params": memories, "lr": PULSES}] if memories else [])]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    rule = learning.Pulses(step=1.0, most=MOST, remainder="drop")
    training: Any = learning.Programming(optimizer, network, rule, seed) if memories else optimizer
    if way == COUNTED:  # alike and without a pulse every pair would turn at the first one
        for layer in network.links:
            layer.pulse(torch.randint(-BEGUN, BEGUN + 1, layer.weight.shape, generator=source).float())
            with torch.no_grad():
                layer.weight.copy_(layer.realised())
    learn = network.backpropagate if way == THROUGH else network.contrast
    accuracies, cosines = list[float](), [compared(network, images)] if way == CLAMPED else []
    for epoch in range(epochs):
        for step, rows in enumerate(torch.randperm(len(images), generator=source)[: steps * BATCH].split(BATCH)):
            training.zero_grad()
            learn(images.inputs[rows], images.labels[rows])
            training.step()
            schedule.step()
            if step % 20 == 0:
                bar(epoch * steps + step + 1, epochs * steps, f"epoch {epoch + 1}")
        accuracies.append(evaluation.accuracy(network, shown))
        if way == CLAMPED:
            cosines.append(compared(network, images))
    spent = f"{training.spent.events:.3g}" if memories else "-"
    return {"accuracies": accuracies, "cosines": cosines, "spent": spent}


def compared(network: Any, images: Any) -> list[float]:
    """Cosine of each link's update to that of backpropagation."""
    twin = copy.deepcopy(network).double()
    twin.nudging, twin.sign, (twin.free_steps, twin.nudged_steps) = SMALL, "positive", LONG
    found = []
    for learn in (twin.contrast, twin.backpropagate):
        twin.zero_grad()
        learn(images.inputs[:COMPARED].double(), images.labels[:COMPARED])
        found.append([link.weight.grad.flatten().clone() for link in twin.links])
    return [float(torch.nn.functional.cosine_similarity(a, b, dim=0)) for a, b in zip(*found, strict=True)]
