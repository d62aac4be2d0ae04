"""Everything the study measures on one data set, each stage kept on disk as soon as it is done."""

import copy
from dataclasses import asdict, dataclass, replace
from functools import partial

from torch import nn

from spinloom.data import ImageSet
from spinloom.evaluation import Examples, Population, accuracy
from spinloom.learning import fit
from spinloom.nn.radio import Imperfections, fabricate
from spinloom.progress import Report, bar
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_convolution.networks import everywhere, resonant, twin
from spinloom.studies.rf_convolution.plan import Plan
from spinloom.studies.rf_convolution.settings import Settings
from spinloom.studies.rf_convolution.sneaking import Sneaking, sneaking
from spinloom.studies.rf_convolution.training import Trained, trained
from spinloom.studies.rf_convolution.trimming import trim

BATCH = 2_000
"""Images per forward pass: the weights of the parallel layout are made once for all of them."""


@dataclass(frozen=True)
class Spread:
    """Accuracies of fabricated networks: as made, with trimmed resonances, and of the first of these after training
    went on with its own devices."""

    level: float
    made: Population
    trimmed: Population
    retrained: float


@dataclass(frozen=True)
class Measured:
    """One data set. radio, software: accuracies by seed, on the layout asked for. losses: (seeds, epochs).

    few: accuracy of the first network, in the sequential layout, on the images of the sweeps.
    """

    test: ImageSet
    train_images: int
    radio: Population
    software: Population
    radio_losses: tuple[tuple[float, ...], ...]
    software_losses: tuple[tuple[float, ...], ...]
    few: float
    spreads: tuple[Spread, ...]
    sneaks: tuple[Sneaking, ...]
    network: nn.Sequential
    """The first one, of resonators."""


class Bench:
    """Trains and measures on one data set."""

    def __init__(self, train: ImageSet, test: ImageSet, plan: Plan, settings: Settings, stages: Stages) -> None:
        self.train, self.test, self.plan, self.settings, self._stages = train, test, plan, settings, stages
        self.examples = Examples.of(test)
        self._few = self.examples.first(plan.sweep_images)

    def measure(self) -> Measured:
        """All of it. Raises InputError for images too small, OutputError if a stage cannot be kept."""
        radio, software = [], []
        for seed in range(self.settings.seeds or self.plan.seeds):
            radio.append(self._trained("resonators", seed))
            software.append(self._trained("software", seed))
        first = radio[0].network
        return Measured(
            test=self.test,
            train_images=len(self.train),
            radio=Population(tuple(self._accuracy(self._laid_out(one.network)) for one in radio)),
            software=Population(tuple(self._accuracy(one.network) for one in software)),
            radio_losses=tuple(one.losses for one in radio),
            software_losses=tuple(one.losses for one in software),
            few=accuracy(first, self._few, BATCH),
            spreads=tuple(self._spread(first, level) for level in self.settings.spread),
            sneaks=self._sneaks(first),
            network=first,
        )

    def _trained(self, kind: str, seed: int) -> Trained:
        training = self.plan.training(len(self.train), seed)
        channels = self.plan.channels
        if kind == "software":
            network = twin(self.train, channels, seed)
        else:
            network = resonant(self.train, channels, self.settings.damping, seed)
        return trained(kind, network, self.train, training, self._stages)

    def _laid_out(self, network: nn.Sequential) -> nn.Sequential:
        if self.settings.layout == "sequential":
            return network
        return everywhere(network, self._size, self.settings.spacing)

    def _accuracy(self, network: nn.Module) -> float:
        return accuracy(network, self.examples, BATCH)

    def _spread(self, network: nn.Sequential, level: float) -> Spread:
        plan = self.plan
        known = {**asdict(plan), "damping": self.settings.damping, "level": level}

        def compute() -> dict[str, list[float]]:
            with bar(f"spread {100 * level:g} %, {self.test.name}") as report:
                return self._fabricated(network, level, report)

        kept = self._stages.get("spread", known, compute)
        return Spread(level, Population(tuple(kept["made"])), Population(tuple(kept["trimmed"])), *kept["retrained"])

    def _fabricated(self, network: nn.Sequential, level: float, report: Report) -> dict[str, list[float]]:
        instances = self.plan.instances
        found: dict[str, list[float]] = {"made": [], "trimmed": []}
        for seed in range(instances):
            instance = fabricate(copy.deepcopy(network), Imperfections.spread(level), seed)
            found["made"].append(accuracy(instance, self._few, BATCH))
            found["trimmed"].append(accuracy(trim(instance), self._few, BATCH))
            report(seed + 1, instances + 1, "")
        first = trim(fabricate(copy.deepcopy(network), Imperfections.spread(level), 0))
        fit(first, self.train, replace(self.plan.training(len(self.train), 0), epochs=self.plan.retraining))
        report(1, 1, "retrained")
        return {**found, "retrained": [accuracy(first, self._few, BATCH)]}

    def _sneaks(self, network: nn.Sequential) -> tuple[Sneaking, ...]:
        found = []
        with bar(f"parallel layout, {self.test.name}") as report:
            for number, spacing in enumerate(self.plan.spacings, 1):
                known = {**asdict(self.plan), "damping": self.settings.damping, "spacing": spacing}
                kept = self._stages.get("sneak", known, partial(self._sneak, network, spacing))
                found.append(Sneaking(kept["spacing"], tuple(kept["errors"]), kept["accuracy"]))
                report(number, len(self.plan.spacings), f"{spacing:g} linewidths")
        return tuple(found)

    def _sneak(self, network: nn.Sequential, spacing: float) -> dict[str, object]:
        moved = everywhere(network, self._size, spacing)
        errors = sneaking(network, moved)
        return {"spacing": spacing, "errors": errors, "accuracy": accuracy(moved, self._few, BATCH)}

    @property
    def _size(self) -> tuple[int, int]:
        return self.test.shape[1], self.test.shape[2]
