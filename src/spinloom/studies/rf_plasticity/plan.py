"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.errors import InputError, require_positive
from spinloom.nn.radio import Band, plan
from spinloom.studies.rf_plasticity.settings import Settings

FEW = 10
PER_LINEWIDTH = 256
"""Frequencies of inputs in one linewidth that are let through: inputs that share a linewidth share their weight."""


@dataclass(frozen=True)
class Plan:
    """How much is trained.

    images: of the training set, None for all. resonators: of one chain, the points of the curves. epochs: of networks
    with trained input frequencies and 10 resonators, see `epochs_for`; sweep_epochs: of those along dampings.
    software_epochs: of software networks. rounds: of jumps, each with `round_epochs` of descent, up to `most_jumping`
    resonators of a chain; `last_epochs` end them. dampings: of the sweep.
    """

    images: int | None
    resonators: tuple[int, ...]
    epochs: int
    sweep_epochs: int
    software_epochs: int
    rounds: int
    round_epochs: int
    last_epochs: int
    most_jumping: int
    dampings: tuple[float, ...]
    seeds: int
    batch: int = 250
    software_rate: float = 0.02
    dense_rate: float = 0.003

    def epochs_for(self, resonators: int) -> int:
        """Chains of many resonators need fewer, and each is dearer."""
        share = max(0.2, (FEW / resonators) ** 0.5)
        return max(1, round(self.epochs * min(1.0, share)))


REDUCED = Plan(
    images=20_000,
    resonators=(10, 39, 157),
    epochs=40,
    sweep_epochs=25,
    software_epochs=20,
    rounds=4,
    round_epochs=3,
    last_epochs=10,
    most_jumping=39,
    dampings=(0.2, 0.05, 0.01),
    seeds=2,
)
FULL = Plan(
    images=None,
    resonators=(10, 20, 39, 78, 157, 784),
    epochs=150,
    sweep_epochs=60,
    software_epochs=30,
    rounds=8,
    round_epochs=3,
    last_epochs=15,
    most_jumping=78,
    dampings=(0.2, 0.05, 0.02, 0.01, 0.005),
    seeds=3,
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_positive("", damping=settings.damping, fixed_damping=settings.fixed_damping)
    if settings.seeds is not None and settings.seeds < 1:
        raise InputError(f"seeds must be >= 1, got {settings.seeds}")
    if any(count < 1 for count in settings.resonators):
        raise InputError(f"resonators must be >= 1, got {settings.resonators}")
    size = FULL if settings.full else REDUCED
    resonators = tuple(sorted(set(settings.resonators))) or size.resonators
    return replace(size, seeds=settings.seeds or size.seeds, resonators=resonators)


def band_of(settings: Settings, inputs: int) -> Band:
    """The band, checked against the inputs it has to hold. Raises InputError."""
    band = Band(settings.low, settings.high)
    for damping in (settings.damping, settings.fixed_damping):
        plan("geometric", inputs, band, damping, PER_LINEWIDTH)
    return band
