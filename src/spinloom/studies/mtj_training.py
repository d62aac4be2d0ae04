"""A network trained through the gradients that its own junctions give, and tuned in place (arXiv 2409.02528).

One junction per neuron gives the activation (m_x, close to tanh) and its slope (m_z^2), so that backpropagation can
read the slope of every neuron from the device that computed it. The study trains the same network with exact slopes,
with the device's own ones (with read noise, with spread), and with finite differences; measures the angle between
these gradients; and tunes a network trained in software on one fabricated instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from spinloom import data, devices, errors, evaluation, learning, nn, report
from spinloom.studies import kit

PUBLISHED, IMAGES = "fashion-mnist", 60_000
NEGLIGIBLE, ROBUST, COSINE, WON_BACK = 0.1, 0.5, 0.99, 80.0
"""Points lost through the devices' own slopes; with spread and noise; cosine; per cent of a loss won back."""
SPREAD, NOISE, CHIP_SPREAD = 0.05, 0.02, 0.2
WAYS: dict[str, tuple[str, str, nn.Gradient]] = {
    "software": ("software", "software tanh, autograd", "device"),
    "exact": ("exact", "nominal junctions, exact slopes", "exact"),
    "device": ("device", "nominal junctions, their own slopes", "device"),
    "spread": ("spread and noise", "junctions with spread and read noise, their own slopes", "device"),
    "difference": ("finite differences", "nominal junctions, finite differences", "difference"),
}
"""Short and full names, and where the slopes of devices are from."""
KINDS = {"silent": "device, silent", "device": "device, nominal", "spread": "device, spread"}
KINDS["difference"] = "finite differences"
"""Ways whose devices and slopes a gradient is compared on, with titles; silent: "device" without noise of reads."""
WHEN = ("at the start", "after training")

SIZES = kit.Sizes(
    channels=((16, 32, 32), (32, 64, 64)), hidden=(64, 128), images=(20_000, None), devices=(64, 512),
    seeds=(2, 5), epochs=(2, 8), batch=(128, 128), rate=(2e-3, 2e-3), angle_batches=(4, 10), angle_batch=(256, 500),
    instances=(1, 5), tuning_epochs=(2, 2), tuning_rate=(1e-3, 1e-3), least={"instances": 0},
)  # fmt: skip
"""channels, hidden: of the network. images: for training, at most (None: all). epochs, batch, rate: of the training
from scratch. seeds: networks of each way. devices: simulated, that instances draw from. angle_batches, angle_batch:
gradients that an angle is averaged over, and images of each. instances: tuned in place, for tuning_epochs with
tuning_rate as the peak."""


@dataclass(frozen=True)
class Settings(kit.OnDevice, kit.Images, kit.Common):
    """Train a network through the gradients of its own junctions, and tune a transferred one in place."""

    ways: tuple[str, ...] = tuple(WAYS)
    """Ways to train: software (tanh); on junctions with exact slopes, slopes of the device, the same with spread and
    read noise (spread), or finite differences."""
    seeds: int | None = None
    """Networks of each way (default: 5 if full, else 2)."""
    epochs: int | None = None
    """Passes over the training images (default: 8 if full, else 2)."""
    channels: tuple[int, ...] = ()
    """Convolution widths (default: 32 64 64 if full, else 16 32 32)."""
    spread: float = SPREAD
    """Standard deviation of every physical parameter in the way "spread", as a fraction."""
    read_noise: float = NOISE
    """Noise added to both reads in the way "spread", as a fraction of full scale."""
    value_bits: int | None = None
    """Converter behind the forward read in the way "spread" (default: none)."""
    slope_bits: int | None = None
    """Converter behind the gradient read in the way "spread" (default: none)."""
    difference_step: float = 0.25
    """Step of the finite differences to each side, in network inputs."""
    chip_spread: float = CHIP_SPREAD
    """Standard deviation of every physical parameter of the instances that are tuned in place."""
    instances: int | None = None
    """Instances tuned in place (default: 5 if full, else 1); 0 leaves this part out."""
    accelerator: str = "cpu"
    """cpu, cuda or auto, for training."""


@kit.study("Training through the gradients of magnetic tunnel junctions", SIZES)
def run(run: kit.Run, settings: Settings, size: Any) -> None:
    learning.require_share(spread=settings.spread, read_noise=settings.read_noise, chip_spread=settings.chip_spread)
    errors.require_positive("network inputs", difference_step=settings.difference_step)
    if not settings.ways:
        raise errors.InputError(f"no way to train; give one or more of {', '.join(WAYS)}")
    for way in {*settings.ways} - {*WAYS}:
        raise errors.unknown_name("way", way, WAYS)
    if settings.instances and "software" not in settings.ways:
        raise errors.InputError("--instances tunes the network trained in software; add software to --ways")
    compute = learning.Compute(settings.accelerator)
    compute.fabric()  # refuses what is not there, before the work
    nn.Converters(settings.value_bits, settings.slope_bits)
    # seed 0, as of the images: a network of a given seed is the same in every call, whatever the first seed
    source = run.on_device(size.devices, "spread", "chip_spread", seed=0)
    train, test = run.images(train_limit=size.images)
    run.stages.depend(seed=0, **compute.identity)
    run.list(images=len(train))
    tunes = size.instances if "software" in settings.ways else 0
    for spread in (settings.spread, settings.chip_spread)[: 1 + bool(tunes)]:
        source.fabricated(spread)  # what cannot be simulated shows before the training
    bench = Bench(run, source, compute, train, evaluation.Examples.of(test))

    # measure
    trained: dict[str, list[dict[str, Any]]] = {way: [] for way in settings.ways}
    for seed in range(settings.seed, settings.seed + size.seeds):  # a run that is stopped early leaves whole pairs
        for way, networks in trained.items():
            make, title = partial(bench.network, seed, way=way), f"{WAYS[way][0]}, seed {seed}"
            networks.append(bench.fitted(title, make, seed, size.epochs, size.rate, **bench.key(way)))
    accuracies = {way: tuple(one["accuracy"] for one in networks) for way, networks in trained.items()}
    tuned, more = None, 0.0
    if tunes:
        first, again = trained["software"][0]["weights"], (size.tuning_epochs, size.tuning_rate)
        chip, chips = source.fabricated(settings.chip_spread), []
        key = {"network": first.name, "spread": settings.chip_spread, "device": source.identity}
        for seed in range(settings.seed, settings.seed + tunes):  # which device serves which neuron is fixed by it
            make = partial(evaluation.on_devices, bench.network(0, first), chip, bench.test, seed)
            chips.append(bench.fitted(f"tuning instance {seed}", make, seed, *again, before=True, **key))
        before, after = (tuple(one[name] for one in chips) for name in ("before", "accuracy"))
        tuned = evaluation.Recovery(before, after, accuracies["software"][0])
        make, title = partial(bench.network, 0, first), "as much more in software"
        more = bench.fitted(title, make, settings.seed, *again, network=first.name)["accuracy"]
    angles_of = "device" if "device" in trained else next(iter(trained))
    kinds = [KINDS, *[("device",)] * (size.seeds - 1)]
    turned = [bench.angles(settings.seed + n, one["weights"], kinds[n]) for n, one in enumerate(trained[angles_of])]
    angles, cosines = turned[0], tuple(min(min(one[when]["device"].values()) for when in WHEN) for one in turned)
    memory = evaluation.backward_memory(bench.network(settings.seed), bench.test.inputs[:32])
    judge(bench, accuracies, cosines, tuned)

    # show
    groups = {way: evaluation.Population(shares) for way, shares in accuracies.items()}
    rows = [(WAYS[way][1], *report.percents(one)[:2], len(one.accuracies)) for way, one in groups.items()]
    images = f"{len(test):,} test images of {test.name}"
    note = f"{images}, on the devices that each network was trained on; deviation: standard deviation of networks."
    columns = ("training", "accuracy (%)", "deviation", "networks")
    run.table(report.Table("Accuracy by way of training", columns, tuple(rows), note))
    pairs = {(way, other): against(accuracies, way, other) for other in ("exact", "software") for way in trained}
    pairs.pop(("software", "exact"), None)
    if found := {f"{WAYS[one][0]} - {WAYS[other][0]}": pair for (one, other), pair in pairs.items() if pair}:
        run.table(report.pairs_table(found, "paired by seed (first weights, order of images)"))
    angle = {when: {KINDS[kind]: layers for kind, layers in kinds.items()} for when, kinds in angles.items()}
    note = f"After training: at the weights of the first network trained in the way {angles_of!r}."
    run.table(report.angles_table(angle, note))
    if tuned:
        run.table(report.recovery_table(tuned, more))
    run.table(report.memory_table(memory))
    run.table(report.device_table(source))
    convergence = {WAYS[way][0]: networks for way, networks in trained.items()}
    caption = """Left: mean loss of each epoch, averaged over the networks of each way. Right: accuracy of each network
        on the devices it was trained on, and the mean of each way."""
    run.show("convergence", caption, report.draw_convergence(convergence, [name for name, *_ in WAYS.values()]))
    caption = """How far gradients turn away from exact ones: one minus the cosine, layer by layer from the input on, on
        a logarithmic axis; 0.01 is an angle of 8 degrees. Silent: reads without noise; spread: with the added read
        noise too. The last layer is left out: no slope lies behind it."""
    run.show("gradient-angles", caption, report.draw_angles(angle))
    if tuned:
        caption = "A network trained in software, moved onto fabricated instances, and tuned through their own slopes."
        run.show("tuning", caption, report.draw_recovery(tuned, more))
    run.show_curves(bench.imperfect(), "single devices of the way with spread" if source.simulated else "")

    # say
    reached = ", ".join(f"{WAYS[way][0]} {100 * one.mean:.2f} %" for way, one in groups.items())
    run.say(f"Accuracy on {images} by way of training: {reached}.")
    own = "The junctions' own slopes" + ("" if source.reads_slopes else " (derived from their curves)")
    for way, words in (("device", f"{own} instead of exact ones"), ("spread", "Spread and read noise on both reads")):
        if pair := against(accuracies, way, "exact"):
            run.say(f"{words} {'cost' if pair.mean <= 0 else 'gain'} {abs(pair.mean):.2f} points.")
    least = f"{min(cosines):.4f} or more on nominal junctions."
    run.say(f"The cosine between the gradients through the junctions' slopes and exact ones is {least}")
    if tuned and tuned.mean is not None:
        fallen = f"A network moved onto junctions with {report.with_spread(source, settings.chip_spread).here} falls to"
        run.say(f"""{fallen} {100 * fmean(tuned.before):.2f} % and comes back to {100 * fmean(tuned.after):.2f} % by
            tuning in place ({100 * tuned.mean:.0f} % of the loss).""")
    _assume(bench, tuned is not None)
    raw = {way: [{key: one[key] for key in ("accuracy", "losses")} for one in trained[way]] for way in trained}
    run.record(trained=raw, angles=angles, angles_of=angles_of, cosines=list(cosines))
    run.record(tuned=asdict(tuned) | {"software_tuned": more} if tuned else None)
    run.record(memory=[asdict(layer) for layer in memory.layers])


def against(accuracies: dict[str, Any], way: str, other: str) -> evaluation.Paired | None:
    """Accuracy of one way minus that of the other, percentage points; None where one was not trained."""
    if not {way, other} <= accuracies.keys() or way == other:
        return None
    return evaluation.compare_pairs(*([100 * share for share in accuracies[name]] for name in (way, other)))


def judge(bench: Bench, accuracies: Any, cosines: Any, tuned: evaluation.Recovery | None) -> None:
    """Claim what there is of the four bars, under the full size and the settings that they are set for."""
    run, source, train, full = bench.run, bench.source, bench.train, SIZES.full()
    settings, size = run.settings, run.size
    widths, wanted = ("-".join(map(str, (*one.channels, one.hidden))) for one in (size, full))
    common = (
        report.one_of(train.name, PUBLISHED),
        report.same(len(train), IMAGES, "{:,} training images"),
        report.same(widths, wanted, "a network of {} neurons"),
        report.enough(size.epochs, full.epochs, "epochs"),
        report.at_room_temperature(source),
    )
    bits = ", ".join(f"{bits} bits" for bits in (settings.value_bits, settings.slope_bits) if bits)
    imperfect = (
        report.with_spread(source, settings.spread, SPREAD),
        report.same(100 * settings.read_noise, 100 * NOISE, "{:g} % read noise"),
        report.same(bits or "none", "none", "converters: {}"),
    )
    for way, most, name, words, conditions in (
        ("device", NEGLIGIBLE, "lost through the junctions' own slopes", "negligible; set to 0.1", ()),
        ("spread", ROBUST, "lost with spread and read noise", "robust; set to 0.5", imperfect),
    ):
        if pair := against(accuracies, way, "exact"):
            text = f"arXiv 2409.02528: {words}; against exact slopes"
            claim = report.at_most(name, most, -pair.mean, "points", text, pair.standard_error)
            run.claim(claim, *common, *conditions, report.enough(pair.pairs, full.seeds, "pairs"))
    text = "bar of this study; the least of all layers and networks, nominal junctions, read noise on"
    claim = replace(report.at_least("cosine between gradients", COSINE, min(cosines), "", text), digits=4)
    run.claim(claim, *common, report.enough(len(cosines), full.seeds, "networks"))
    if tuned and tuned.mean is not None:
        chips = report.with_spread(source, settings.chip_spread, CHIP_SPREAD)
        text = f"bar of this study; {chips.here}, instances: {len(tuned.before)}"
        error = None if tuned.standard_error is None else 100 * tuned.standard_error
        claim = report.at_least("loss won back by tuning in place", WON_BACK, 100 * tuned.mean, "%", text, error)
        run.claim(claim, *common, chips, report.several(len(tuned.before)))


@dataclass(frozen=True)
class Bench:
    """Trains and measures networks on one device; what an earlier run did is taken from its stages."""

    run: kit.Run
    source: devices.DeviceSource
    compute: learning.Compute
    train: data.ImageSet
    test: evaluation.Examples

    def network(self, seed: int, weights: Path | None = None, way: str = "software") -> Any:
        """Untrained, or with the weights of a file; on the devices of a way, with the same reads for the same seed."""
        size, settings, classes = self.run.size, self.run.settings, len(self.train.classes)
        network = learning.fashion_cnn(self.train.shape, classes, size.channels, size.hidden, 0.0, seed)
        if weights:
            learning.load_weights(network, weights)
        if way == "software":
            return network
        bits = (settings.value_bits, settings.slope_bits) if way == "spread" else ()
        response = self.imperfect() if way == "spread" else self.source.nominal()
        moved = evaluation.on_devices(network, response, self.test, seed, nn.Converters(*bits))
        return nn.use_gradient(moved, WAYS[way][2], settings.difference_step)

    def imperfect(self) -> devices.Response:
        """Devices of the way with spread and noise."""
        noise = self.run.settings.read_noise
        return self.source.fabricated(self.run.settings.spread).with_read_noise(noise, noise)

    def key(self, way: str) -> dict[str, Any]:
        """All that a network of this way depends on, beside its training."""
        names = {"spread": ("spread", "read_noise", "value_bits", "slope_bits"), "difference": ("difference_step",)}
        chosen = {name: getattr(self.run.settings, name) for name in names.get(way, ())}
        return {"way": way, "device": None if way == "software" else self.source.identity, **chosen}

    def fitted(
        self, title: str, make: Callable[[], Any], seed: int, epochs: int, rate: float, before: bool = False, **key: Any
    ) -> dict[str, Any]:
        """Of the network that `make` gives, which `key` names: losses of the epochs, accuracy on the devices it was
        trained on (before: also of it untrained), file of its weights. Kept."""
        run, size, train, plain = self.run, self.run.size, self.train, self.network(0)
        mirrored = learning.Augmentation(flip=train.name in learning.MIRRORED)
        how = learning.Training(epochs, min(size.batch, len(train)), rate, augmentation=mirrored, seed=seed)
        key |= {"before": before, "channels": size.channels, "hidden": size.hidden, **asdict(how)}
        weights = run.stages.path("fitted", key, ".safetensors")
        found: dict[str, Any] = {}

        def fit(checkpoint: Path, shown: Any) -> None:
            network = make()
            if before:
                found["before"] = evaluation.accuracy(network, self.test)
            found["losses"] = learning.fit(network, train, how, checkpoint, shown, compute=self.compute)
            plain.load_state_dict(dict(network.cpu().named_parameters()))  # devices are fabricated again from the seed
            found["accuracy"] = evaluation.accuracy(network, self.test)

        @run.kept
        def fitted(**key: Any) -> dict[str, Any]:
            weights.unlink(missing_ok=True)  # figures and weights: both or none
            run.trained("fitted", title, plain, fit, **key)
            return found

        if not learning.is_whole(weights):
            run.stages.path("fitted", key).unlink(missing_ok=True)
        return {**fitted(**key), "weights": weights}

    def angles(self, seed: int, weights: Path, kinds: Iterable[str]) -> dict[str, dict[str, dict[str, float]]]:
        """Cosines between the gradients of devices and exact ones, by `WHEN`, kind and layer."""

        @self.run.kept
        def angle(network: str, kind: str, way: str, angle_batches: int, angle_batch: int, **key: Any) -> Any:
            moved = self.network(seed, weights if network == weights.name else None, way)
            if kind == "silent":
                nn.real(moved, read_noise=False)
            images, step = self.train.take(angle_batches * angle_batch, seed), self.run.settings.difference_step
            return learning.layer_cosines(moved, images, WAYS[way][2], step, angle_batch)

        key = {name: getattr(self.run.size, name) for name in ("angle_batches", "angle_batch", "channels", "hidden")}
        ways = {kind: self.key("device" if kind == "silent" else kind) | key for kind in kinds}
        return {
            when: {kind: angle(network=network, kind=kind, seed=seed, **way) for kind, way in ways.items()}
            for when, network in zip(WHEN, ("start", weights.name), strict=True)
        }


def _assume(bench: Bench, tuned: bool) -> None:
    run, source = bench.run, bench.source
    settings, size = run.settings, run.size
    spread = f"{100 * settings.spread:g} % spread of every physical parameter" if source.simulated else "the file's"
    bits = [f"{name} {n} bits" for name, n in (("value", settings.value_bits), ("slope", settings.slope_bits)) if n]
    noise = f"the thermal and Johnson noise of one read of m_x and of m_z at {settings.temperature:g} K"
    text = f"""Tuning in place: {size.tuning_epochs} epochs of AdamW, peak rate {size.tuning_rate:g}, slopes of the
        instance's own devices with their read noise. The share won back contains what more training alone gives."""
    run.assume(
        f"{len(bench.train):,} training images, {size.epochs} epochs, networks of each way: {size.seeds}; the same "
        "seed has the same first weights and order of images in all of them.",
        "Every neuron has its own junction; weights, their products and the optimiser are exact and digital. The error "
        f"goes back through the transposed weights. A junction's own slope {source.slopes}.",
        f"Junctions have {noise if source.simulated else 'the read noise that the file gives'} in every way but "
        "software, in training and in the test.",
        f"With spread and noise: {spread}, devices drawn from {source.population(settings.spread)}, "
        f"{100 * settings.read_noise:g} % of full scale added to the noise of both reads; converters: "
        f"{', '.join(bits) or 'none'}.",
        "Exact slopes are the derivative of the very curve that was read, without noise: what autograd would give. The "
        f"curves are {'averages over simulated reads' if source.simulated else 'those of the file'}; what scatter is "
        "left in them is in their derivatives too.",
        f"Finite differences (after arXiv 2603.03947) read the value {settings.difference_step:g} above and below each "
        "input, each with its own noise: two more reads per neuron, and no read of m_z.",
        *([text] if tuned else []),
    )
