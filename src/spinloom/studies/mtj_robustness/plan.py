"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.devices import require_free
from spinloom.errors import InputError, require_non_negative
from spinloom.studies.mtj_robustness.settings import Settings
from spinloom.studies.mtj_transfer.plan import FULL as LARGE_NETWORK
from spinloom.studies.mtj_transfer.plan import REDUCED as SMALL_NETWORK
from spinloom.studies.mtj_transfer.plan import Plan as NetworkPlan


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    network: what is trained, and the simulated devices that networks draw from. instances: fabricated networks per
    point, on the first `images` test images. spreads, noises, stuck: fractions; bits: of the converters of the forward
    read; temperatures: K.
    """

    network: NetworkPlan
    instances: int
    images: int
    spreads: tuple[float, ...]
    noises: tuple[float, ...]
    bits: tuple[float, ...]
    temperatures: tuple[float, ...]
    stuck: tuple[float, ...]


REDUCED = Plan(
    network=replace(SMALL_NETWORK, images_seen=120_000),
    instances=30,
    images=2_000,
    spreads=(0.0, 0.05, 0.1, 0.2, 0.3),
    noises=(0.0, 0.05, 0.1, 0.2, 0.3),
    bits=(1, 2, 3, 4, 6, 8),
    temperatures=(0.0, 200.0, 300.0, 400.0),
    stuck=(0.0, 0.02, 0.05, 0.1, 0.2),
)
FULL = Plan(
    network=LARGE_NETWORK,
    instances=100,
    images=10_000,
    spreads=(0.0, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
    noises=(0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
    bits=(1, 2, 3, 4, 5, 6, 7, 8),
    temperatures=(0.0, 77.0, 200.0, 300.0, 400.0),
    stuck=(0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2),
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_non_negative("points", tolerance=settings.tolerance)
    require_non_negative("K", temperature=settings.temperature)
    require_free(settings.response, settings, "junction", "temperature")
    if settings.instances is not None and settings.instances < 1:
        raise InputError(f"instances must be >= 1, got {settings.instances}")
    plan = FULL if settings.full else REDUCED
    return replace(plan, instances=settings.instances or plan.instances)
