"""One network of one way and seed: trained once, kept with its weights, gone on with where a run was killed."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from spinloom.data import ImageSet
from spinloom.evaluation import Examples, accuracy
from spinloom.learning import Compute, Training, fashion_cnn, fit, is_whole, keep, load_weights
from spinloom.progress import bar
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.mtj_training.plan import Plan, training_of
from spinloom.studies.mtj_training.ways import SHORT, Hardware


@dataclass(frozen=True)
class Trained:
    """losses: mean of each epoch. accuracy: 0..1, all test images, on the devices it was trained on. weights: file."""

    losses: tuple[float, ...]
    accuracy: float
    weights: Path


class Trainer:
    """Trains and measures; results come from `stages` where an earlier run had them."""

    def __init__(
        self, train: ImageSet, test: ImageSet, plan: Plan, hardware: Hardware, stages: Stages, compute: Compute
    ) -> None:
        self.train, self.plan, self.hardware, self.stages, self._compute = train, plan, hardware, stages, compute
        self.test = Examples.of(test)

    def start(self, seed: int) -> nn.Sequential:
        """The network before any training; the same for every way."""
        return fashion_cnn(self.train.shape, len(self.train.classes), self.plan.channels, self.plan.hidden, 0.0, seed)

    def load(self, weights: Path) -> nn.Sequential:
        """A network with these weights, in software."""
        network = self.start(0)
        load_weights(network, weights)
        return network

    def trained(self, way: str, seed: int) -> Trained:
        """Raises OutputError if it cannot be kept."""
        training = training_of(self.plan, self.train, seed)
        settings = {**asdict(training), **self.size(), **self.hardware.settings(way)}
        weights = self.stages.path(way, settings, ".safetensors")

        def compute() -> dict[str, Any]:
            network = self.hardware.place(self.start(seed), way, self.test, seed)
            losses = self.fit(network, training, weights.with_suffix(".checkpoint"), f"{SHORT[way]}, seed {seed}")
            plain = self.start(seed)
            plain.load_state_dict(dict(network.named_parameters()))  # devices are fabricated again from the seed
            keep(weights, plain)
            return {"losses": losses, "accuracy": accuracy(network, self.test)}

        if not is_whole(weights):
            self.stages.path(way, settings).unlink(missing_ok=True)
        kept = self.stages.get(way, settings, compute)
        weights.with_suffix(".checkpoint").unlink(missing_ok=True)
        return Trained(tuple(kept["losses"]), kept["accuracy"], weights)

    def fit(self, network: nn.Module, training: Training, checkpoint: Path, title: str) -> list[float]:
        """Train in place; the network comes back to the CPU."""
        with bar(title) as report:
            losses = fit(network, self.train, training, checkpoint, report, compute=self._compute)
        network.cpu()
        return losses

    def size(self) -> dict[str, Any]:
        """What the network itself depends on."""
        return {"channels": self.plan.channels, "hidden": self.plan.hidden}
