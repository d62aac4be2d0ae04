"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.data import ImageSet
from spinloom.devices import require_free
from spinloom.errors import InputError, require_non_negative
from spinloom.learning import MIRRORED, Augmentation, Training, require_share
from spinloom.studies.mtj_parts.settings import Settings


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    channels, hidden, dropout: of the network. images_seen: training images, repeats counted. most_epochs: limit for
    small data sets. noise_seeds: repeats on nominal devices. instances: fabricated networks. sweep_instances,
    sweep_images: per point of a sweep. devices: simulated devices that instances draw from.
    """

    channels: tuple[int, ...]
    hidden: int
    dropout: float
    images_seen: int
    most_epochs: int
    shift: int
    noise_seeds: int
    instances: int
    sweep_instances: int
    sweep_images: int
    devices: int
    levels: tuple[float, ...]
    temperatures: tuple[float, ...]
    diameters: tuple[float, ...]


REDUCED = Plan(
    channels=(32, 64, 64),
    hidden=128,
    dropout=0.0,
    images_seen=480_000,
    most_epochs=40,
    shift=0,
    noise_seeds=5,
    instances=5,
    sweep_instances=4,
    sweep_images=2_000,
    devices=64,
    levels=(0.0, 0.05, 0.1, 0.15, 0.2),
    temperatures=(0.0, 150.0, 300.0, 400.0),
    diameters=(30e-9, 60e-9, 90e-9, 120e-9),
)
FULL = Plan(
    channels=(64, 64, 128),
    hidden=128,
    dropout=0.3,
    images_seen=1_080_000,
    most_epochs=100,
    shift=0,
    noise_seeds=10,
    instances=20,
    sweep_instances=6,
    sweep_images=5_000,
    devices=512,
    levels=(0.0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2),
    temperatures=(0.0, 77.0, 200.0, 300.0, 400.0),
    diameters=(20e-9, 30e-9, 60e-9, 90e-9, 120e-9, 160e-9),
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_share(spread=settings.spread)
    require_non_negative("J", mac_energy=settings.mac_energy)
    require_non_negative("K", temperature=settings.temperature)
    require_free(settings.response, settings, "junction", "spread", "temperature")
    if settings.instances is not None and settings.instances < 1:
        raise InputError(f"instances must be >= 1, got {settings.instances}")
    plan = FULL if settings.full else REDUCED
    return replace(plan, instances=settings.instances or plan.instances)


def training_of(plan: Plan, train: ImageSet, seed: int) -> Training:
    """Epochs for the images there are, mirrored where that keeps the meaning."""
    epochs = min(max(round(plan.images_seen / len(train)), 1), plan.most_epochs)
    return Training(
        epochs=epochs,
        batch=min(128, len(train)),
        augmentation=Augmentation(flip=train.name in MIRRORED, shift=plan.shift),
        seed=seed,
    )
