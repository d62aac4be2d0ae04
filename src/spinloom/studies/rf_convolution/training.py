"""Networks of both kinds, trained in the same way on the same images."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from torch import nn

from spinloom.data import ImageSet
from spinloom.learning import Training, fit, load_weights, save_weights
from spinloom.progress import bar
from spinloom.studies.mtj_parts.stages import Stages


@dataclass(frozen=True)
class Trained:
    """network: in evaluation mode. losses: mean of every epoch."""

    network: nn.Sequential
    losses: tuple[float, ...]


def trained(kind: str, network: nn.Sequential, train: ImageSet, training: Training, stages: Stages) -> Trained:
    """Train, or take up a training where an earlier run was killed. kind: in words. Raises OutputError."""
    name, settings = kind.replace(" ", "-"), {**asdict(training), "network": str(network), "images": len(train)}
    path = stages.path(name, settings, ".safetensors")
    checkpoint = path.with_suffix(".checkpoint")

    def learn() -> list[float]:
        with bar(f"{kind}, {train.name}, {training.seed}") as report:
            losses = fit(network, train, training, checkpoint, report)
        save_weights(path, network)
        return losses

    losses = stages.get(name, settings, learn) if path.exists() else _anew(stages, name, settings, learn)
    load_weights(network, path)
    checkpoint.unlink(missing_ok=True)
    network.eval()
    return Trained(network, tuple(losses))


def _anew(stages: Stages, name: str, settings: dict[str, object], learn: Callable[[], list[float]]) -> list[float]:
    stages.path(name, settings).unlink(missing_ok=True)  # losses without their weights are of no use
    return list(stages.get(name, settings, learn))
