"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.data import ImageSet
from spinloom.devices import require_free
from spinloom.errors import InputError, require_non_negative, require_positive, unknown_name
from spinloom.learning import MIRRORED, Augmentation, Training, require_share
from spinloom.studies.mtj_training.settings import WAYS, Settings


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    channels, hidden: of the network. images: for training, at most (None: all). epochs, batch, rate: of the training
    from scratch. seeds: networks of each way. devices: simulated, that instances draw from. angle_batches, angle_batch:
    gradients that an angle is averaged over, and images of each. instances: tuned in place, for tuning_epochs with
    tuning_rate as the peak.
    """

    channels: tuple[int, ...]
    hidden: int
    images: int | None
    epochs: int
    batch: int
    rate: float
    seeds: int
    devices: int
    angle_batches: int
    angle_batch: int
    instances: int
    tuning_epochs: int
    tuning_rate: float


REDUCED = Plan(
    channels=(16, 32, 32),
    hidden=64,
    images=20_000,
    epochs=2,
    batch=128,
    rate=2e-3,
    seeds=2,
    devices=64,
    angle_batches=4,
    angle_batch=256,
    instances=1,
    tuning_epochs=2,
    tuning_rate=1e-3,
)
FULL = Plan(
    channels=(32, 64, 64),
    hidden=128,
    images=None,
    epochs=8,
    batch=128,
    rate=2e-3,
    seeds=5,
    devices=512,
    angle_batches=10,
    angle_batch=500,
    instances=5,
    tuning_epochs=2,
    tuning_rate=1e-3,
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_share(spread=settings.spread, read_noise=settings.read_noise, chip_spread=settings.chip_spread)
    require_non_negative("K", temperature=settings.temperature)
    require_positive("network inputs", difference_step=settings.difference_step)
    require_free(settings.response, settings, "junction", "spread", "chip_spread", "temperature")
    for way in settings.ways:
        if way not in WAYS:
            raise unknown_name("way", way, WAYS)
    plan = FULL if settings.full else REDUCED
    for name, least in (("seeds", 1), ("epochs", 1), ("instances", 0)):
        given = getattr(settings, name)
        if given is not None:
            if given < least:
                raise InputError(f"{name} must be >= {least}, got {given}")
            plan = replace(plan, **{name: given})
    if settings.channels:
        require_positive("", **{f"channel width {number}": wide for number, wide in enumerate(settings.channels, 1)})
        plan = replace(plan, channels=settings.channels)
    if not settings.ways:
        raise InputError(f"no way to train; give one or more of {', '.join(WAYS)}")
    if settings.instances and "software" not in settings.ways:
        raise InputError("--instances tunes the network trained in software; add software to --ways")
    return plan


def training_of(plan: Plan, train: ImageSet, seed: int) -> Training:
    """From scratch; images are mirrored where that keeps their meaning."""
    return Training(
        epochs=plan.epochs,
        batch=min(plan.batch, len(train)),
        rate=plan.rate,
        augmentation=Augmentation(flip=train.name in MIRRORED),
        seed=seed,
    )


def tuning_of(plan: Plan, train: ImageSet, seed: int) -> Training:
    """In place, on one instance."""
    return replace(training_of(plan, train, seed), epochs=plan.tuning_epochs, rate=plan.tuning_rate)
