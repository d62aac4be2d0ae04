"""Chip in the loop: a network trained in software, tuned in place on one fabricated instance."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from spinloom.evaluation import accuracy, on_devices
from spinloom.studies.mtj_training.plan import tuning_of
from spinloom.studies.mtj_training.training import Trainer


@dataclass(frozen=True)
class Tuned:
    """Accuracies (0..1) of instances, one each: before, as moved; after, tuned through their own slopes.

    software: of the network that was moved. software_tuned: of the same, trained on in software for as long.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    software: float
    software_tuned: float

    def won_back(self) -> tuple[float | None, ...]:
        """Share of the loss that tuning won back, per instance; None where nothing was lost."""
        return tuple(_share(self.software, *pair) for pair in zip(self.before, self.after, strict=True))

    @property
    def mean_won_back(self) -> float | None:
        """Mean gain over mean loss, which an instance that lost little does not upset."""
        return _share(self.software, fmean(self.before), fmean(self.after))

    @property
    def error_won_back(self) -> float | None:
        """Standard error of `mean_won_back`, a ratio of two means (delta method); None for one instance or no loss."""
        share = self.mean_won_back
        if share is None or len(self.before) < 2:
            return None
        pairs = zip(self.before, self.after, strict=True)
        residuals = [after - before - share * (self.software - before) for before, after in pairs]
        return stdev(residuals) / math.sqrt(len(residuals)) / (self.software - fmean(self.before))


def _share(software: float, before: float, after: float) -> float | None:
    return (after - before) / (software - before) if software > before else None


def tuned(trainer: Trainer, weights: Path, software: float, spread: float, seed: int) -> Tuned:
    """Tune `plan.instances` instances, each from the software weights of the file. Raises OutputError."""
    made = [_instance(trainer, weights, spread, seed + number) for number in range(trainer.plan.instances)]
    more = _software(trainer, weights, seed)
    return Tuned(tuple(one["before"] for one in made), tuple(one["after"] for one in made), software, more)


def _instance(trainer: Trainer, weights: Path, spread: float, seed: int) -> dict[str, float]:
    """Read noise is that of the temperature; which device serves which neuron is fixed by the seed."""
    training = tuning_of(trainer.plan, trainer.train, seed)
    junctions = trainer.hardware.junctions
    known: dict[str, Any] = {"network": weights.name, "spread": spread, "junctions": junctions.identity}
    known |= asdict(training)

    def compute() -> dict[str, float]:
        chip = on_devices(trainer.load(weights), junctions.fabricated(spread), trainer.test, seed)
        before = accuracy(chip, trainer.test)
        checkpoint = trainer.stages.path("chip", known, ".checkpoint")
        trainer.fit(chip, training, checkpoint, f"tuning instance {seed}")
        checkpoint.unlink(missing_ok=True)
        return {"before": before, "after": accuracy(chip, trainer.test)}

    return trainer.stages.get("chip", known, compute)


def _software(trainer: Trainer, weights: Path, seed: int) -> float:
    training = tuning_of(trainer.plan, trainer.train, seed)
    known = {"network": weights.name, **asdict(training)}

    def compute() -> float:
        network = trainer.load(weights)
        checkpoint = trainer.stages.path("more", known, ".checkpoint")
        trainer.fit(network, training, checkpoint, "as much more in software")
        checkpoint.unlink(missing_ok=True)
        return accuracy(network, trainer.test)

    return trainer.stages.get("more", known, compute)
