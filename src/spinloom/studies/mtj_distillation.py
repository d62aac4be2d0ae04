"""A small network on magnetic tunnel junctions that learns from a large one in software (arXiv 2409.02528).

Knowledge distillation: the student, with at most a quarter of the teacher's parameters, is trained on fabricated
junctions through their own slopes, once on the labels alone and once on the teacher's softened outputs too (Hinton,
Vinyals and Dean, arXiv 1503.02531). Seeds are paired: both students of a seed start from the same weights on the same
devices and see the same images. The teacher has learnt from all images, the students see a part of them: the fewer they
see, the more a teacher adds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import lazy_loader

from spinloom import data, errors, evaluation, learning, report
from spinloom.studies import kit

torch = lazy_loader.load("torch")

BAR = 0.5
"""Points that a teacher should add; the paper says only that distillation is supported."""
BAR_SETS, BAR_SEEDS = ("fashion-mnist", "cifar10"), 3
SOURCE = "bar of this project; arXiv 2409.02528 says that distillation is supported, without a figure"
WAYS = {"labels": "labels alone", "teacher": "labels and teacher"}

SIZES = kit.Sizes(
    teacher_channels=((32, 64, 64), (32, 64, 64)), teacher_hidden=(128, 128), teacher_width=(9, 16),
    student_channels=((16, 30, 32), (16, 30, 32)), student_hidden=(56, 56), student_width=(4, 7), blocks=(1, 3),
    train_images=(10_000, None), test_images=(None, None), images=((1_000,), (2_000, 6_000)),
    images_seen=(60_000, 120_000), epochs=(None, None), teacher_epochs=(4, 8), batch=(128, 128), rate=(2e-3, 2e-3),
    weight_decay=(0.05, 0.05), seeds=(2, 3), devices=(64, 512), fresh=(5, 5),
)  # fmt: skip
"""channels, hidden: of the plain networks; width, blocks: of the residual ones. train_images, test_images: at most
(None: all). images: of the students. images_seen: by a student in training, repeats counted; epochs: passes, where
given. devices: simulated, to draw from. fresh: instances that a noise-aware student is measured on."""


@dataclass(frozen=True)
class Settings(kit.OnDevice, kit.Images, kit.Common):
    """Train a small network on junctions, with and without a large teacher in software."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes Fashion-MNIST where it is found, else MNIST. Colour
    images get residual networks, others plain convolutional ones."""
    seeds: int | None = None
    """Pairs of students (default: 3 if full, else 2)."""
    images: tuple[int, ...] = ()
    """Training images of the students, one comparison for each number (default: 2000 6000 if full, else 1000); a
    teacher that is trained here learns from all."""
    epochs: int | None = None
    """Passes of a student over its images (default: 120,000 images in all if full, else 60,000)."""
    teacher: str = ""
    """Trained weights of the teacher instead of training it here: a file (safetensors or state dict) or the name of a
    shipped checkpoint (see `spinloom weights`)."""
    softening: float = 4.0
    """Temperature of the softened outputs."""
    mixing: float = 0.9
    """Weight of the teacher beside the labels, 0 to 1."""
    noise_aware: bool = False
    """Draw anew at every step of training which device serves which neuron, and measure on draws of their own."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction."""


@kit.study("A student on magnetic tunnel junctions and its teacher in software", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    errors.require_positive("", softening=settings.softening)
    learning.require_share(spread=settings.spread, mixing=settings.mixing)
    source = run.on_device(size.devices, "spread")
    train, test = run.images(train_limit=size.train_images, test_limit=size.test_images)
    if max(size.images) > len(train):
        cut = "; --full takes the whole data set" if size.train_images == len(train) else ""
        raise errors.InputError(f"--images {max(size.images):,} are more than the {len(train):,} training images{cut}")
    run.list(train_images=len(train), test_images=len(test))
    given = learning.weights_for(settings.teacher, train.name) if settings.teacher else None
    source.fabricated(settings.spread)  # what cannot be simulated shows before the training
    teacher, small = make_teacher(train, size, settings.seed, given), make_student(train, size, settings.seed)
    large, few = require_quarter(teacher, small)
    teaching = replace(_training(train, size, settings.seed), epochs=size.teacher_epochs)
    if given is not None:
        learning.load_weights(teacher, given)
    else:
        teach = partial(learning.fit, teacher, train, teaching)
        run.trained("teacher", "training the teacher", teacher, teach, network=repr(teacher), **asdict(teaching))
    taught = learning.Software.of(teacher, "")
    run.stages.depend(teacher=taught.digest, device=source.identity)

    # measure
    examples = evaluation.Examples.of(test)

    @run.kept
    def student(**key: Any) -> dict[str, Any]:
        seed, seen = key["seed"], train.take(key["images"], settings.seed)
        plain, chips = make_student(train, size, seed), source.fabricated(settings.spread)
        hardware = evaluation.on_devices(plain, chips, examples, seed)
        learn: learning.Objective = learning.Labels()
        if key["way"] == "teacher":
            learn = learning.Distillation(teacher, settings.softening, settings.mixing)
        fresh = learning.FreshInstances(seed=seed) if settings.noise_aware else None
        checkpoint = run.stages.path("student", key, ".checkpoint")
        with run.bar(f"{len(seen):,} images, seed {seed}, {key['way']}") as progress:
            training = _training(seen, size, seed)
            losses = learning.fit(hardware, seen, training, checkpoint, progress, objective=learn, before_step=fresh)
        if settings.noise_aware:
            with torch.no_grad():
                found = evaluation.evaluate_instances(hardware, examples, size.fresh, seed + 1_000_000).mean
        else:
            found = evaluation.accuracy(hardware, examples)
        checkpoint.unlink(missing_ok=True)
        return {"accuracy": found, "losses": losses}

    def pairs(count: int) -> dict[str, Any]:
        seen = train.take(count, settings.seed)
        done: dict[str, list[Any]] = {way: [] for way in WAYS}
        for seed in range(settings.seed, settings.seed + size.seeds):
            key = {"images": count, "seed": seed, "spread": settings.spread, "network": repr(small)}
            key |= asdict(_training(seen, size, seed)) | ({"fresh": size.fresh} if settings.noise_aware else {})
            for way in WAYS:
                softened = (settings.softening, settings.mixing) if way == "teacher" else None
                done[way].append(student(way=way, softened=softened, **key))
        accuracies, losses = ({way: [one[key] for one in done[way]] for way in WAYS} for key in ("accuracy", "losses"))
        return {"images": len(seen), "accuracies": accuracies, "losses": losses}

    right = evaluation.accuracy(teacher, examples)
    students = [pairs(count) for count in size.images]

    # claim, show
    rows: list[tuple[report.Cell, ...]] = []
    reached = []
    for one in students:
        alone, with_teacher = (one["accuracies"][way] for way in WAYS)
        gain = evaluation.Population(tuple(b - a for a, b in zip(alone, with_teacher, strict=True)))
        error = report.error_in_percent(gain)
        name = f"gain by the teacher, {one['images']:,} images"
        claim = report.at_least(name, BAR, 100 * gain.mean, "points", SOURCE, error)
        enough = report.enough(len(gain.accuracies), BAR_SEEDS, "pairs")
        run.claim(claim, report.one_of(test.name, *BAR_SETS), enough)
        for seed, (a, b) in enumerate(zip(alone, with_teacher, strict=True), settings.seed):
            rows.append((one["images"], seed, report.percent(a), report.percent(b), f"{100 * (b - a):+.2f}"))
        means = [report.percent(evaluation.Population(tuple(group)).mean) for group in (alone, with_teacher)]
        added = f"{100 * gain.mean:+.2f}" + ("" if error is None else f" ± {error:.2f}") + " points"
        reached.append(f"from {one['images']:,} images {means[0]} % alone and {means[1]} % with the teacher ({added})")
    columns = ("training images", "seed", "labels alone (%)", "with teacher (%)", "gain (points)")
    note = f"Teacher in software: {report.percent(right)} %."
    run.table(report.Table("Students on junctions", columns, tuple(rows), note))
    caption = "One line per seed: the same student with labels alone and with the teacher."
    run.show("accuracy", caption, _draw_pairs(students, right))
    run.show_curves(source.fabricated(settings.spread))

    # say
    run.say(f"""A student of {few:,} parameters on junctions classifies {len(test):,} {test.name} test images:
        {"; ".join(reached)}; pairs of each: {size.seeds}. The teacher in software has {large:,} parameters and reaches
        {100 * right:.2f} %.""")
    drawn = source.population(settings.spread)
    drawn += f" with {100 * settings.spread:g} % spread" if source.simulated else ""
    same, measured = "the same devices", "A student is measured on the devices that it was trained on."
    if settings.noise_aware:
        same = "the same draws of devices, one for every step of training,"
        measured = (
            f"A student is measured on {size.fresh} other draws and their mean taken: which device serves which "
            "neuron is new to it, the devices are those of training."
        )
    learnt = f"The teacher has learnt from all {len(train):,} training images"
    if given is not None:
        learnt = "The given teacher's training images are not known"
    run.assume(
        f"Every neuron of a student has its own junction, drawn at random from {drawn}; its slope {source.slopes}. "
        "Weights are exact.",
        f"Both students of a seed have the same first weights, {same} and the same order of images.",
        f"{learnt}, a student has learnt from the number stated.",
        measured,
    )
    run.record(teacher=right, students=students)


def make_teacher(train: data.ImageSet, size: Any, seed: int, given: Any = None) -> Any:
    """The large network, untrained; a residual one with the order of blocks of the weights given."""
    classes = len(train.classes)
    if train.shape[0] != 3:
        return learning.fashion_cnn(train.shape, classes, size.teacher_channels, size.teacher_hidden, 0.0, seed)
    if given is None:
        return learning.resnet20(train.shape, classes, size.teacher_width, size.blocks, seed=seed)
    order = "post" if "bn1.weight" in learning.read_tensors(given) else "pre"
    return learning.resnet20(train.shape, classes, size.teacher_width, size.blocks, order)


def make_student(train: data.ImageSet, size: Any, seed: int) -> Any:
    """The small network, untrained: at most a quarter of the teacher's parameters."""
    classes = len(train.classes)
    if train.shape[0] == 3:
        return learning.resnet20(train.shape, classes, size.student_width, size.blocks, seed=seed)
    return learning.fashion_cnn(train.shape, classes, size.student_channels, size.student_hidden, 0.0, seed)


def require_quarter(large: Any, small: Any) -> tuple[int, int]:
    """The parameters of both. Raises InputError if the student has more than a quarter of the teacher's."""
    many, few = learning.count_parameters(large), learning.count_parameters(small)
    if 4 * few > many:
        raise errors.InputError(f"the student has {few:,} parameters, more than a quarter of the teacher's {many:,}")
    return many, few


def _training(train: data.ImageSet, size: Any, seed: int) -> learning.Training:
    """Of a student on these images, in both ways alike."""
    colour = train.shape[0] == 3
    return learning.Training(
        epochs=size.epochs or max(1, round(size.images_seen / len(train))),
        batch=min(size.batch, len(train)),
        rate=2 * size.rate if colour else size.rate,
        weight_decay=size.weight_decay,
        augmentation=learning.Augmentation(flip=train.name in learning.MIRRORED, shift=4 if colour else 0),
        seed=seed,
    )


def _draw_pairs(students: list[dict[str, Any]], teacher: float) -> Any:
    figure, axes = report.canvas(len(students), height=4.2)
    for axis, pairs in zip(axes, students, strict=True):
        groups = [[100 * share for share in pairs["accuracies"][way]] for way in WAYS]
        for alone, taught in zip(*groups, strict=True):
            axis.plot([0, 1], [alone, taught], color=report.BLUE, marker="o", alpha=0.6)
        means = [sum(group) / len(group) for group in groups]
        axis.plot([0, 1], means, color=report.ORANGE, marker="D", linewidth=2.5, label="mean of the seeds")
        report.refer(axis, 100 * teacher, "teacher in software")
        axis.set_xticks([0, 1], list(WAYS.values()))
        axis.set_xlim(-0.4, 1.4)
        report.label(axis, f"Students of {pairs['images']:,} images", "", "test accuracy (%)")
        report.legend(axis)
    return figure
