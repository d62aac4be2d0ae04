"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.devices import require_free
from spinloom.errors import InputError, require_finite, require_non_negative, require_positive, unknown_name
from spinloom.learning import MIRRORED, Augmentation, Training, require_share
from spinloom.studies.mtj_deep.settings import Settings

NETWORKS = ("resnet20", "densenet")


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    width, blocks: of the ResNet; growth, layers: of the DenseNet. train_images, test_images: at most (None: all).
    epochs: from scratch; epochs_from_start: from a ReLU network. junctions: simulated, to draw from. noise_seeds:
    repeats on nominal devices. instances: fabricated networks. tuned: instances that are tuned for one pass.
    tuning_rate: of that pass. reads: unlabelled images that batch norms are measured anew on.
    """

    width: int
    blocks: int
    growth: int
    layers: tuple[int, ...]
    train_images: int | None
    test_images: int | None
    epochs: int
    epochs_from_start: int
    junctions: int
    noise_seeds: int
    instances: int
    tuned: int
    batch: int = 128
    rate: float = 0.1
    rate_from_start: float = 0.05
    tuning_rate: float = 0.01
    reads: int = 2_000

    def training(self, dataset: str, images: int, seed: int, from_start: bool) -> Training:
        """Of the software network."""
        return Training(
            epochs=self.epochs_from_start if from_start else self.epochs,
            batch=min(self.batch, images),
            rate=self.rate_from_start if from_start else self.rate,
            optimiser="sgd",
            weight_decay=5e-4,
            augmentation=Augmentation(flip=dataset in MIRRORED, shift=4 if dataset in MIRRORED else 2),
            seed=seed,
        )

    def tuning(self, dataset: str, images: int, seed: int) -> Training:
        """One pass on the devices."""
        return replace(self.training(dataset, images, seed, True), epochs=1, rate=self.tuning_rate)


REDUCED = Plan(
    width=8,
    blocks=1,
    growth=6,
    layers=(2, 2, 2),
    train_images=10_000,
    test_images=1_000,
    epochs=8,
    epochs_from_start=1,
    junctions=64,
    noise_seeds=2,
    instances=2,
    tuned=1,
)
FULL = Plan(
    width=16,
    blocks=3,
    growth=12,
    layers=(6, 6, 6),
    train_images=None,
    test_images=None,
    epochs=60,
    epochs_from_start=10,
    junctions=512,
    noise_seeds=3,
    instances=5,
    tuned=2,
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_share(spread=settings.spread)
    require_non_negative("K", temperature=settings.temperature)
    require_finite("", **{f"start mean {number}": one for number, one in enumerate(settings.start_mean, 1)})
    require_positive("", **{f"start std {number}": one for number, one in enumerate(settings.start_std, 1)})
    if settings.network not in NETWORKS:
        raise unknown_name("network", settings.network, NETWORKS)
    require_free(settings.response, settings, "junction", "spread", "temperature")
    for name, least in (("instances", 1), ("epochs", 1), ("tuned", 0)):
        given = getattr(settings, name)
        if given is not None and given < least:
            raise InputError(f"{name} must be >= {least}, got {given}")
    if settings.start and settings.weights:
        raise InputError("--start trains from a ReLU network, --weights replaces the training; give one of them")
    if settings.start and settings.network != "resnet20":
        raise InputError("--start takes the weights of a ReLU ResNet; leave --network at resnet20")
    plan = FULL if settings.full else REDUCED
    if settings.devices > 0 and plan.batch % settings.devices:
        raise InputError(f"--devices {settings.devices} cannot share a batch of {plan.batch}; give 1, 2, 4, 8 ...")
    if settings.start or settings.weights:
        plan = replace(plan, width=FULL.width, blocks=FULL.blocks, growth=FULL.growth, layers=FULL.layers)
    epochs = settings.epochs
    return replace(
        plan,
        instances=settings.instances or plan.instances,
        tuned=plan.tuned if settings.tuned is None else settings.tuned,
        epochs=epochs or plan.epochs,
        epochs_from_start=epochs or plan.epochs_from_start,
    )
