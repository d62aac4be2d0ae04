"""A deep image network on magnetic tunnel junctions: transferred, calibrated, and tuned in place (arXiv 2409.02528).

A ResNet-20 (or a small DenseNet) with tanh neurons, trained in software from scratch or from a published ReLU network,
is moved onto junctions at room temperature: nominal ones, fabricated ones with every parameter spread, the same ones
with batch norms measured anew, and after one pass of training through their own slopes. CIFAR-100 is the published
data set (`--dataset cifar100`); CIFAR-10 is measured where CIFAR-100 is not at hand.
"""

from __future__ import annotations

import copy
import hashlib
import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import lazy_loader

from spinloom import data, errors, evaluation, learning, nn, quantities, report, seeding
from spinloom.studies import kit

torch = lazy_loader.load("torch")

NETWORKS = ("resnet20", "densenet")
OWN, PUBLISHED, IMAGES = "cifar10", "cifar100", 10_000
SOFTWARE = 88.0
"""Per cent that the tanh network reaches on CIFAR-10."""
OWN_SOURCE = "bar of this project for CIFAR-10"
SOURCES = {1.7: "conference summary, Politecnico di Bari", 2.0: "arXiv 2409.02528, abstract"}
"""Published loss on CIFAR-100 (percentage points) and where it stands; the two texts disagree."""
NOMINAL, FABRICATED, TUNED = "nominal junctions", "fabricated junctions", "the same after one pass in place"
LOSSES = {OWN: {FABRICATED: 1.7, TUNED: 0.5}, PUBLISHED: {NOMINAL: 1.7, FABRICATED: 2.0, TUNED: 1.7}}
"""The most, percentage points, by data set."""
CLAIMS = {NOMINAL: "loss on nominal junctions", FABRICATED: "loss with device spread"}
CLAIMS[TUNED] = "loss after one pass in place"
COST_IMAGES = 16
"""Images that the energy of an inference is averaged over."""
MEMORY_IMAGES = 128
"""The batch for which the state kept for backward is counted."""

SIZES = kit.Sizes(
    width=(8, 16), blocks=(1, 3), growth=(6, 12), layers=((2, 2, 2), (6, 6, 6)), train_images=(10_000, None),
    test_images=(1_000, None), epochs=(8, 60), epochs_from_start=(1, 10), junctions=(64, 512), noise_seeds=(2, 3),
    instances=(2, 5), tuned=(1, 2), batch=(128, 128), rate=(0.1, 0.1), rate_from_start=(0.05, 0.05),
    tuning_rate=(0.01, 0.01), reads=(2_000, 2_000), least={"tuned": 0},
)  # fmt: skip
"""width, blocks: of the ResNet; growth, layers: of the DenseNet. train_images, test_images: at most (None: all).
epochs: from scratch; epochs_from_start: from a ReLU network. junctions: simulated, to draw from. noise_seeds: repeats
on nominal devices. instances: fabricated networks. tuned: those tuned for one pass, at tuning_rate. reads: unlabelled
images that batch norms are measured anew on."""


@dataclass(frozen=True)
class Settings(kit.OnDevice, kit.Weights, kit.Images, kit.Common):
    """Move a deep image network onto magnetic tunnel junctions, and tune it there for one pass."""

    network: str = "resnet20"
    """resnet20 or densenet."""
    start: Path | None = None
    """Weights of a ReLU ResNet-20 (names as in He's layout) to start from: its activations slide to tanh while it
    teaches the new network."""
    start_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Mean of the pixels (0 to 1) that the start network was trained with."""
    start_std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Standard deviation of the pixels (0 to 1) that the start network was trained with."""
    epochs: int | None = None
    """Passes over the training images (default: 10 with a start network, else 60, if full; 8 if not)."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction."""
    instances: int | None = None
    """Fabricated instances to average over (default: 5 if full, else 2)."""
    tuned: int | None = None
    """Instances tuned in place for one pass, the first of the fabricated ones (default: 2 if full, else 1); 0 leaves
    this part out."""
    accelerator: str = "cpu"
    """cpu, cuda or auto, for training."""
    processes: int = 1
    """GPUs (or processes) to train on."""
    precision: str = "32-true"
    """Of training, as lightning-fabric names it: 32-true, bf16-mixed, 16-mixed."""


@kit.study("A deep image network on magnetic tunnel junction neurons", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    _require(settings, size)
    compute = learning.Compute(settings.accelerator, settings.processes, settings.precision)
    compute.fabric()  # refuses what is not there, before the work
    source = run.on_device(size.junctions, "spread")
    train, test = run.images("cifar10", train_limit=size.train_images, test_limit=size.test_images)
    run.list(train_images=len(train), test_images=len(test))
    if settings.weights:
        software_network = _given(settings, size, train)
    else:
        source.fabricated(settings.spread)  # what cannot be simulated shows before the training
        software_network = _trained(run, settings, size, train, compute)
    run.take_up(software_network)
    network = software_network.network

    # measure
    examples = evaluation.Examples.of(test)
    tuning = replace(_training(size, train, settings.seed, True), epochs=1, rate=size.tuning_rate)
    images = learning.augment(train.images[: size.reads], tuning.augmentation, seeding.generator(settings.seed))
    unlabelled = learning.Scaling.of(train)(images)  # batch norms know no others
    folded = nn.fold_batch_norm(network, examples.inputs[:1])
    source_of_seeds = seeding.generator(settings.seed)
    seeds = [seeding.child_seed(source_of_seeds) for _ in range(max(size.instances, size.tuned))]

    @run.kept
    def in_software() -> list[float]:
        return [evaluation.accuracy(network, examples), evaluation.accuracy(folded, examples)]

    def instances() -> Any:
        """The network with its batch norms on devices."""
        return evaluation.on_devices(network, source.fabricated(settings.spread), examples, settings.seed)

    @run.kept
    def refreshed(count: int, spread: float, reads: int, augmentation: Any) -> list[float]:
        hardware, found = instances(), []
        with run.bar("batch norms anew") as progress:
            for number, seed in enumerate(seeds[:count], 1):
                one = nn.resample(copy.deepcopy(hardware), seed)
                found.append(evaluation.accuracy(learning.refresh_batch_norm(one, unlabelled), examples))
                progress(number, count, f"{100 * found[-1]:.2f} %")
        return found

    @run.kept
    def tuned(number: int, **key: Any) -> list[float]:
        """Accuracy of an instance before and after one pass of training through its own slopes.

        The software network teaches: what is to be learnt is its function on other devices, not the images anew.
        """
        hardware = nn.resample(instances(), seeds[number])
        before = evaluation.accuracy(hardware, examples)
        objective = learning.Distillation(copy.deepcopy(network))
        fit = partial(learning.fit, hardware, train, tuning, objective=objective, compute=compute)
        run.trained("tuned", f"tuning of instance {number + 1}", hardware, fit, number=number, **key)
        return [before, evaluation.accuracy(hardware, examples)]

    software, when_folded = in_software()
    made, augmentation = settings.spread, asdict(tuning.augmentation)
    make = partial(source.fabricated, made)
    groups = {
        NOMINAL: run.population(NOMINAL, folded, source.nominal, examples, size.noise_seeds),
        FABRICATED: run.population(FABRICATED, folded, make, examples, size.instances, spread=made),
    }
    anew = refreshed(count=size.instances, spread=made, reads=size.reads, augmentation=augmentation)
    groups["the same, batch norms measured anew"] = evaluation.Population(tuple(anew))
    pairs = [tuned(number=number, spread=made, **compute.identity, **asdict(tuning)) for number in range(size.tuned)]
    if pairs:
        before, after = (evaluation.Population(column) for column in zip(*map(tuple, pairs), strict=True))
        groups |= {"instances to be tuned": before, TUNED: after}
    memory = evaluation.backward_memory(network, unlabelled[:MEMORY_IMAGES])
    cost = None
    if source.cost:
        hardware = evaluation.on_devices(folded, source.nominal(), examples, settings.seed)
        cost = evaluation.inference_cost(hardware, examples.first(COST_IMAGES).inputs, cost=source)

    # claim
    dataset = PUBLISHED if test.name == PUBLISHED else OWN
    on_images = (report.one_of(test.name, dataset), report.same(len(test), IMAGES, "{:,} test images"))
    if dataset == OWN:
        error = 100 * math.sqrt(software * (1 - software) / len(test))
        text = f"{OWN_SOURCE}; one network, the error is that of so many test images"
        claim = report.at_least("accuracy in software", SOFTWARE, 100 * software, "%", text, error)
        run.claim(claim, *on_images, on_device=False)
    for name, most in LOSSES[dataset].items():
        if name in groups:
            group, text = groups[name], OWN_SOURCE if dataset == OWN else SOURCES[most]
            loss = 100 * (software - group.mean)
            conditions = () if name == NOMINAL else (report.with_spread(source, made),)
            claim = report.at_most(CLAIMS[name], most, loss, "points", text, report.error_in_percent(group))
            common = (*on_images, report.at_room_temperature(source), *conditions)
            run.claim(claim, *common, report.several(len(group.accuracies)))

    # show
    percent = report.percent
    rows: list[tuple[report.Cell, ...]] = [
        ("software", percent(software), None, None, None, None),
        ("software, batch norms folded", percent(when_folded), None, None, percent(software - when_folded), None),
    ]
    for name, group in groups.items():
        rows.append((name, *report.percents(group), percent(software - group.mean), len(group.accuracies)))
    columns = ("network", "accuracy (%)", "deviation", "worst", "mean loss", "instances")
    note = f"{len(test):,} test images of {test.name}; deviation: standard deviation of instances; loss: points."
    if pairs:
        note += " Those to be tuned are the first of the fabricated ones, read anew, their batch norms not folded."
    run.table(report.Table("Accuracy", columns, tuple(rows), note))
    if cost:
        run.table(report.cost_table(cost))
    run.table(report.memory_table(memory))
    caption = "Every dot is one network on junctions, the bar its mean; the dashed line is the software network."
    run.show("accuracy", caption, report.draw_groups(groups, software, "Accuracy on junctions"))
    caption = """What must be kept of each image until the backward pass, layer by layer: in software, and where the
        junctions hold the state of the neurons."""
    run.show("memory", caption, report.draw_memory(memory))
    run.show_curves(source.fabricated(made))

    # say
    with_spread = f"{100 * made:g} % spread of every physical parameter"
    with_spread = with_spread if source.simulated else "the spread of the file"
    after_tuning = f"; after one pass of training in place it {_change(software - groups[TUNED].mean)}" if pairs else ""
    run.say(f"""The {settings.network} with tanh neurons ({software_network.origin}) classifies {100 * software:.2f} %
        of {len(test):,} {test.name} test images. Moved onto nominal junctions it
        {_change(software - groups[NOMINAL].mean)}, onto fabricated ones with {with_spread} it
        {_change(software - groups[FABRICATED].mean)}{after_tuning}.""")
    run.assume(
        f"Every neuron has its own junction, drawn at random from {source.population(made)}; weights are exact.",
        "As transferred, batch norms are folded into the weights before them or are a fixed gain and bias current of "
        "each channel's neurons.",
        f"Batch norms measured anew use {size.reads:,} unlabelled training images, augmented as in training, on the "
        "instance itself.",
    )
    if pairs:
        run.assume(
            "Tuning in place is one pass over the training images, taught by the software network and the labels; the "
            f"slope of each neuron {source.slopes}."
        )
    run.assume(*(cost.assumptions if cost else ()))
    run.record(software=software, folded=when_folded, **{name: list(one.accuracies) for name, one in groups.items()})
    run.record(cost=asdict(cost) if cost else None, memory={"software": memory.software, "hardware": memory.hardware})


def _change(loss: float) -> str:
    return f"loses {100 * loss:.2f} points" if loss >= 0 else f"gains {-100 * loss:.2f} points"


def _require(settings: Settings, size: Any) -> None:
    """Raise InputError for settings that cannot be; a given network has the full size."""
    learning.require_share(spread=settings.spread)
    errors.require_finite("", **{f"start mean {number}": one for number, one in enumerate(settings.start_mean, 1)})
    errors.require_positive("", **{f"start std {number}": one for number, one in enumerate(settings.start_std, 1)})
    if settings.network not in NETWORKS:
        raise errors.unknown_name("network", settings.network, NETWORKS)
    if settings.start and settings.weights:
        raise errors.InputError("--start trains from a ReLU network, --weights replaces the training; give one of them")
    if settings.start and settings.network != "resnet20":
        raise errors.InputError("--start takes the weights of a ReLU ResNet; leave --network at resnet20")
    if settings.processes > 0 and size.batch % settings.processes:
        raise errors.InputError(
            f"--processes {settings.processes} cannot share a batch of {size.batch}; give 1, 2, 4, 8 ..."
        )
    if settings.start or settings.weights:
        vars(size).update((name, getattr(SIZES.full(), name)) for name in ("width", "blocks", "growth", "layers"))
    size.epochs_from_start = settings.epochs or size.epochs_from_start


def _training(size: Any, train: data.ImageSet, seed: int, from_start: bool) -> learning.Training:
    """Of the software network; images are mirrored where that keeps their meaning."""
    mirrored = train.name in learning.MIRRORED
    return learning.Training(
        epochs=size.epochs_from_start if from_start else size.epochs,
        batch=min(size.batch, len(train)),
        rate=size.rate_from_start if from_start else size.rate,
        optimiser="sgd",
        weight_decay=5e-4,
        augmentation=learning.Augmentation(flip=mirrored, shift=4 if mirrored else 2),
        seed=seed,
    )


def _build(settings: Settings, size: Any, train: data.ImageSet, order: str = "pre") -> Any:
    """An untrained network for these images. order: of a ResNet's blocks."""
    image, classes = train.shape, len(train.classes)
    if settings.network == "densenet":
        return learning.densenet(image, classes, size.growth, size.layers, seed=settings.seed)
    return learning.resnet20(image, classes, size.width, size.blocks, order, settings.seed)


def _given(settings: Settings, size: Any, train: data.ImageSet) -> learning.Software:
    """Trained weights from a file; a ResNet's order of blocks shows in its names. Raises InputError."""
    path = learning.weights_for(str(settings.weights), train.name)
    order = "post" if "bn1.weight" in learning.read_tensors(path) else "pre"
    network = _build(settings, size, train, order)
    learning.load_weights(network, path)
    return learning.Software.of(network, f"weights from {path.name}")


def _trained(
    run: kit.Run, settings: Settings, size: Any, train: data.ImageSet, compute: learning.Compute
) -> learning.Software:
    """Train, or take up a training where an earlier run was killed. Raises OutputError."""
    start = settings.start
    training = _training(size, train, settings.seed, start is not None)
    network = _build(settings, size, train, "post" if start else "pre")
    key = {name: getattr(size, name) for name in ("width", "blocks", "growth", "layers")}
    key |= {"network": settings.network, **asdict(training), **compute.identity}
    if start:
        learning.read_tensors(start)  # says in one line what is wrong with the file
        content = hashlib.sha256(start.read_bytes()).hexdigest()
        key |= {"start": content, "mean": settings.start_mean, "std": settings.start_std}

    def fit(checkpoint: Path, progress: Any) -> None:
        if start is None:
            learning.fit(network, train, training, checkpoint, progress, compute=compute)
            return
        relu = _build(settings, size, train, "post")
        teacher = learning.read_relu_teacher(start, relu, network, train, (settings.start_mean, settings.start_std))
        learning.replace_activations(network, torch.nn.Tanh, learning.Sliding)
        more: dict[str, Any] = {"objective": learning.Distillation(teacher), "before_step": learning.Slide()}
        learning.fit(network, train, training, checkpoint, progress, compute=compute, **more)
        learning.replace_activations(network, learning.Sliding, torch.nn.Tanh)

    began = perf_counter()
    now = run.trained("network", "training in software", network, fit, **key)
    took = quantities.duration(perf_counter() - began) if now else "in an earlier run"
    origin = f"trained here, {training.epochs} epochs of {len(train):,} images{f' from {start.name}' if start else ''}"
    return learning.Software.of(network, f"{origin}, {took}")
