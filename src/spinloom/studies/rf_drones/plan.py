"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.studies.rf_drones.settings import Settings

JUDGED = 0.01
"""The level of spread whose loss is judged."""


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    hidden: oscillators. seeds: networks without spread. spread_seeds: networks at each level of spread. side_by_side:
    trained as one batch, at most. spreads: levels trained with. untrained: further levels onto which networks are moved
    without retraining. instances: fabrications and noisy reads averaged over. every: epochs between two points of the
    learning curve.
    """

    hidden: int
    seeds: int
    spread_seeds: int
    side_by_side: int
    spreads: tuple[float, ...]
    untrained: tuple[float, ...]
    instances: int
    every: int

    @property
    def levels(self) -> tuple[float, ...]:
        """All levels of spread that are measured, ascending."""
        return tuple(sorted({*self.spreads, *self.untrained}))


REDUCED = Plan(
    hidden=128,
    seeds=20,
    spread_seeds=8,
    side_by_side=20,
    spreads=(0.002, 0.01, 0.05),
    untrained=(0.001, 0.005),
    instances=3,
    every=4,
)
FULL = replace(
    REDUCED, seeds=100, spread_seeds=20, spreads=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1), untrained=(0.001,), every=1
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    plan = FULL if settings.full else REDUCED
    seeds = settings.seeds if settings.seeds is not None else plan.seeds
    spread_seeds = settings.spread_seeds if settings.spread_seeds is not None else min(plan.spread_seeds, seeds)
    if seeds < 2 or not 2 <= spread_seeds <= seeds:
        raise InputError(f"seeds must be >= 2 and spread-seeds from 2 to seeds, got {seeds} and {spread_seeds}")
    spreads = tuple(sorted(set(settings.spreads or plan.spreads)))
    if JUDGED not in spreads or spreads[0] <= 0 or spreads[-1] > 0.3:
        raise InputError(f"spreads must be above 0, at most 0.3, and contain {JUDGED}, got {spreads}")
    require_positive("", epochs=settings.epochs, batch=settings.batch, damping=settings.damping)
    require_non_negative("K", temperature=settings.temperature)
    require_non_negative("Hz", bandwidth=settings.bandwidth)
    require_non_negative("", measured_to=settings.measured_to)
    return replace(plan, seeds=seeds, spread_seeds=spread_seeds, spreads=spreads)
