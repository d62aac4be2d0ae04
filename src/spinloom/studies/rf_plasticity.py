"""Topology as a trainable thing: sparse radio-frequency perceptrons whose resonators find their inputs (Rageau et al.).

A small shift of a resonance changes a weight, a large one attaches the synapse to another input. The study compares, on
handwritten digits and at equal numbers of synapses, chains of few resonators (input frequencies fixed or trained) with
perceptrons that are sparse at random, pruned by magnitude, or trained by pruning and regrowing, and with the dense one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import lazy_loader

from spinloom import errors, evaluation, learning, report
from spinloom.nn import radio
from spinloom.studies import kit

torch = lazy_loader.load("torch")

SOURCE = "Rageau et al., trainable structural plasticity, abstract"
DENSE, TRAINED, GAIN, REMOVED = 92.54, 88.83, 13.21, 98.72
"""Published, per cent and points, at 10 resonators a chain, and the per cent of synapses that are removed then; the
dense figure follows from "3.71 below dense"."""
FEW = 10
PER_LINEWIDTH = 256
"""Frequencies of inputs in one linewidth that are let through: inputs that share a linewidth share their weight."""
SOFTWARE_RATE, DENSE_RATE = 0.02, 0.003
NARROW, PLAIN = "line narrows in training", "device's line from the start"
KINDS = {
    "trained": ("resonators, inputs trained", "o", "-"),
    "fixed": ("resonators, inputs fixed", "s", "-"),
    "rigl": ("sparse training (RigL)", "^", "--"),
    "set": ("sparse training (SET)", "v", "--"),
    "pruned": ("pruned by magnitude", "D", ":"),
    "static": ("sparse at random", "x", ":"),
}
"""Kinds of networks in the order of tables and legends, and how they are named and drawn."""

SIZES = kit.Sizes(
    images=(20_000, None), resonators=((10, 39, 157), (10, 20, 39, 78, 157, 784)), epochs=(40, 150),
    sweep_epochs=(25, 60), software_epochs=(20, 30), rounds=(4, 8), round_epochs=(3, 3), last_epochs=(10, 15),
    most_jumping=(39, 78), linewidths=((0.2, 0.05, 0.01), (0.2, 0.05, 0.02, 0.01, 0.005)), seeds=(2, 3),
    batch=(250, 250),
)  # fmt: skip
"""images: of the training set, None for all. resonators: of one chain, the points of the curves. epochs: of networks
with trained input frequencies and 10 resonators, fewer for more; sweep_epochs: of those along linewidths.
software_epochs: of software networks. rounds: of jumps, each with `round_epochs` of descent, up to `most_jumping`
resonators of a chain; `last_epochs` end them. linewidths: of the sweep."""


@dataclass(frozen=True)
class Settings(kit.Images, kit.Common):
    """Sparse perceptrons of resonators that find their inputs, against sparse software perceptrons."""

    linewidth: float = 0.01
    """Half, over the frequency, of the resonators where input frequencies are trained."""
    fixed_linewidth: float = 0.004
    """The same where they are not: a linewidth of about two neighbouring inputs does best."""
    low: float = 20e6
    """Lower end of the band, Hz."""
    high: float = 120e6
    """Upper end of the band, Hz."""
    resonators: tuple[int, ...] = ()
    """Of one chain, the points of the curves, such as 10 39 157 (default: six from 10 to 784 if full, else three)."""
    seeds: int | None = None
    """Networks of every kind (default: 3 if full, else 2)."""


@kit.study("Sparse radio-frequency perceptrons whose resonators find their inputs", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    own, fixed_own = settings.linewidth, settings.fixed_linewidth
    errors.require_positive("", linewidth=own, fixed_linewidth=fixed_own)
    size.resonators = tuple(sorted(set(size.resonators)))
    train, test = run.images("mnist", train_limit=size.images, seed=settings.seed)
    inputs, classes = train.images[0].numel(), len(train.classes)
    band = radio.Band(settings.low, settings.high)
    for linewidth in (own, fixed_own):
        radio.plan("geometric", inputs, band, linewidth, PER_LINEWIDTH)  # refused where the band does not resolve them
    seeds = tuple(range(settings.seed, settings.seed + size.seeds))
    # a pixel from 0 to 1 is a power; no mean is taken away, for powers are not negative
    (x, y), (test_x, test_y) = ((one.as_float(normalise=False).flatten(1), one.labels) for one in (train, test))
    unseen = ("resonators", "linewidths", "sweep_epochs")
    run.stages.depend(band=asdict(band), size={key: one for key, one in vars(size).items() if key not in unseen})

    # measure
    @run.kept
    def software(method: str, weights: int) -> list[float]:
        rate = DENSE_RATE if weights == classes * inputs else SOFTWARE_RATE
        course = learning.Course(size.software_epochs, size.batch, rate, seeds=seeds, same_order=True)
        with run.bar(f"{method}, {weights} weights") as watch:
            network = learning.fit_sparse(method, weights, classes, x, y, course, report=watch)
        return learning.accuracies(network, test_x, test_y).tolist()

    @run.kept
    def resonant(resonators: int, linewidth: float, train_inputs: bool, start: float, epochs: int) -> dict[str, Any]:
        """Accuracies of chains of so many resonators, and the frequencies of the first network, Hz."""
        frequencies = learning.pixel_frequencies(train.shape, band)
        network = learning.sparse_chains(frequencies, classes, resonators, linewidth, band, seeds, train_inputs)
        share = min(1.0, max(0.2, (FEW / resonators) ** 0.5))  # chains of many need fewer epochs, and each is dearer
        course = learning.Course(max(1, round(epochs * share)), size.batch, seeds=seeds, same_order=True)
        jumps = (*(size.rounds - 1) * (size.round_epochs,), size.last_epochs)
        with run.bar(f"{resonators} resonators, {'trained' if train_inputs else 'fixed'} inputs") as watch:
            if train_inputs or resonators > size.most_jumping:
                narrowing = learning.Narrowing(start=start)
                learning.fit_narrowing(network, x, y, course, narrowing, band=band, report=watch)
            else:
                learning.fit_jumping(network, x, y, jumps, size.batch, seeds, band=band, report=watch)
        layer: Any = network[0]
        ends = layer.input_frequencies().detach()
        chains = {"inputs": (ends[0] if ends.ndim > 1 else ends).tolist(), "resonances": layer.resonances()[0].tolist()}
        return {"accuracies": learning.accuracies(network, test_x, test_y).tolist(), **chains}

    def sparse(method: str, weights: int) -> evaluation.Population:
        return evaluation.Population(tuple(software(method=method, weights=weights)))

    def chains(resonators: int, linewidth: float, **changed: Any) -> tuple[evaluation.Population, dict[str, Any]]:
        given = {"train_inputs": True, "start": 1.0, "epochs": size.epochs, **changed}
        found = resonant(resonators=resonators, linewidth=linewidth, **given)
        return evaluation.Population(tuple(found.pop("accuracies"))), found

    everything = classes * inputs
    dense = sparse("static", everything)
    counts = [count for count in size.resonators if count <= inputs]
    few = counts[0]
    found: dict[str, dict[int, evaluation.Population]] = {kind: {} for kind in KINDS}
    frequencies = {}
    for count in counts:
        found["trained"][count], trained = chains(count, own)
        found["fixed"][count], fixed = chains(count, fixed_own, train_inputs=False)
        if count == few:
            frequencies = {"fixed": fixed, "trained": trained}
        for method in learning.METHODS:
            if classes * count < everything:
                found[method][count] = sparse(method, classes * count)
    as_many = min(classes * few + inputs, everything)
    alike = {method: sparse(method, as_many) for method in ("set", "rigl")}
    lines: dict[str, dict[float, evaluation.Population]] = {NARROW: {}, PLAIN: {}}
    for linewidth in size.linewidths:
        for name, start in ((NARROW, 1.0), (PLAIN, linewidth)):
            lines[name][linewidth], _ = chains(few, linewidth, start=start, epochs=size.sweep_epochs)

    # claim
    conditions = (
        report.one_of(test.name, "mnist"),
        report.same(few, 10, "{} resonators a chain"),
        report.Condition(settings.full, "the full size", "the reduced size"),
        report.same((own, fixed_own), (0.01, 0.004), "half linewidths of {0[0]:g} and {0[1]:g} of the frequency"),
        report.same((band.low / 1e6, band.high / 1e6), (20, 120), "a band of {0[0]:g} to {0[1]:g} MHz"),
        report.several(size.seeds),
    )
    error, mean = report.error_in_percent, 100 * dense.mean
    ours, theirs = found["trained"][few], found["fixed"][few]
    over = {method: 100 * theirs.mean - 100 * found[method][few].mean for method in ("set", "rigl")}
    for claim in (
        report.at_least(f"{few} resonators, trained inputs", TRAINED, 100 * ours.mean, "%", SOURCE, error(ours)),
        report.at_least(f"{few} resonators, fixed inputs, over SET", GAIN, over["set"], "points", "", error(theirs)),
        report.at_least("the same, over RigL", GAIN, over["rigl"], "points", "the abstract names no method"),
        report.Claim("dense perceptron", DENSE, mean, "%", abs(mean - DENSE) <= 0.3, "within 0.3 points", error(dense)),
    ):
        run.claim(claim, *conditions)

    # show
    def cell(group: evaluation.Population | None) -> str | None:
        return None if group is None else f"{report.percent(group.mean)} ± {report.percent(group.standard_error)}"

    rows: list[tuple[report.Cell, ...]]
    rows = [(KINDS[kind][0], *(cell(points.get(count)) for count in counts)) for kind, points in found.items()]
    removed = tuple(f"{count} ({100 * (1 - count / inputs):.4g} %)" for count in counts)
    note = f"Per cent of test images, mean ± standard error; the dense perceptron reaches {cell(dense)}."
    title = "Accuracy by synapses of a chain (share removed)"
    run.table(report.Table(title, ("network", *removed), tuple(rows), note))
    synapses = classes * few
    trained_numbers = {"fixed": synapses + classes + 1, "trained": synapses + classes + 1 + inputs}
    rows = [(KINDS[kind][0], count, synapses, cell(found[kind][few])) for kind, count in trained_numbers.items()]
    for kind in ("rigl", "set"):
        rows.append((KINDS[kind][0], synapses + classes, synapses, cell(found[kind][few])))
    rows += [(KINDS[kind][0], as_many + classes, as_many, cell(group)) for kind, group in alike.items()]
    rows.append(("dense perceptron", everything + classes, everything, cell(dense)))
    columns: tuple[str, ...] = ("network", "trained numbers", "synapses", "accuracy (%)")
    note = "Positions of sparse weights are not counted."
    run.table(report.Table("Counted by what is trained", columns, tuple(rows), note))
    widths = sorted(size.linewidths, reverse=True)
    rows = [(name, *(cell(points[one]) for one in widths)) for name, points in lines.items()]
    title = f"Accuracy against linewidth, {few} resonators, inputs trained"
    run.table(report.Table(title, ("training", *(f"{one:g}" for one in widths)), tuple(rows)))
    caption = """Accuracy against the share of synapses that is not there. Full lines: chains of resonators; broken
        ones: software perceptrons with as many weights."""
    run.show("accuracy-removed", caption, draw_removed(found, dense, inputs, test.name == "mnist"))
    caption = """Chains of few resonators with trained input frequencies: training at the line of the device, and with a
        line that narrows to it."""
    run.show("accuracy-linewidth", caption, draw_linewidths(lines))
    if train.shape[0] == 1:
        pixels = x.view(-1, *train.shape[1:])
        mean_images = [pixels[y == number].mean(0) for number in range(classes)]
        caption = """Where the resonators of each class ended, drawn at the pixel whose frequency is nearest, on the
            mean image of the class. Orange ones are head to tail with blue ones."""
        drawn = {
            name: (torch.tensor(one["inputs"]), torch.tensor(one["resonances"])) for name, one in frequencies.items()
        }
        for name, pair in drawn.items():
            run.show(f"resonators-{name}", caption, report.draw_resonators(*pair, mean_images, name))
        caption = "The frequency that training gave every pixel, and the resonances of the chains on the same axis."
        ends = band.low, band.high
        figure = report.draw_input_frequencies(*drawn["trained"], train.shape[1:], ends)
        run.show("input-frequencies", caption, figure)

    # say
    def shown(group: evaluation.Population) -> str:
        return f"{report.percent(group.mean)} %"

    best, method = max((found[method][few].mean, method) for method in learning.METHODS)
    least = min(size.linewidths)
    run.say(f"""With {few} resonators a chain ({100 * (1 - few / inputs):.2f} % of the synapses removed) and trained
        input frequencies, {shown(ours)} of {len(test):,} {test.name} test images are right; with fixed ones
        {shown(theirs)}. Sparse software perceptrons of as many weights reach {shown(found["set"][few])} with random
        regrowth and {100 * best:.2f} % at best ({method}); the dense one {shown(dense)}. Lines that narrow during
        training decide: at a half linewidth of {least:g} of the frequency they give {shown(lines[NARROW][least])}, the
        device's own line from the start {shown(lines[PLAIN][least])}.""")
    run.assume(
        f"{len(train):,} training images; a pixel from 0 to 1 is a power, no image is shifted or scaled. "
        f"{size.seeds} networks of every kind.",
        f"The band is {band.low / 1e6:g} to {band.high / 1e6:g} MHz. Fixed inputs: equal ratios along a path that runs "
        "through the rows to and fro. Trained inputs start at random.",
        f"Half linewidth over frequency {own:g} with trained inputs, {fixed_own:g} with fixed ones (a linewidth of "
        "about two neighbours); published values are not known.",
        "Trained inputs: the line narrows from the width of the band to that of the device while frequencies are "
        "trained (learning/frequencies.py). The wide lines exist in the model only: the hardware needs the final "
        "frequencies, set to a fraction of the final linewidth, and one source for every input that can be tuned over "
        "the band; no more devices.",
        f"Fixed inputs, up to {size.most_jumping} resonators: every resonator jumps, in turn and {size.rounds} times, "
        "to the frequency of least loss, gradient descent between (learning/frequencies.py). More resonators: "
        "lines that narrow.",
        "Parameters: resonators + biases + one amplification; trained inputs add one per pixel, shared by all chains. "
        "Sparse perceptrons are compared at equal numbers of weights (their positions are not counted), and once at as "
        "many as resonators and inputs together.",
        "SET and RigL drop the smallest |weight| x root mean square of its pixel; without that factor weights of "
        "pixels that are almost never on stay, and both are far worse.",
    )

    def raw(points: dict[Any, evaluation.Population]) -> dict[Any, Any]:
        return {key: group.accuracies for key, group in points.items()}

    run.record(dense=dense.accuracies, **{kind: raw(points) for kind, points in found.items()})
    swept = {name: raw(points) for name, points in lines.items()}
    run.record(as_many_parameters=raw(alike), dampings=swept, frequencies=frequencies)


def draw_removed(found: dict[str, Any], dense: evaluation.Population, inputs: int, published: bool) -> Any:
    """The curves of all kinds of networks; the axis is logarithmic in what is left."""
    figure, (axis,) = report.canvas(height=5.0)
    colours = report.PURPLE, report.ORANGE, report.GREEN, "#56B4E9", report.BLUE, "#E69F00"
    for (kind, points), colour in zip(found.items(), colours, strict=True):
        name, marker, line = KINDS[kind]
        report.plot_populations(axis, points, name, colour, marker, line, scale=1 / inputs)
    report.refer(axis, 100 * dense.mean, "dense perceptron")
    if published:
        star: dict[str, Any] = {"color": report.PURPLE, "markersize": 15, "label": "published, inputs trained"}
        axis.plot(1 - REMOVED / 100, TRAINED, "*", **star)
    counts = sorted(found["trained"])
    left = [f"{100 * (1 - n / inputs):.4g}\n({n})" for n in counts]
    report.log_ticks(axis, [n / inputs for n in counts], left)
    axis.invert_xaxis()
    x = "synapses removed (%), in brackets synapses per class"
    report.label(axis, "Few synapses that find their place", x, "accuracy (%)")
    worst = min(100 * group.mean for points in found.values() for group in points.values())
    axis.set_ylim(max(0.0, worst - 4), 96)
    report.legend(axis, "lower left")
    return figure


def draw_linewidths(lines: dict[str, Any]) -> Any:
    figure, (axis,) = report.canvas(height=4.2)
    for (name, points), colour, marker in zip(lines.items(), (report.PURPLE, report.GREY), "os", strict=True):
        report.plot_populations(axis, dict(sorted(points.items())), name, colour, marker)
    axis.set_xscale("log")
    x = "half linewidth of the resonators over their frequency"
    report.label(axis, "What narrowing the line is worth", x, "accuracy (%)")
    report.legend(axis)
    return figure
