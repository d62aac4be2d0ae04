"""Everything the study measures, each stage kept on disk as soon as it is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from spinloom.devices import DeviceSource, Response
from spinloom.evaluation import (
    Examples,
    InferenceCost,
    Population,
    SweepPoint,
    accuracy,
    evaluate_instances,
    inference_cost,
    on_devices,
    sweep,
)
from spinloom.progress import bar
from spinloom.studies.mtj_parts.plan import Plan
from spinloom.studies.mtj_parts.software import Software
from spinloom.studies.mtj_parts.stages import Stages

COST_IMAGES = 256
"""Images that the energy of an inference is averaged over."""


@dataclass(frozen=True)
class Size:
    """What one diameter (m) means: noise of a read at zero drive (of full scale), cost of an inference."""

    diameter: float
    noise: float
    cost: InferenceCost


@dataclass(frozen=True)
class Measured:
    """Accuracies of software, nominal and fabricated networks, sweeps by name, cost (simulated devices only)."""

    software: float
    nominal: Population
    fabricated: Population
    sweeps: dict[str, tuple[SweepPoint, ...]]
    sweep_software: float
    cost: InferenceCost | None
    sizes: tuple[Size, ...]


class Bench:
    """Measures one software network on one kind of junction."""

    def __init__(
        self, software: Software, junctions: DeviceSource, examples: Examples, plan: Plan, seed: int, stages: Stages
    ) -> None:
        self.network, self.junctions, self.examples = software.network, junctions, examples
        self.plan, self.seed, self._stages = plan, seed, stages
        self._few = examples.first(plan.sweep_images)

    def measure(self, spread: float, mac_energy: float) -> Measured:
        """All of it. Raises OutputError if a stage cannot be kept."""
        plan, junctions = self.plan, self.junctions
        software = accuracy(self.network, self.examples)
        nominal = self._population("nominal junctions", lambda: junctions.nominal(), plan.noise_seeds)
        made = self._population(
            "fabricated junctions", lambda: junctions.fabricated(spread), plan.instances, spread=spread
        )
        sweeps = {"noise": self._sweep("read noise", junctions.nominal().with_read_noise, plan.levels)}
        if junctions.simulated:
            sweeps["spread"] = self._sweep("device spread", junctions.fabricated, plan.levels)
            sweeps["temperature"] = self._sweep("temperature", junctions.at_temperature, plan.temperatures)
            sweeps["diameter"] = self._sweep("diameter", junctions.at_diameter, plan.diameters)
        cost = self._cost(junctions.nominal(), None, mac_energy)
        sizes = tuple(self._size(diameter, mac_energy) for diameter in plan.diameters if junctions.simulated)
        few = accuracy(self.network, self._few)
        return Measured(software, nominal, made, sweeps, few, cost, sizes)

    def _population(self, title: str, make: Callable[[], Response], instances: int, **settings: Any) -> Population:
        def compute() -> list[float]:
            with bar(title) as report:
                hardware = on_devices(self.network, make(), self.examples, self.seed)
                return list(evaluate_instances(hardware, self.examples, instances, self.seed, report).accuracies)

        settings = {"instances": instances, "images": len(self.examples), **settings}
        return Population(tuple(self._stages.get(title.replace(" ", "-"), settings, compute)))

    def _sweep(
        self, title: str, make: Callable[[float], Response] | None, values: Sequence[float]
    ) -> tuple[SweepPoint, ...]:
        assert make is not None
        instances, few = self.plan.sweep_instances, self._few

        def keep(value: float, compute: Callable[[], Population]) -> Population:
            settings = {"value": value, "instances": instances, "images": len(few)}
            name = f"sweep-{title.replace(' ', '-')}"
            return Population(tuple(self._stages.get(name, settings, lambda: list(compute().accuracies))))

        with bar(f"sweep of {title}") as report:
            return sweep(self.network, make, values, few, instances, self.seed, report, keep)

    def _cost(self, response: Response, diameter: float | None, mac_energy: float) -> InferenceCost | None:
        if self.junctions.cost is None:
            return None
        hardware = on_devices(self.network, response, self.examples, self.seed)
        inputs = self.examples.first(COST_IMAGES).inputs
        return inference_cost(hardware, inputs, response.unit_drive, self.junctions.cost(diameter), mac_energy)

    def _size(self, diameter: float, mac_energy: float) -> Size:
        assert self.junctions.at_diameter is not None
        response = self.junctions.at_diameter(diameter)
        cost = self._cost(response, diameter, mac_energy)
        assert cost is not None
        return Size(diameter, float(response.noise[0, response.drive.numel() // 2]), cost)
