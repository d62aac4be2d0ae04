"""Coarse, noisy domain-wall synapses learn digits, in situ and ex situ (W. A. Misba et al., IEEE Access 10, 84946).

Walls with 5, 3 or 2 nominal states, whose positions scatter, are the weights of a fully connected network on MNIST
(arXiv:2111.07284). In situ a hidden weight in high precision gathers the gradients; whenever it asks for another state
the wall is pushed there, and accepted within a tolerance. Ex situ a precursor is trained through quantiser, scatter and
tolerance, and then written. Gradients go straight through (I. Hubara et al., J. Mach. Learn. Res. 18, 1 (2018)).

The abstract was open to us; layer sizes, learning rate, tolerance and scatter were not: networks and rates are ours,
and walls scatter as in our own notched track (`spinloom.devices.simulate_position_spread`). The accuracies that are
called recalled were quoted to us and not found in a source.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from itertools import count, pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import lazy_loader

from spinloom import data, devices, errors, evaluation, learning, nn, report, seeding
from spinloom.studies import kit

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_loader.load("torch")

RECALLED = {"in situ": 96.67, "ex situ": 96.63, "float": 97.1}
BAR, LOSS = 96.6, 0.5
"""Per cent, and points to the float network: bars from the recalled accuracies."""
SOURCE = "recalled from Misba et al., IEEE Access 10, 84946 (2022), not found in a source open to us"
ENERGY = 13.0
"""pJ, programming energy per inference over 10 epochs (abstract)."""
BATCH, FLOAT_RATE, THROUGH_RATE, PLACE_RATE = 100, 1e-2, 3e-2, 1e-1
"""Images a step; of Adam, for weights in floats, hidden ones ex situ and in situ, in -1 to 1; all fall to 0."""
CLIPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
"""Standard deviations of a layer's weights that may become the outermost state when a float network is quantised."""

SIZES = kit.Sizes(
    train_images=(6_000, 60_000), test_images=(2_000, 10_000), hidden=((128, 64, 32), (512, 256, 128)), epochs=(4, 10),
    seeds=(3, 3), states=((5, 3, 2),) * 2, tolerances=((0.03, 0.06, 0.08, 0.12),) * 2, arrays=(3, 5),
)  # fmt: skip
"""hidden: units of the layers between 784 and 10. seeds: networks of each kind. tolerances: of the sweep, of the track.
arrays: of walls that one ex-situ network is written into."""


@dataclass(frozen=True)
class Settings(kit.Images, kit.Common):
    """Train networks whose weights are domain walls of few states, in situ and ex situ."""

    tolerance: float = 0.08
    """How far a wall may be from its state, as a share of the track; writing goes on until it is nearer."""
    attempts: int = 20
    """The most for one wall at a time."""
    position_spread: float | None = None
    """Scatter after a push along the whole track, in units of it (default: of our own notched track at 300 K)."""
    event_energy: float = 3e-15
    """J, to push a wall by one state; few fJ in the predecessor paper (arXiv:2010.10076)."""
    epochs: int | None = None
    """Passes over the training images (default: 10 if full, else 4)."""
    seeds: int | None = None
    """Networks of each kind (default: 3)."""


@kit.study("Domain-wall synapses of few states, in situ and ex situ", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    errors.require_positive("of the track", tolerance=settings.tolerance)
    options = {"event_energy": settings.event_energy}
    options |= {} if settings.position_spread is None else {"position_spread": settings.position_spread}
    memories = {states: devices.DomainWallMemory(states, **options) for states in size.states}
    train, test = run.images("mnist", train_limit=size.train_images, test_limit=size.test_images)
    images, held, shown = _split(train, test)
    run.stages.depend(size=vars(size), attempts=settings.attempts, margin=settings.tolerance, memories=str(memories))
    tolerance, presentations = settings.tolerance, size.epochs * len(images)

    # measure
    @run.kept
    def in_floats(seed: int) -> dict[str, Any]:
        """The float network, and the same quantised and written afterwards, without more training."""
        network = _trained_in_floats(size.hidden, images, size.epochs, seed)
        found: dict[str, Any] = {"float": evaluation.accuracy(network, shown)}
        for states, memory in memories.items():
            quantised, _ = _quantised(network, states, images, held)
            found[str(states)] = _written(quantised, memory, tolerance, settings, size.arrays, seed, shown)
        return found

    @run.kept
    def ex_situ(states: int, seed: int) -> dict[str, Any]:
        """A precursor in floats for half of the time, then through quantiser, scatter and tolerance; written."""
        memory, half = memories[states], max(1, size.epochs // 2)
        begun = _trained_in_floats(size.hidden, images, size.epochs - half, seed)
        plain = _quantised(begun, states, images, held)[1]
        precursor = _network(size.hidden, seed, _through(memory, tolerance))
        precursor.load_state_dict(plain.state_dict())
        _train(precursor, images, half, seed, THROUGH_RATE)
        plain.load_state_dict(precursor.state_dict())
        among = size.tolerances if states == max(size.states) and seed == settings.seed else ()
        rest = settings, size.arrays, seed, shown
        swept = {str(one): _written(plain, memory, one, *rest) for one in (*among, tolerance)}
        return {"tolerances": swept, **swept[str(tolerance)]}

    @run.kept
    def in_situ(states: int, tolerance: float, seed: int) -> dict[str, Any]:
        """Hidden weights gather gradients, walls are pushed when another state is asked for."""
        network = _network(size.hidden, seed, _walls(memories[states], tolerance, settings))
        spent = _train(network, images, size.epochs, seed, PLACE_RATE, programmed=True)
        return {"accuracy": evaluation.accuracy(network, shown), **vars(spent)}

    seeds = range(settings.seed, settings.seed + size.seeds)
    floats, inside, outside, swept = [], {}, {}, {}
    total = len(seeds) * (1 + 2 * len(size.states)) + len(size.tolerances)
    with run.bar("networks") as bar:
        done = count(1)

        def tick(name: str, found: Any) -> Any:
            bar(next(done), total, name)
            return found

        for seed in seeds:
            floats.append(tick("float", in_floats(seed=seed)))
            for n in size.states:
                outside[n, seed] = tick(f"{n} states ex situ", ex_situ(states=n, seed=seed))
                inside[n, seed] = tick(f"{n} states in situ", in_situ(states=n, tolerance=tolerance, seed=seed))
        most = max(size.states)
        for one in size.tolerances:
            swept[one] = tick(f"tolerance {one:g}", in_situ(states=most, tolerance=one, seed=settings.seed))

    group = lambda found: evaluation.Population(tuple(found))  # noqa: E731
    software = group(one["float"] for one in floats)
    ways = {
        "in situ": {n: group(inside[n, seed]["accuracy"] for seed in seeds) for n in size.states},
        "ex situ": {n: group(outside[n, seed]["accuracy"] for seed in seeds) for n in size.states},
        "quantised afterwards": {n: group(one[str(n)]["accuracy"] for one in floats) for n in size.states},
    }
    spent = {n: SimpleNamespace(**_mean([inside[n, seed] for seed in seeds])) for n in size.states}
    energies = {n: 1e12 * spent[n].events * settings.event_energy / presentations for n in size.states}

    # claim
    conditions = (
        report.one_of(test.name, "mnist"),
        report.enough(len(images), 50_000, "training images"),
        report.enough(size.seeds, 3, "networks"),
        report.same(settings.position_spread, None, "the scatter of our own track"),
    )
    for way in ("in situ", "ex situ"):
        found, best = ways[way], 100 * ways[way][most].mean
        error = report.error_in_percent(found[most])
        run.claim(report.at_least(f"{most} states {way}", BAR, best, "%", SOURCE, error), *conditions)
        loss = 100 * software.mean - best
        run.claim(report.at_most(f"loss to float, {way}", LOSS, loss, "points", SOURCE), *conditions)
        falls = [100 * (found[a].mean - found[b].mean) for a, b in pairwise(size.states)]
        name = f"accuracy grows with the states, {way}"
        run.claim(report.at_least(name, 0.0, min(falls), "points", "ours: least difference"), *conditions)
    gain = min(100 * (ways["ex situ"][n].mean - ways["quantised afterwards"][n].mean) for n in size.states)
    name, source = "through the noise against quantised afterwards", "better (our reading of the abstract): least gain"
    run.claim(report.at_least(name, 0.0, gain, "points", source), *conditions)

    # show
    rows: list[tuple[report.Cell, ...]] = [("float", "-", *report.percents(software))]
    rows += [(way, n, *report.percents(one)) for way, found in ways.items() for n, one in found.items()]
    note = f"Mean, standard deviation and worst of {size.seeds} networks on {len(shown):,} test images."
    run.table(report.Table("Accuracy", ("weights", "states", "accuracy (%)", "deviation", "worst"), tuple(rows), note))
    programming: list[tuple[report.Cell, ...]] = [
        (n, f"{one.events / presentations:,.1f}", f"{one.attempts / max(one.devices, 1):.2f}",
         f"{100 * one.missed / max(one.devices, 1):.2f}", f"{energies[n]:.2f}",
         f"{1e12 * one.energy / presentations - energies[n]:.2f}")
        for n, one in spent.items()
    ]  # fmt: skip
    heads = ("states", "events", "attempts a change", "missed (%)", "pushes (pJ)", "verifying reads (pJ)")
    note = f"""Per image shown, in situ. Pushes: events x {1e15 * settings.event_energy:g} fJ. Published:
        {ENERGY:g} pJ per inference over 10 epochs, of a network whose size was not open to us."""
    run.table(report.Table("Programming in situ", heads, tuple(programming), note))
    written = outside[most, settings.seed]["tolerances"]
    lines: list[tuple[report.Cell, ...]] = [
        (f"{100 * one:g}", f"{found['attempts'] / max(found['devices'], 1):.2f}", report.percent(found["accuracy"]),
         f"{written[str(one)]['attempts'] / written[str(one)]['devices']:.2f}",
         report.percent(written[str(one)]["accuracy"]))
        for one, found in swept.items()
    ]  # fmt: skip
    names = ("tolerance (%)", "attempts in situ", "accuracy in situ (%)", "attempts ex situ", "accuracy ex situ (%)")
    note = f"{most} states, seed {settings.seed}; attempts for each wall to be written, ex situ by one trained network."
    run.table(report.Table("Tolerance", names, tuple(lines), note))
    figure, (axis,) = report.canvas()
    for (way, found), colour in zip(ways.items(), (report.BLUE, report.ORANGE, report.GREEN), strict=True):
        report.plot_populations(axis, {float(n): one for n, one in sorted(found.items())}, way, colour)
    report.refer(axis, 100 * software.mean, f"float, {100 * software.mean:.2f} %")
    axis.set_xticks(sorted(size.states))
    report.label(axis, "Digits by walls of few states", "states of a wall", "accuracy (%)")
    report.legend(axis)
    run.show("states", f"Mean and deviation of {size.seeds} networks against the states of their walls.", figure)
    figure, panels = report.canvas(2)
    pairs = {"in situ": list(swept.values()), "ex situ": [written[str(one)] for one in swept]}
    for (way, each), colour in zip(pairs.items(), (report.BLUE, report.ORANGE), strict=True):
        attempts = [one["attempts"] / max(one["devices"], 1) for one in each]
        for axis, values in zip(panels, (attempts, [100 * one["accuracy"] for one in each]), strict=True):
            axis.plot([100 * one for one in swept], values, "o-", color=colour, label=way)
    for axis, title in zip(panels, ("Attempts for a wall", "Accuracy (%)"), strict=True):
        report.label(axis, title, "tolerance (% of the track)", "")
    report.legend(panels[0])
    run.show("tolerance", f"A wider tolerance takes fewer attempts; {most} states, one network each.", figure)

    # say
    told = " and ".join(f"{100 * ways[way][most].mean:.2f} % {way}" for way in ("in situ", "ex situ"))
    run.say(f"""With {most} states the networks reach {told}, in floats {100 * software.mean:.2f} %. Programming in situ
        takes {spent[most].events / presentations:,.1f} events an image, {energies[most]:.1f} pJ; {ENERGY:g} pJ are
        published.""")
    scatter, layers = float(memories[most].position_spread), "-".join(map(str, (784, *size.hidden, 10)))
    run.assume(
        f"A wall scatters by {scatter:.3g} of the track over the whole of it, over a part by the root of it: that of "
        "walls which a pulse pushes through our own notched track at 300 K, not that of the published device.",
        f"Layers {layers} with batch norm and hard tanh, batch {BATCH}, Adam: ours.",
        f"A push costs {1e15 * settings.event_energy:g} fJ for each state passed, a declared number.",
        "Norms stay numbers. Quantised afterwards: the outermost state of each layer is chosen on training images held "
        "out, norms are measured anew with the quantised weights.",
    )
    run.record(
        software=list(software.accuracies),
        accuracies={way: {str(n): list(one.accuracies) for n, one in found.items()} for way, found in ways.items()},
        in_situ={str(n): vars(one) for n, one in spent.items()},
        energy={str(n): one for n, one in energies.items()},
        tolerances={str(one): found for one, found in swept.items()},
    )


def _split(train: data.ImageSet, test: data.ImageSet) -> tuple[evaluation.Examples, ...]:
    """Training images, those held out of them to choose by (a tenth), and test images."""
    whole = evaluation.Examples.of(train)
    cut = len(whole) - len(whole) // 10
    return whole.first(cut), evaluation.Examples(whole.inputs[cut:], whole.labels[cut:]), evaluation.Examples.of(test)


def _network(hidden: tuple[int, ...], seed: int, linear: Any = None) -> Any:
    """784-...-10 with batch norm and hard tanh; linear(inputs, outputs, number) makes the layers of weights."""
    sizes, layers = (784, *hidden, 10), list[Any]([torch.nn.Flatten()])
    source = seeding.generator(seed)
    for number, (before, after) in enumerate(pairwise(sizes)):
        made = linear(before, after, number) if linear else torch.nn.Linear(before, after, bias=False)
        with torch.no_grad():
            made.weight.uniform_(-1, 1, generator=source)
            made.weight.mul_(1.0 if linear else 1 / math.sqrt(before))
        layers += [made, torch.nn.BatchNorm1d(after), torch.nn.Hardtanh()]
    return torch.nn.Sequential(*layers[:-1])


def _walls(memory: Any, tolerance: float, settings: Settings) -> Any:
    options: dict[str, Any] = {"cells": "single", "weight_range": 1.0}
    options |= {"tolerance": tolerance, "attempts": settings.attempts}
    return lambda before, after, _: nn.DeviceLinear(before, after, memory, bias=False, **options)


def _through(memory: Any, tolerance: float) -> Any:
    """Linear layers whose weights pass quantiser, scatter and tolerance on their way, gradients straight through."""
    last, scatter = memory.states - 1, float(memory.position_spread) * math.sqrt(max(1 / (memory.states - 1), 0.125))
    share = math.erf(tolerance / (scatter * math.sqrt(2))) if scatter else 0.0

    class Through(torch.nn.Linear):
        source: torch.Generator

        def forward(self, x: Any) -> Any:
            place = ((self.weight.detach().clamp(-1, 1) + 1) / 2 * last).round() / last
            if self.training and scatter:  # a normal one within the tolerance
                uniform = 2 * torch.rand(place.shape, generator=self.source) - 1
                place = (place + scatter * math.sqrt(2) * (share * uniform).erfinv()).clamp(0, 1)
            return torch.nn.functional.linear(x, self.weight + (2 * place - 1 - self.weight).detach())

    def made(before: int, after: int, number: int) -> Any:
        layer = Through(before, after, bias=False)
        layer.source = seeding.generator(1_000_003 + number)
        return layer

    return made


def _trained_in_floats(hidden: tuple[int, ...], images: evaluation.Examples, epochs: int, seed: int) -> Any:
    network = _network(hidden, seed)
    _train(network, images, epochs, seed, FLOAT_RATE, bound=math.inf)
    return network


def _train(
    network: Any,
    images: evaluation.Examples,
    epochs: int,
    seed: int,
    rate: float,
    *,
    bound: float = 1.0,
    programmed: bool = False,
) -> devices.Writing:
    """Adam on mini-batches, weights kept within the bound. programmed: walls follow them. What that took."""
    optimiser = torch.optim.Adam(network.parameters(), rate)
    training = learning.Programming(optimiser, network, learning.Targets(), seed) if programmed else None
    source, steps = seeding.generator(seed + 7), epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps))
    weights = [parameter for parameter in network.parameters() if parameter.ndim == 2]
    network.train()
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=source)
        for chosen in order[: len(images) // BATCH * BATCH].split(BATCH):
            loss = torch.nn.functional.cross_entropy(network(images.inputs[chosen]), images.labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            (training or optimiser).step()
            schedule.step()
            with torch.no_grad():
                for weight in weights:
                    weight.clamp_(-bound, bound)
    return training.spent if training else devices.Writing()


def _quantised(network: Any, states: int, images: evaluation.Examples, held: evaluation.Examples) -> tuple[Any, Any]:
    """The network with its weights at states from -1 to 1, and with hidden weights that ask for these.

    The outermost state of each layer is so many standard deviations as are best on held images.
    """
    found = []
    for clip in CLIPS:
        hidden = copy.deepcopy(network)
        with torch.no_grad():
            for weight in (one for one in hidden.parameters() if one.ndim == 2):
                weight.copy_((weight / (clip * weight.std())).clamp(-1, 1))
        coarse = copy.deepcopy(hidden)
        with torch.no_grad():
            for weight in (one for one in coarse.parameters() if one.ndim == 2):
                weight.copy_(((weight + 1) / 2 * (states - 1)).round() / (states - 1) * 2 - 1)
        learning.refresh_batch_norm(coarse, images.inputs[:5000])
        found.append((evaluation.accuracy(coarse, held), coarse, hidden))
    return max(found, key=lambda one: one[0])[1:]


def _written(
    network: Any, memory: Any, tolerance: float, settings: Settings, arrays: int, seed: int, shown: evaluation.Examples
) -> dict[str, float]:
    """Mean accuracy of so many arrays of walls that hold the network, and what writing one took."""
    options = {"cells": "single", "weight_range": 1.0, "tolerance": tolerance, "attempts": settings.attempts}
    found = []
    for number in range(arrays):
        twin = nn.to_memory(network, memory, seed=1000 * seed + number, **options)
        taken = sum(nn.programming(twin).values(), devices.Writing())
        found.append({"accuracy": evaluation.accuracy(twin, shown), **vars(taken)})
    return _mean(found)


def _mean(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(one[name] for one in found) / len(found) for name in found[0]}
