"""A binary network that learns one task after the other and forgets none (Nature Communications 12, 2549).

Laborieux, Ernoult, Hirtzlin and Querlioz (2021) slow those steps of hidden weights that would turn a sign round, the
more the larger the hidden weight. The study learns MNIST and then Fashion-MNIST, and a sequence of permuted MNIST, with
several strengths of this metaplasticity, beside elastic weight consolidation and beside the same factors given to
weights at random; and it turns weights of a trained network round, to see whether large hidden weights matter more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import lazy_loader

from spinloom import data, errors, evaluation, learning, progress, report
from spinloom.studies import kit

if TYPE_CHECKING:
    import torch
else:
    torch = lazy_loader.load("torch")

SOURCE = "Laborieux et al., Nature Communications 12, 2549 (2021), and arXiv 2101.07592; there with 4096-4096 neurons"
FALLEN, SAME, KEPT, BEHIND = 20.0, 30.0, 80.0, 2.0
"""Per cent left of MNIST without metaplasticity, and up to what it counts as the same collapse; to be left of both
tasks with it; points behind elastic consolidation."""
BATCH, WATCHED, MEASURED = 100, 1000, 1000
"""Images of a step; test images behind an accuracy on the way, and of a batch that is measured together."""
START, DECAY = 0.05, 1e-7
"""Published: range of the first hidden weights; weight decay, added to the gradient."""
PAIR, METAPLASTIC, ELASTIC, RANDOM = "two tasks", "metaplastic", "elastic consolidation", "random consolidation"

SIZES = kit.Sizes(
    hidden=((256, 256), (4096, 4096)), images=(10_000, None), epochs=(5, 40), pair_epochs=(8, 50), rate=(0.04, 5e-3),
    tasks=(6, 6), flips=(500, 500), draws=(5, 20), flip_images=(2_000, 10_000),
)  # fmt: skip
"""hidden: neurons of the hidden layers. images: of each task, at most (None: all). epochs, pair_epochs: passes over
those of a permuted task and of MNIST and Fashion-MNIST. rate: of the steps. tasks: permuted ones. flips, draws: weights
turned round together, and how often in each of 20 bins; flip_images: behind each loss."""


@dataclass(frozen=True)
class Settings(kit.Common):
    """Learn task after task with binary weights that consolidate."""

    strengths: tuple[float, ...] = (0.0, 0.5, 1.0, 1.35)
    """Metaplasticity, in 1 / hidden weight, for permuted MNIST; 0 is plain training. The last one is compared with
    elastic and random consolidation."""
    pair_strength: float = 1.5
    """Metaplasticity for MNIST then Fashion-MNIST, beside plain training."""
    elastic: float = 5e3
    """Strength of elastic weight consolidation."""
    hidden: tuple[int, ...] = ()
    """Neurons of the hidden layers (default: 4096 4096 if full, else 256 256)."""
    images: int | None = None
    """Training images of each task, at most (default: all if full, else 10,000)."""
    epochs: int | None = None
    """Passes over the images of each permuted task (default: 40 if full, else 5)."""
    pair_epochs: int | None = None
    """Passes over MNIST and over Fashion-MNIST (default: 50 if full, else 8)."""
    tasks: int | None = None
    """Permuted tasks (default: 6)."""
    rate: float | None = None
    """Of the steps (default: 0.005 if full, else 0.04: fewer steps must bring hidden weights to the same size)."""
    first: str = "mnist"
    """Images of the permuted tasks and of the first of two tasks, by name (see `spinloom data list`)."""
    second: str = "fashion-mnist"
    """Images of the second of two tasks."""


@kit.study("Binary weights that consolidate", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    errors.require_non_negative("", strengths=torch.tensor(settings.strengths), elastic=settings.elastic)
    errors.require_positive("", rate=size.rate, pair_strength=settings.pair_strength)
    strengths, last = settings.strengths, settings.strengths[-1]
    run.stages.depend(hidden=size.hidden, rate=size.rate, elastic=settings.elastic)
    pairs = [data.load_pair(name, train_limit=size.images) for name in (settings.first, settings.second)]
    run.stages.depend(data=[(train.source, test.source, len(train)) for train, test in pairs])
    digits, clothes = (tuple(Task.of(one) for one in pair) for pair in pairs)
    permuted = [tuple(one.permuted(number) for one in digits) for number in range(size.tasks)]

    # measure
    def follow(sequence: str, tasks: Sequence[Any], epochs: int, way: str, strength: float, first: int = 0) -> Learner:
        """The network after the tasks, `first` of them or all; what an earlier run learnt is taken from its stages."""
        learner = Learner(size.hidden, tasks, epochs, settings, way, strength, size.rate)
        key = {"sequence": sequence, "epochs": epochs, "strength": strength, "way": way}
        for number in range(first or len(tasks)):
            title, fit = f"{sequence}, {way} {strength:g}, task {number + 1}", partial(learner.learn, number)
            run.trained("learnt", title, learner.parts, fit, task=number, **key)
        return learner

    @run.kept
    def shares(**asked: Any) -> list[Any]:
        """Accuracies on the way, and of every task after the last one."""
        tasks = {PAIR: [digits, clothes]}.get(asked["sequence"], permuted)
        learner = follow(tasks=tasks, **asked)
        return [learner.history.tolist(), [learner.accuracy(number) for number in range(len(tasks))]]

    def through(sequence: str, epochs: int, ways: dict[str, tuple[str, float]]) -> dict[str, tuple[Any, list[float]]]:
        common = {"sequence": sequence, "epochs": epochs}
        return {name: shares(**common, way=way, strength=m) for name, (way, m) in ways.items()}

    def named(*strengths: float) -> dict[str, tuple[str, float]]:
        return {f"m = {m:g}": (METAPLASTIC, m) for m in strengths}

    strong, strongest = settings.pair_strength, f"m = {last:g}"
    pair = through(PAIR, size.pair_epochs, named(0.0, strong))
    ways = named(*strengths) | {ELASTIC: (ELASTIC, 0.0), RANDOM: (RANDOM, last)}
    sequence = f"{size.tasks} permuted tasks"
    found = through(sequence, size.epochs, ways)
    means = {name: 100 * fmean(ends) for name, (_, ends) in found.items()}

    trained = follow(sequence, permuted, size.epochs, METAPLASTIC, last, first=1)
    layers = [f"layer {n + 1}" for n in range(len(size.hidden))]

    @run.kept
    def flips(strength: float, epochs: int, count: int, draws: int, images: int) -> list[Any]:
        """Sizes and increases of each hidden layer of the network that has learnt the first task."""
        trained.norms.restore(0)
        return [
            [one.tolist() for one in (drawn.hidden, drawn.increase)]
            for drawn in trained.flips(len(layers), count, draws, images, settings.seed)
        ]

    drawn = flips(strength=last, epochs=size.epochs, count=size.flips, draws=size.draws, images=size.flip_images)
    turned = {
        name: evaluation.Flips(torch.tensor(rows[0]), torch.tensor(rows[1]), size.flips)
        for name, rows in zip(layers, drawn, strict=True)
    }
    quadratic = evaluation.quadratic_task(seed=settings.seed)
    correlations = {name: one.rank_correlation for name, one in turned.items()}
    line = evaluation.rank_correlation(quadratic.hidden.abs(), quadratic.increase)

    # claim
    plain, metaplastic = ([100 * share for share in ends] for _, ends in pair.values())
    on = [report.one_of(settings.first, "mnist"), report.one_of(settings.second, "fashion-mnist")]
    on.append(report.same(strong, 1.5, "strength {:g}"))
    words = f"{SOURCE}, figure 1: from 97 to about 20 %; up to {SAME:g} % counts as the same"
    run.claim(report.Claim("MNIST after both, plain", FALLEN, plain[0], "%", plain[0] <= SAME, words), *on)
    for kept, which in zip(metaplastic, ("MNIST", "Fashion-MNIST"), strict=True):
        run.claim(report.at_least(f"{which} after both, m = {strong:g}", KEPT, kept, "%", "bar of this study"), *on)
    usual = (
        report.one_of(settings.first, "mnist"),
        report.same(size.tasks, 6, "{:g} tasks"),
        report.same(strengths, (0.0, 0.5, 1.0, 1.35), "strengths {}"),
    )
    rising = [means[f"m = {m:g}"] for m in strengths]
    least = min((after - before for before, after in pairwise(rising)), default=0.0)
    words = f"{SOURCE}: retention grows with m; figures of the table were not found. Bar: each strength gains"
    name = "least gain of mean accuracy from strength to strength"
    run.claim(report.Claim(name, 0.0, least, "points", least > 0, words), *usual)
    name, behind = f"behind elastic consolidation, {strongest}", means[ELASTIC] - rising[-1]
    claim = report.at_most(name, BEHIND, behind, "points", "bar of this study, mean accuracy over tasks")
    run.claim(claim, *usual, report.same(settings.elastic, 5e3, "elastic strength {:g}"))
    worst = min(correlations.values())
    words = f"{SOURCE}: the loss grows with |hidden weight| turned round; least of the hidden layers"
    name = "rank correlation of loss and |hidden weight|"
    run.claim(report.Claim(name, 0.0, worst, "", worst > 0, words), *usual[:1])

    # show
    rows = tuple((name, *map(report.percent, ends)) for name, (_, ends) in pair.items())
    columns = ("way", settings.first, settings.second)
    run.table(report.Table("Two tasks, after both", columns, rows, "Test accuracy, %."))
    rows = tuple((name, *map(report.percent, ends), f"{means[name]:.2f}") for name, (_, ends) in found.items())
    tasks = [f"task {n + 1}" for n in range(size.tasks)]
    run.table(report.Table("Permuted tasks, after the last", ("way", *tasks, "mean"), rows, "Test accuracy, %."))
    priced = [(name, f"{one:.3f}", 20 * size.draws) for name, one in correlations.items()]
    priced.append(("quadratic loss", f"{line:.3f}", len(quadratic.hidden)))
    note = f"{size.flips} weights of one of 20 bins of |hidden weight| in each draw; on the quadratic loss one weight."
    names = ("layer", "rank correlation", "draws")
    run.table(report.Table("Price of turning weights round", names, tuple(priced), note))
    each = f"{WATCHED:,} test images, norms of the task measured."
    caption = f"Accuracy of both tasks while one is learnt after the other; {each}"
    run.show("pair", caption, report.draw_tasks({name: told for name, (told, _) in pair.items()}, columns[1:]))
    caption = f"Accuracy of every permuted task from where it begins; {each}"
    run.show("sequence", caption, report.draw_tasks({name: told for name, (told, _) in found.items()}, tasks))
    left = report.draw_retention({name: ends for name, (_, ends) in found.items()}, "After the last")
    run.show("retention", "Accuracy of each permuted task when all are learnt.", left)
    caption = """Loss gained when weights of about one size are turned round, in a network that has learnt one task;
        right, on a quadratic loss of 500 binary weights, at the end and at their mean signs, where the loss gained is
        2 H_ii + 2 |theta| / (rate x steps)."""
    run.show("flips", caption, report.draw_flips(turned, quadratic))

    # say
    both = "{:.1f} % on MNIST and {:.1f} % on Fashion-MNIST"
    told = ", ".join(f"{name} {mean:.1f} %" for name, mean in means.items())
    run.say(f"After both, plain training has {both.format(*plain)}; m = {strong:g} has {both.format(*metaplastic)}.")
    run.say(f"Mean accuracy over {size.tasks} permuted tasks after the last: {told}.")
    gained, slowed = rising[-1] - rising[0], means[RANDOM] - rising[0]
    run.say(f"Of the {gained:.1f} points that {strongest} gains, slower steps at random weights gain {slowed:.1f}.")
    run.say(f"Rank correlation between |hidden weight| and the price of a flip: {worst:.2f} or more.")
    run.assume(
        "Rule, network, start, decay and strengths as in the published code; Adam is PyTorch's of today, and begins "
        "anew with each task.",
        f"Rate {size.rate:g}. The rule knows hidden weights only as m |W|: fewer steps at a larger rate bring them to "
        "the size at which it acts, as a larger m would at the published rate of 0.005.",
        "Batch norms take the statistics of each batch, in tests too; gains and shifts are kept and restored by task. "
        "Each task goes on from those of the one before.",
        "Elastic consolidation: strength / 2 times the Fisher diagonal, from classes that the network draws, on hidden "
        "weights; its published strength, which is not the best one at every rate and size.",
        "Random consolidation is our reading: each weight is slowed by the factor of another of its layer, drawn once.",
        "One network of each way: small differences between ways are not told from chance.",
        "Settings of the reduced size were chosen on training images held out, never on test images.",
    )  # fmt: skip
    run.record(pair=pair, permuted=found, correlations=correlations, quadratic=line)


@dataclass(frozen=True)
class Task:
    """inputs: (n, pixels), 0 to 1. labels: (n,)."""

    inputs: torch.Tensor
    labels: torch.Tensor

    @classmethod
    def of(cls, images: data.ImageSet) -> Task:
        return cls(images.as_float(normalise=False).flatten(1), images.labels)

    def permuted(self, number: int) -> Task:
        """The same pixels in another order."""
        from spinloom import seeding  # imports torch

        order = torch.randperm(self.inputs.shape[1], generator=seeding.generator(number))
        return Task(self.inputs[:, order], self.labels)


class Learner:
    """A binary network, its norms of every task, its elastic consolidation, and how well it did on the way.

    parts: all of these, as one module whose state is kept. history: (tasks, epochs, tasks), see `report.draw_tasks`.
    """

    def __init__(
        self, hidden: Sequence[int], tasks: Sequence[tuple[Task, Task]], epochs: int, settings: Settings, way: str,
        strength: float, rate: float,
    ) -> None:  # fmt: skip
        pixels = {train.inputs.shape[1] for train, _ in tasks}
        if len(pixels) > 1:
            raise errors.InputError(f"images of all tasks must have the same number of pixels, got {sorted(pixels)}")
        sizes = *pixels, *hidden, 1 + max(int(train.labels.max()) for train, _ in tasks)
        self.network = learning.binary_mlp(sizes, running_statistics=False, start=START, seed=settings.seed)
        self.norms = learning.TaskNorms(self.network, len(tasks))
        self.elastic = learning.ElasticConsolidation(self.network, settings.elastic) if way == ELASTIC else None
        self.tasks, self.epochs, self.seed, self.way, self.strength = tasks, epochs, settings.seed, way, strength
        self.rate = rate
        self.parts = torch.nn.Module()
        for part in ("network", "norms", "elastic"):
            self.parts.register_module(part, getattr(self, part))
        self.history = torch.zeros(len(tasks), epochs, len(tasks))
        self.parts.register_buffer("history", self.history)

    def learn(self, number: int, _: Path, shown: progress.Report) -> None:
        """Learn a task, with moments of Adam that begin anew."""
        from spinloom import seeding  # imports torch

        train = self.tasks[number][0]
        source, steps = seeding.generator(1_000 * (self.seed + 1) + number), len(train.labels) // BATCH
        optimiser = learning.MetaplasticAdam(
            self.network.parameters(), self.rate, self.strength, weight_decay=DECAY,
            shuffled=self.seed if self.way == RANDOM else None,
        )  # fmt: skip
        for epoch in range(self.epochs):
            chosen = torch.randperm(len(train.labels), generator=source)[: steps * BATCH].split(BATCH)
            for step, batch in enumerate(chosen):
                loss = torch.nn.functional.cross_entropy(self.network(train.inputs[batch]), train.labels[batch])
                optimiser.zero_grad()
                loss.backward()
                if self.elastic is not None and number:
                    self.elastic.pull()
                optimiser.step()
                shown(epoch * steps + step + 1, self.epochs * steps, f"epoch {epoch + 1}")
            self.norms.keep(number)
            for other in range(number + 1):
                self.history[number, epoch, other] = self.accuracy(other, WATCHED)
            self.norms.restore(number)
        if self.elastic is not None:
            self.elastic.remember(train.inputs, min(500, len(train.labels)), self.seed + number)

    def accuracy(self, task: int, images: int | None = None) -> float:
        """On test images of a task, with its norms, which stay."""
        self.norms.restore(task)
        test = self.tasks[task][1]
        return evaluation.accuracy(
            self.network, evaluation.Examples(test.inputs, test.labels).first(images or len(test.labels)), MEASURED
        )

    def flips(self, layers: int, count: int, draws: int, images: int, seed: int) -> list[evaluation.Flips]:
        """Of each hidden layer, on training images of the first task."""
        from spinloom import nn

        train = self.tasks[0][0]
        examples = evaluation.Examples(train.inputs, train.labels).first(images)
        binary = [one for one in self.network if isinstance(one, nn.BinaryLinear)][:layers]
        return [evaluation.flip_weights(self.network, one, examples, count, draws=draws, seed=seed) for one in binary]
