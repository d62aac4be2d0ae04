"""Everything the study measures, each stage kept on disk as soon as it is done."""

import copy
from dataclasses import asdict
from functools import partial

from torch import nn

from spinloom.data import ImageSet
from spinloom.devices import DeviceSource, Response
from spinloom.evaluation import (
    MAC_ENERGY,
    Examples,
    InferenceCost,
    Population,
    accuracy,
    backward_memory,
    evaluate_instances,
    inference_cost,
    on_devices,
)
from spinloom.learning import Compute, Distillation, Scaling, augment, fit, refresh_batch_norm, train_once
from spinloom.nn import fold_batch_norm, resample
from spinloom.progress import bar
from spinloom.seeding import child_seed, generator
from spinloom.studies.kit.stages import Stages
from spinloom.studies.mtj_deep.measured import Measured
from spinloom.studies.mtj_deep.plan import Plan
from spinloom.studies.mtj_transfer.software import Software

COST_IMAGES = 16
"""Images that the energy of an inference is averaged over."""
MEMORY_IMAGES = 128
"""The batch for which the state kept for backward is counted."""


class Bench:
    """Measures one deep network on one kind of junction."""

    def __init__(
        self,
        software: Software,
        junctions: DeviceSource,
        sets: tuple[ImageSet, ImageSet],
        plan: Plan,
        seed: int,
        stages: Stages,
        compute: Compute,
    ) -> None:
        self.network, self.junctions, self.plan, self.seed = software.network, junctions, plan, seed
        self.train, test = sets
        self.examples = Examples.of(test)
        self._how = plan.tuning(self.train.name, len(self.train), seed).augmentation
        images = augment(self.train.images[: plan.reads], self._how, generator(seed))  # batch norms know no others
        self.unlabelled = Scaling.of(self.train)(images)
        self._stages, self._compute = stages.of(images=len(test), trained_on=len(self.train)), compute

    def measure(self, spread: float) -> Measured:
        """All of it. Raises OutputError if a stage cannot be kept."""
        plan, first = self.plan, self.examples.inputs[:1]
        folded = fold_batch_norm(self.network, first)
        made = {"count": plan.instances, "spread": spread}
        images = {"reads": plan.reads, "augmentation": asdict(self._how)}
        kept = self._stages.get
        nominal = kept(
            "nominal", {"count": plan.noise_seeds}, lambda: self._many(folded, self.junctions.nominal(), "nominal")
        )
        fabricated = kept(
            "fabricated", made, lambda: self._many(folded, self.junctions.fabricated(spread), "fabricated")
        )
        refreshed = kept("refreshed", made | images, lambda: self._refreshed(spread))
        tuned = [self._tuned(spread, number) for number in range(plan.tuned)]
        return Measured(
            self._software("software", self.network),
            self._software("folded", folded),
            Population(tuple(nominal)),
            Population(tuple(fabricated)),
            Population(tuple(refreshed)),
            Population(tuple(before for before, _ in tuned)) if tuned else None,
            Population(tuple(after for _, after in tuned)) if tuned else None,
            backward_memory(self.network, self.unlabelled[:MEMORY_IMAGES]),
            self._cost(folded),
        )

    def _software(self, name: str, network: nn.Module) -> float:
        return float(self._stages.get(name, {}, lambda: accuracy(network, self.examples)))

    def _many(self, network: nn.Module, response: Response, title: str) -> list[float]:
        count = self.plan.noise_seeds if title == "nominal" else self.plan.instances
        with bar(f"{title} junctions") as report:
            hardware = on_devices(network, response, self.examples, self.seed)
            return list(evaluate_instances(hardware, self.examples, count, self.seed, report).accuracies)

    def _instances(self, spread: float) -> tuple[nn.Module, list[int]]:
        """The network with its batch norms on devices, and the seeds of the instances of `fabricated`."""
        source = generator(self.seed)
        seeds = [child_seed(source) for _ in range(max(self.plan.instances, self.plan.tuned))]
        return on_devices(self.network, self.junctions.fabricated(spread), self.examples, self.seed), seeds

    def _refreshed(self, spread: float) -> list[float]:
        hardware, seeds = self._instances(spread)
        found = []
        with bar("batch norms anew") as report:
            for number, seed in enumerate(seeds[: self.plan.instances], 1):
                one = resample(copy.deepcopy(hardware), seed)
                found.append(accuracy(refresh_batch_norm(one, self.unlabelled), self.examples))
                report(number, self.plan.instances, f"{100 * found[-1]:.2f} %")
        return found

    def _tuned(self, spread: float, number: int) -> tuple[float, float]:
        """Accuracy of an instance before and after one pass of training through its own slopes.

        The software network teaches: what is to be learnt is its function on other devices, not the images anew.
        """
        training = self.plan.tuning(self.train.name, len(self.train), self.seed)
        settings = {
            "spread": spread,
            "number": number,
            "teacher": "software",
            **asdict(training),
            **self._compute.identity,
        }

        def compute() -> list[float]:
            hardware, seeds = self._instances(spread)
            resample(hardware, seeds[number])
            before = accuracy(hardware, self.examples)
            path = self._stages.path("tuned", settings, ".safetensors")
            objective = Distillation(copy.deepcopy(self.network))
            run = partial(fit, hardware, self.train, training, objective=objective, compute=self._compute)
            train_once(path, hardware, f"tuning of instance {number + 1}", run)
            return [before, accuracy(hardware, self.examples)]

        before, after = self._stages.get("tuning", settings, compute)
        return before, after

    def _cost(self, network: nn.Module) -> InferenceCost | None:
        if self.junctions.cost is None:
            return None
        response = self.junctions.nominal()
        hardware = on_devices(network, response, self.examples, self.seed)
        inputs = self.examples.first(COST_IMAGES).inputs
        return inference_cost(hardware, inputs, response.unit_drive, self.junctions.cost(None), MAC_ENERGY)
