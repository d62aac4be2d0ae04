"""The same trained network on both junctions: accuracy, energy, latency."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from spinloom.devices import Response, TwoPolarizerMTJ
from spinloom.evaluation import Examples, InferenceCost, Population, evaluate_instances, inference_cost, on_devices
from spinloom.progress import bar
from spinloom.studies.mtj_design.checking import Checked
from spinloom.studies.mtj_design.plan import Plan
from spinloom.studies.mtj_parts.measurements import COST_IMAGES
from spinloom.studies.mtj_parts.software import Software
from spinloom.studies.mtj_parts.stages import Stages

FINE = 141
"""Points of the curves that the network looks up."""


@dataclass(frozen=True)
class OnJunctions:
    """One network on one design: accuracies on nominal and on fabricated junctions, cost of one inference."""

    nominal: Population
    fabricated: Population
    cost: InferenceCost


class Bench:
    """Moves one network onto designs. software: trained; examples: test images; instances: fabricated networks."""

    def __init__(
        self, software: Software, examples: Examples, plan: Plan, instances: int, seed: int, stages: Stages
    ) -> None:
        self.software, self.examples, self.plan = software, examples, plan
        self.instances, self.seed, self.stages = instances, seed, stages

    def measure(self, title: str, device: TwoPolarizerMTJ, found: Checked) -> OnJunctions:
        """Accuracies are kept as stages named by all they depend on. Raises OutputError."""
        nominal, fabricated = refined(found.nominal), refined(found.fabricated)
        counts = (self.plan.network.noise_seeds, self.instances)
        return OnJunctions(
            self._population("nominal", title, device, nominal, counts[0]),
            self._population("fabricated", title, device, fabricated, counts[1]),
            self._cost(device, nominal),
        )

    def _population(
        self, kind: str, title: str, device: TwoPolarizerMTJ, response: Response, instances: int
    ) -> Population:
        def compute() -> list[float]:
            with bar(f"{kind}, {title}") as report:
                hardware = on_devices(self.software.network, response, self.examples, self.seed)
                return list(evaluate_instances(hardware, self.examples, instances, self.seed, report).accuracies)

        kept = {
            "device": str(device),
            "curves": float(response.value.sum() + response.noise.sum()),
            "instances": instances,
            "images": len(self.examples),
        }
        return Population(tuple(self.stages.get(f"accuracy-{kind}", kept, compute)))

    def _cost(self, device: TwoPolarizerMTJ, response: Response) -> InferenceCost:
        hardware = on_devices(self.software.network, response, self.examples, self.seed)
        return inference_cost(hardware, self.examples.first(COST_IMAGES).inputs, response.unit_drive, device.cost())


def refined(response: Response, points: int = FINE) -> Response:
    """The same devices on a finer grid: what is left of value and slope beside tanh is interpolated linearly."""
    inputs = response.inputs.double()
    fine = torch.linspace(float(inputs[0]), float(inputs[-1]), points, dtype=torch.float64)

    def between(curves: torch.Tensor, ideal: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        left = (curves - ideal(inputs)).numpy()
        rows = [np.interp(fine.numpy(), inputs.numpy(), row) for row in left]
        return torch.from_numpy(np.stack(rows)) + ideal(fine)

    return replace(
        response,
        drive=fine * response.unit_drive,
        value=between(response.value, torch.tanh),
        slope=between(response.slope, lambda x: 1 - x.tanh().square()),
        noise=between(response.noise, torch.zeros_like),
        slope_noise=between(response.slope_noise, torch.zeros_like),
    )
