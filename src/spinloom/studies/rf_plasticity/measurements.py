"""Every network of the study: trained once, kept in the cache of the run."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from spinloom.data import ImageSet
from spinloom.evaluation import Population
from spinloom.learning import METHODS, Course, Narrowing, accuracies, fit_sparse
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains
from spinloom.progress import bar
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_plasticity.plan import Plan
from spinloom.studies.rf_plasticity.radio import fit_fixed, fit_trained, perceptron, pixel_frequencies

NARROW, PLAIN = "line narrows in training", "device's line from the start"


@dataclass(frozen=True)
class Chains:
    """Frequencies of one trained network, Hz: inputs (pixels,), resonances (chains, resonators)."""

    inputs: torch.Tensor
    resonances: torch.Tensor


@dataclass
class Found:
    """Accuracies by method and number of resonators (or weights of a class), and the sweep over damping."""

    dense: Population
    sparse: dict[str, dict[int, Population]] = field(default_factory=dict)
    fixed: dict[int, Population] = field(default_factory=dict)
    trained: dict[int, Population] = field(default_factory=dict)
    as_many: dict[str, Population] = field(default_factory=dict)
    dampings: dict[str, dict[float, Population]] = field(default_factory=dict)
    maps: dict[str, Chains] = field(default_factory=dict)


class Bench:
    """Trains and measures; results come from `stages` where an earlier run had them."""

    def __init__(self, train: ImageSet, test: ImageSet, size: Plan, band: Band, seed: int, stages: Stages) -> None:
        self.size, self.band, self.stages = size, band, stages
        self.seeds = tuple(range(seed, seed + size.seeds))
        self.classes, self.shape = len(train.classes), train.shape
        # a pixel from 0 to 1 is a power; no mean is taken away, for powers are not negative
        self.x, self.y = train.as_float(normalise=False).flatten(1), train.labels
        self.test_x, self.test_y = test.as_float(normalise=False).flatten(1), test.labels

    @property
    def inputs(self) -> int:
        return self.x.shape[1]

    def software(self, method: str, weights: int) -> Population:
        """A sparse perceptron of so many weights in all; dense, if these are all."""
        size = self.size
        rate = size.dense_rate if weights == self.classes * self.inputs else size.software_rate
        course = Course(size.software_epochs, size.batch, rate, seeds=self.seeds, same_order=True)

        def compute() -> list[float]:
            with bar(f"{method}, {weights} weights") as report:
                network = fit_sparse(method, weights, self.classes, self.x, self.y, course, report=report)
            return accuracies(network, self.test_x, self.test_y).tolist()

        return Population(tuple(self.stages.get("software", {"m": method, "n": weights, **asdict(course)}, compute)))

    def radio(
        self, resonators: int, damping: float, train: bool, narrowing: Narrowing | None = None, epochs: int = 0
    ) -> tuple[Population, Chains]:
        """Chains of so many resonators: accuracies, and the frequencies of the first network."""
        size = replace(self.size, epochs=epochs or self.size.epochs)
        settings: dict[str, Any] = {
            "n": resonators, "damping": damping, "train": train, "band": asdict(self.band), "seeds": self.seeds,
            "narrowing": narrowing and asdict(narrowing), **asdict(size), "resonators": None, "dampings": None,
            "sweep_epochs": None,
        }  # fmt: skip

        def compute() -> dict[str, Any]:
            channels, height, width = self.shape
            frequencies = pixel_frequencies(height, width, channels, self.band)
            network = perceptron(frequencies, self.classes, resonators, damping, self.band, self.seeds, train)
            title = f"{resonators} resonators, {'trained' if train else 'fixed'} inputs"
            with bar(title) as report:
                if train:
                    fit_trained(network, self.x, self.y, size, self.band, self.seeds, narrowing, report)
                else:
                    fit_fixed(network, self.x, self.y, size, self.band, self.seeds, report)
            return {"accuracies": accuracies(network, self.test_x, self.test_y).tolist(), **_frequencies(network)}

        kept = self.stages.get("radio", settings, compute)
        chains = Chains(torch.tensor(kept["inputs"]), torch.tensor(kept["resonances"]))
        return Population(tuple(kept["accuracies"])), chains

    def measure(self, damping: float, fixed_damping: float) -> Found:
        everything = self.classes * self.inputs
        found = Found(self.software("static", everything))
        counts = [n for n in self.size.resonators if n <= self.inputs]
        for n in counts:
            found.trained[n], trained = self.radio(n, damping, True)
            found.fixed[n], fixed = self.radio(n, fixed_damping, False)
            if n == counts[0]:
                found.maps = {"fixed": fixed, "trained": trained}
            for method in METHODS:
                if self.classes * n < everything:
                    found.sparse.setdefault(method, {})[n] = self.software(method, self.classes * n)
        least = self.classes * counts[0] + self.inputs
        found.as_many = {method: self.software(method, min(least, everything)) for method in ("set", "rigl")}
        for one in self.size.dampings:
            for name, narrowing in ((NARROW, Narrowing()), (PLAIN, Narrowing(start=one))):
                found.dampings.setdefault(name, {})[one] = self.radio(
                    counts[0], one, True, narrowing, self.size.sweep_epochs
                )[0]
        return found


def _frequencies(network: RadioNetwork) -> dict[str, Any]:
    layer = network[0]
    assert isinstance(layer, ResonatorChains)
    inputs = layer.input_frequencies().detach()
    first = inputs[0] if inputs.ndim > 1 else inputs
    return {"inputs": first.tolist(), "resonances": layer.resonances()[0].tolist()}
