"""The two sizes of the study."""

from dataclasses import dataclass

from spinloom.errors import require_non_negative, require_positive
from spinloom.studies.rf_xor.settings import Settings


@dataclass(frozen=True)
class Training:
    """How one fabricated device is trained.

    starts: settings drawn at random and tried on the device, of which each restart keeps its best. restarts: trainings
    of the same device, of which the training points choose one. rate: of Adam, in half linewidths.
    """

    starts: int
    restarts: int
    epochs: int
    batch: int = 100
    rate: float = 0.1


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    seeds: layouts of seeds. points, tests: training and test points of each. devices: fabricated for each;
    sweep_devices: for each point of the sweep of spread. reads: noisy reads behind an accuracy, map_reads: behind a
    pixel of a decision map of pixels x pixels. levels: of spread; temperatures: K; noises: of power, relative.
    """

    training: Training
    seeds: int = 5
    points: int = 400
    tests: int = 2_000
    devices: int = 8
    sweep_devices: int = 6
    reads: int = 5
    levels: tuple[float, ...] = (0.0, 0.01, 0.02, 0.05, 0.1)
    temperatures: tuple[float, ...] = (0.0, 150.0, 300.0, 600.0, 1200.0)
    noises: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.3)
    pixels: int = 81
    map_reads: int = 50


REDUCED = Plan(Training(starts=500, restarts=4, epochs=60))
FULL = Plan(
    Training(starts=1_000, restarts=8, epochs=120),
    tests=10_000,
    devices=20,
    sweep_devices=20,
    reads=10,
    pixels=161,
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_non_negative("", spread=settings.spread)
    require_non_negative("K", temperature=settings.temperature)
    require_positive("", damping=settings.damping)
    require_positive("m", diameter=settings.diameter)
    return FULL if settings.full else REDUCED
