"""Everything the study measures, each point kept on disk as soon as it is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spinloom.devices import DeviceSource, Response
from spinloom.evaluation import Examples, Population, SweepPoint, accuracy, sweep
from spinloom.nn import Converters
from spinloom.progress import bar
from spinloom.studies.kit.stages import Stages
from spinloom.studies.mtj_robustness.imperfections import IMPERFECTIONS
from spinloom.studies.mtj_robustness.plan import Plan
from spinloom.studies.mtj_transfer.software import Software


@dataclass(frozen=True)
class Measured:
    """Accuracy of the software network, and populations of fabricated ones along each sweep, by name."""

    software: float
    sweeps: dict[str, tuple[SweepPoint, ...]]

    def loss(self, point: SweepPoint) -> float:
        """Percentage points that the mean of a population is below the software network."""
        return 100 * (self.software - point.population.mean)

    def borne(self, name: str, tolerance: float) -> float | None:
        """The most of an imperfection that was measured before the mean loss first exceeds `tolerance` (points)."""
        most, points = None, sorted(self.sweeps[name], key=lambda point: point.value)
        for point in reversed(points) if IMPERFECTIONS[name].worst_first else points:
            if self.loss(point) > tolerance:
                break
            most = point.value
        return most


class Bench:
    """Measures one software network on one kind of junction."""

    def __init__(
        self,
        software: Software,
        junctions: DeviceSource,
        examples: Examples,
        plan: Plan,
        seed: int,
        stages: Stages,
    ) -> None:
        self.network, self.junctions, self.plan = software.network, junctions, plan
        self.examples = examples.first(plan.images)
        self._seed, self._stages = seed, stages

    def measure(self) -> Measured:
        """All of it. Raises OutputError if a point cannot be kept."""
        plan, junctions = self.plan, self.junctions
        nominal = junctions.nominal()
        sweeps = {}
        if junctions.simulated:
            sweeps["spread"] = self._sweep("spread", junctions.fabricated, plan.spreads)
        sweeps["noise"] = self._sweep("noise", nominal.with_read_noise, plan.noises)
        sweeps["resolution"] = self._sweep(
            "resolution", lambda _: nominal, plan.bits, lambda bits: Converters(value=int(bits))
        )
        if junctions.at_temperature is not None:
            sweeps["temperature"] = self._sweep("temperature", junctions.at_temperature, plan.temperatures)
        sweeps["stuck"] = self._sweep("stuck", nominal.with_stuck, plan.stuck)
        return Measured(accuracy(self.network, self.examples), sweeps)

    def _sweep(
        self,
        name: str,
        make: Callable[[float], Response],
        values: Sequence[float],
        converters: Callable[[float], Converters] = lambda _: Converters(),
    ) -> tuple[SweepPoint, ...]:
        none = IMPERFECTIONS[name].none

        def keep(value: float, compute: Callable[[], Population]) -> Population:
            settings = {"instances": self.plan.instances, "images": len(self.examples), "value": value}
            stage = "nominal" if value == none else f"sweep-{name}"  # the same junctions in several sweeps
            return Population(tuple(self._stages.get(stage, settings, lambda: list(compute().accuracies))))

        with bar(f"sweep of {name}") as report:
            return sweep(
                self.network, make, values, self.examples, self.plan.instances, self._seed, report, keep, converters
            )
