"""Everything the study measures, each student kept on disk as soon as it is done."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from spinloom.data import ImageSet
from spinloom.devices import DeviceSource
from spinloom.evaluation import Examples, Population, accuracy, evaluate_instances, on_devices
from spinloom.learning import Distillation, FreshInstances, Labels, Objective, count_parameters, fit
from spinloom.progress import bar
from spinloom.studies.mtj_distillation.networks import require_quarter, student
from spinloom.studies.mtj_distillation.plan import Plan
from spinloom.studies.mtj_distillation.settings import Settings
from spinloom.studies.mtj_parts.stages import Stages

WAYS = ("labels", "teacher")


@dataclass(frozen=True)
class Pairs:
    """Students that saw so many images. accuracies, losses: by way, one entry per seed (of losses: one per epoch)."""

    images: int
    accuracies: dict[str, tuple[float, ...]]
    losses: dict[str, tuple[tuple[float, ...], ...]]

    @property
    def gain(self) -> Population:
        """What the teacher adds, seed by seed."""
        alone, taught = (self.accuracies[way] for way in WAYS)
        return Population(tuple(b - a for a, b in zip(alone, taught, strict=True)))


@dataclass(frozen=True)
class Measured:
    """teacher: its accuracy in software. pairs: one entry per number of images. parameters: of teacher and student."""

    teacher: float
    pairs: tuple[Pairs, ...]
    parameters: tuple[int, int]


class Bench:
    """Trains students of one teacher on one kind of junction."""

    def __init__(
        self,
        teacher: nn.Module,
        junctions: DeviceSource,
        sets: tuple[ImageSet, ImageSet],
        plan: Plan,
        settings: Settings,
        stages: Stages,
    ) -> None:
        self.teacher, self.junctions, self.plan, self.settings = teacher, junctions, plan, settings
        self.train, test = sets
        self.examples = Examples.of(test)
        self._stages = stages.of(drawn_from=len(self.train))

    def measure(self) -> Measured:
        """All of it. Raises OutputError if a stage cannot be kept."""
        small = student(self.train, self.plan, self.settings.seed)
        require_quarter(self.teacher, small)
        return Measured(
            float(self._stages.get("teacher", self._sizes(self.train), lambda: accuracy(self.teacher, self.examples))),
            tuple(self._pairs(count) for count in self.plan.images),
            (count_parameters(self.teacher), count_parameters(small)),
        )

    def _pairs(self, count: int) -> Pairs:
        images = self.train.take(count, self.settings.seed)
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for number in range(self.plan.seeds):
            for way in WAYS:
                runs[way].append(self._student(way, self.settings.seed + number, images))
        return Pairs(
            len(images),
            {way: tuple(run["accuracy"] for run in done) for way, done in runs.items()},
            {way: tuple(tuple(run["losses"]) for run in done) for way, done in runs.items()},
        )

    def _sizes(self, train: ImageSet) -> dict[str, Any]:
        return {"images": len(self.examples), "trained_on": len(train)}

    def _student(self, way: str, seed: int, train: ImageSet) -> dict[str, Any]:
        training = self.plan.learning(train, seed)
        chosen = self.settings
        kept = {
            "way": way,
            "spread": chosen.spread,
            "aware": chosen.noise_aware,
            **asdict(training),
            **self._sizes(train),
        }
        kept |= {"student": repr(student(self.train, self.plan, seed))}
        if chosen.noise_aware:
            kept |= {"measured_on": self.plan.fresh}
        if way == "teacher":
            kept |= {"temperature": chosen.temperature, "mixing": chosen.mixing}
        return self._stages.get("student", kept, self._learn(way, seed, train, kept))

    def _learn(self, way: str, seed: int, train: ImageSet, kept: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        def compute() -> dict[str, Any]:
            response = self.junctions.fabricated(self.settings.spread)
            hardware = on_devices(student(self.train, self.plan, seed), response, self.examples, seed)
            checkpoint = self._stages.path("student", kept, ".checkpoint")
            with bar(f"{len(train):,} images, seed {seed}, {way}") as report:
                losses = fit(
                    hardware,
                    train,
                    self.plan.learning(train, seed),
                    checkpoint,
                    report,
                    objective=self._objective(way),
                    before_step=FreshInstances(seed=seed) if self.settings.noise_aware else None,
                )
            found = self._accuracy(hardware, seed)
            checkpoint.unlink(missing_ok=True)
            return {"accuracy": found, "losses": losses}

        return compute

    def _objective(self, way: str) -> Objective:
        if way == "labels":
            return Labels()
        return Distillation(self.teacher, self.settings.temperature, self.settings.mixing)

    def _accuracy(self, hardware: nn.Module, seed: int) -> float:
        """On the devices it was trained on; a noise-aware student on others, averaged."""
        if not self.settings.noise_aware:
            return accuracy(hardware, self.examples)
        with torch.no_grad():
            return evaluate_instances(hardware, self.examples, self.plan.fresh, seed + 1_000_000).mean
