"""A trained network programmed into each kind of memory, with junctions as neurons: what is lost, what writing takes.

Every weight of every linear layer and convolution is written into a pair of memories and verified; norms and biases
stay numbers. Each chip is fabricated, written and read anew. No publication has these figures: the memories are those
of the published systems, the networks our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lazy_loader

from spinloom import devices, evaluation, identity, learning, nn, report, seeding
from spinloom.studies import kit

torch = lazy_loader.load("torch")

NETWORKS = {"cifar10": "resnet20-cifar10", "fashion-mnist": "fashion-cnn", "mnist": "mnist-mlp"}
"""Shipped networks by data set."""
COST_IMAGES = 16
"""Images that the energy of an inference is averaged over."""

SIZES = kit.Sizes(
    test_images=(500, 1_000), chips=(3, 20), junctions=(64, 256), tolerance=(0.01, 0.01), attempts=(20, 20),
    swept=((0.005, 0.02, 0.05), (0.003, 0.005, 0.02, 0.05)), channels=((16, 32), (32, 64)), hidden=(64, 128),
    dropout=(0.3, 0.3), images_seen=(60_000, 600_000), most_epochs=(20, 20), least={"tolerance": 1e-6},
)  # fmt: skip
"""test_images: the first ones. channels, hidden, dropout, images_seen, most_epochs: of a network trained here, for data
without a shipped one. chips: fabricated, each with its own memories and junctions. junctions: simulated, to draw from.
tolerance: of write and verify, share of the window; swept: others, on one chip each."""


@dataclass(frozen=True)
class Settings(kit.OnDevice, kit.Weights, kit.Images, kit.Common):
    """Program a trained network into memories, and measure accuracy, attempts and energy over many chips."""

    memories: tuple[str, ...] = ("linear", "weak-reset", "domain-wall")
    """Memories by name, a class as package.module:Class, or your own table of measured increments (CSV)."""
    memory_spread: float = 0.0
    """Log-normal spread of every parameter of a memory that spreads, as a fraction, beside what it has itself."""
    tolerance: float | None = None
    """Of write and verify, as a share of the window (default: 0.01)."""
    attempts: int | None = None
    """The most for one device (default: 20)."""
    chips: int | None = None
    """Fabricated chips to average over (default: 20 if full, else 3)."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the junctions, as a fraction."""


@kit.study("Trained networks programmed into memories", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    memories = {name: devices.find_memory(name) for name in settings.memories}
    source = run.on_device(size.junctions, "spread")
    train, test = run.images("fashion-mnist", test_limit=size.test_images)
    weights = settings.weights or NETWORKS.get(test.name)
    if weights:
        run.take_up(software := learning.read_software(Path(weights), train))
    else:
        software = run.software(train)
    network, examples = software.network, evaluation.Examples.of(test)
    response = source.fabricated(settings.spread)

    def programmed(name: str, seed: int, tolerance: float) -> Any:
        """The network in memories, its activations on junctions."""
        options = {"tolerance": tolerance, "attempts": size.attempts, "device_spread": settings.memory_spread or None}
        held = nn.to_memory(network, memories[name], seed=seed, **options)
        return evaluation.on_devices(held, response, examples, seed)

    # measure
    @run.kept
    def reference(images: int) -> dict[str, float]:
        with_junctions = evaluation.on_devices(network, response, examples, settings.seed)
        return {
            "software": evaluation.accuracy(network, examples),
            "junctions": evaluation.accuracy(with_junctions, examples),
        }

    @run.kept
    def chip(name: str, memory: str, number: int, tolerance: float, images: int, **key: Any) -> dict[str, float]:
        """One chip: its accuracy and what writing it took."""
        seed = seeding.child_seed(seeding.generator(settings.seed + number))
        hardware = programmed(name, seed, tolerance)
        took = sum(nn.programming(hardware).values(), devices.Writing())
        right = evaluation.accuracy(hardware, examples)
        counted = {part: getattr(took, part) for part in took.__dataclass_fields__}
        # the energy of pulses may not be known
        return {"accuracy": right, **{part: one for part, one in counted.items() if not math.isnan(one)}}

    @run.kept
    def read_energy(name: str, memory: str, **key: Any) -> float:
        """J of all memories in one inference."""
        layers = nn.memory_layers(hardware := programmed(name, settings.seed, size.tolerance))
        uses, _ = evaluation.meter(hardware, examples.first(COST_IMAGES).inputs)
        return sum(use.energy or 0.0 for use in uses if use.name in layers)

    known = {"attempts": size.attempts, "memory_spread": settings.memory_spread, "spread": settings.spread}
    exact = reference(images=len(examples))
    chips: dict[str, list[dict[str, float]]] = {}
    sweeps: dict[str, dict[float, evaluation.Population]] = {}
    energies: dict[str, float] = {}
    with run.bar("chips") as progress:
        total, done = len(memories) * (size.chips + len(size.swept)), 0
        for name, memory in memories.items():
            described: dict[str, Any] = {"memory": identity.digest(memory), "images": len(examples), **known}
            for number, tolerance in [
                *((k, size.tolerance) for k in range(size.chips)), *((0, other) for other in size.swept)
            ]:  # fmt: skip
                found = chip(name=name, number=number, tolerance=tolerance, **described)
                done += 1
                progress(done, total, f"{name}: {100 * found['accuracy']:.2f} %")
                if tolerance == size.tolerance:
                    chips.setdefault(name, []).append(found)
                sweeps.setdefault(name, {}).setdefault(tolerance, evaluation.Population((found["accuracy"],)))
            energies[name] = read_energy(name=name, **described)

    # show
    groups = {name: evaluation.Population(tuple(one["accuracy"] for one in found)) for name, found in chips.items()}
    rows: list[tuple[report.Cell, ...]] = [
        ("software", report.percent(exact["software"]), None, None, None),
        ("junctions, exact weights", report.percent(exact["junctions"]), None, None, None),
    ]
    writing: list[tuple[report.Cell, ...]] = []
    for name, group in groups.items():
        rows.append((name, *report.percents(group), f"{100 * (exact['software'] - group.mean):.2f}"))
        mean = {part: sum(one[part] for one in chips[name]) / len(chips[name]) for part in chips[name][0]}
        numbers = f"{int(mean['devices']):,}", f"{mean['attempts'] / mean['devices']:.2f}"
        missed = f"{100 * mean['missed'] / mean['devices']:.2f}"
        spent = f"{1e9 * mean['energy']:.3g}" if "energy" in mean else None, f"{1e9 * energies[name]:.3g}"
        writing.append((name, *numbers, f"{mean['events'] / mean['devices']:.1f}", missed, *spent))
    columns = ("weights in", "accuracy (%)", "deviation", "worst", "mean loss (points)")
    note = f"The first {len(test):,} test images of {test.name}; deviation: standard deviation of {size.chips} chips."
    run.table(report.Table("Accuracy", columns, tuple(rows), note))
    heads = ("memory", "devices", "attempts each", "pulses each", "missed (%)", "writing (nJ)", "inference (nJ)")
    note = f"""Mean of {size.chips} chips; write and verify within {100 * size.tolerance:g} % of the window, at most
        {size.attempts} attempts. Writing: pulses and verifying reads. Inference: Joule heat of the memories' reads,
        without wires and converters."""
    run.table(report.Table("Programming", heads, tuple(writing), note))
    panel = report.Panel(
        "Tolerance of write and verify", "tolerance (% of the window)", 100,
        {name: dict(sorted(points.items())) for name, points in sweeps.items()},
        {"software": exact["software"], "junctions, exact weights": exact["junctions"]},
    )  # fmt: skip
    caption = """Accuracy of one chip of each memory against the tolerance that it was written with. A finer one is not
        always met; a coarser one leaves wrong weights."""
    lowest = min(one.worst for points in sweeps.values() for one in points.values())
    run.show("tolerance", caption, report.draw_populations([panel], (max(0.0, 100 * lowest - 4), 101), log=True))
    caption = f"Each dot is one of {size.chips} chips with memories and junctions of its own."
    run.show("chips", caption, report.draw_groups(groups, exact["software"], "Fabricated chips"))

    # say
    told = ", ".join(f"{100 * group.mean:.2f} % in {name}" for name, group in groups.items())
    run.say(f"""The network classifies {100 * exact["software"]:.2f} % of {len(test):,} test images in software and
        {100 * exact["junctions"]:.2f} % with junctions as neurons; with its weights in memories as well: {told}.""")
    run.assume(
        "A weight is the difference of two memories; the largest weight of a layer is the whole window.",
        "Norms and biases stay exact numbers. Nothing is trained after the move.",
        "Wires and converters are ideal here; see the array in the documentation of memories.",
    )
    run.record(reference=exact, chips=chips, read_energy=energies)
