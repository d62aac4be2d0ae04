"""The two sizes of the study."""

import math
from dataclasses import dataclass

from spinloom.errors import InputError, require_non_negative, require_positive, unknown_name
from spinloom.learning import Training
from spinloom.nn.radio import LAYOUTS
from spinloom.studies.rf_convolution.settings import Settings


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    channels: of the two convolutions. train_images: at most, of each set. images_seen: in training, repeats counted.
    instances: fabricated networks per spread, measured on `sweep_images`. retraining: epochs on a fabricated network.
    spacings: of pixels in the parallel layout, linewidths. rate: of Adam at its peak, the same for both kinds of
    network: half linewidths and ordinary weights want the same.
    """

    channels: tuple[int, int]
    train_images: int | None
    images_seen: int
    seeds: int
    instances: int
    sweep_images: int
    retraining: int
    spacings: tuple[float, ...]
    batch: int = 128
    rate: float = 1e-2

    def epochs(self, images: int) -> int:
        """Passes over so many training images."""
        return max(1, round(self.images_seen / images))

    def training(self, images: int, seed: int) -> Training:
        """The same for both kinds of network."""
        return Training(
            epochs=self.epochs(images), batch=min(self.batch, images), rate=self.rate, weight_decay=0.0, seed=seed
        )


REDUCED = Plan(
    channels=(8, 16),
    train_images=20_000,
    images_seen=60_000,
    seeds=3,
    instances=5,
    sweep_images=1_000,
    retraining=1,
    spacings=(0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
)
FULL = Plan(
    channels=(16, 32),
    train_images=None,
    images_seen=480_000,
    seeds=5,
    instances=20,
    sweep_images=10_000,
    retraining=1,
    spacings=(0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_positive("", damping=settings.damping)
    require_positive("linewidths", spacing=settings.spacing)
    for level in settings.spread:
        require_non_negative("", spread=level)
    if settings.layout not in LAYOUTS:
        raise unknown_name("layout", settings.layout, LAYOUTS)
    if settings.seeds is not None and settings.seeds < 1:
        raise InputError(f"seeds must be >= 1, got {settings.seeds}")
    return FULL if settings.full else REDUCED


def damping_for(spacing: float, lines: int, low: float, high: float) -> float:
    """Damping at which a geometric plan of so many frequencies between low and high has this spacing, linewidths."""
    return math.log(high / low) / (max(lines - 1, 1) * 2 * spacing)
