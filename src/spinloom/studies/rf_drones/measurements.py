"""Everything the study measures, each stage kept on disk as soon as it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from spinloom.data import SpectraSet
from spinloom.evaluation import Population
from spinloom.learning import accuracies
from spinloom.nn.radio import Imperfections, RadioNetwork, fabricate
from spinloom.progress import Report, bar
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_drones import networks
from spinloom.studies.rf_drones.plan import Plan
from spinloom.studies.rf_drones.settings import Settings
from spinloom.studies.rf_drones.training import Trained, joined, train
from spinloom.studies.rf_drones.ways import WAYS


@dataclass(frozen=True)
class Measured:
    """Test accuracies of all networks, one number for every seed.

    spintronic, software: without imperfections. deployed: trained so, moved onto devices, by level of spread. noisy:
    read at the temperature. trained: with that spread, by way of training (see `ways`). moved: root mean square shift
    of the first layer's resonators, by number of the input, in linewidths.
    """

    spintronic: Trained
    software: Trained
    deployed: dict[float, Population]
    noisy: Population
    trained: dict[str, dict[float, Population]]
    moved: tuple[float, ...]


class Bench:
    """Trains and tests networks of one size on one set of spectra."""

    def __init__(self, settings: Settings, plan: Plan, sets: tuple[SpectraSet, SpectraSet], stages: Stages) -> None:
        self.settings, self.plan, self.sets, self._stages = settings, plan, sets, stages
        self.sizes = (sets[0].values.shape[1], plan.hidden, len(sets[0].classes))

    def measure(self) -> Measured:
        """All of it. Raises OutputError if a stage cannot be kept."""
        plan = self.plan
        ideal = [self._stage("spintronic", seeds, self._ideal) for seeds in self._groups(plan.seeds)]
        software = [self._stage("software", seeds, self._software) for seeds in self._groups(plan.seeds)]
        deployed = {
            level: Population(tuple(a for part in ideal for a in part["deployed"][number]))
            for number, level in enumerate(plan.levels)
        }
        moved = torch.tensor([part["moved"] for part in ideal]).square().mean(0).sqrt()
        return Measured(
            spintronic=joined([Trained.read(part) for part in ideal]),
            software=joined([Trained.read(part) for part in software]),
            deployed=deployed,
            noisy=Population(tuple(a for part in ideal for a in part["noisy"])),
            trained={way: {level: self._trained_with(way, level) for level in plan.spreads} for way in WAYS},
            moved=tuple(moved.tolist()),
        )

    def _groups(self, count: int) -> list[tuple[int, ...]]:
        first, size = self.settings.seed, self.plan.side_by_side
        seeds = range(first, first + count)
        return [tuple(seeds[at : at + size]) for at in range(0, count, size)]

    def _stage(self, name: str, seeds: tuple[int, ...], compute: Callable[..., Any], **known: Any) -> Any:
        def watched() -> Any:
            level = f" {100 * known['level']:g} %" if "level" in known else ""
            with bar(f"{name}{level}, {len(seeds)} seeds") as report:
                return compute(seeds, report=report, **known)

        return self._stages.get(name, {"seeds": seeds, **known}, watched)

    def _software(self, seeds: tuple[int, ...], report: Report) -> dict[str, Any]:
        course = networks.course(seeds, self.settings, self.settings.software_rate)
        return train(networks.software(self.sizes, seeds), self.sets, course, self.plan.every, report=report)

    def _ideal(self, seeds: tuple[int, ...], report: Report) -> dict[str, Any]:
        """Train without imperfections, then move onto devices of every level."""
        network = networks.spintronic(self.sizes, seeds, self.settings)
        course = networks.course(seeds, self.settings, self.settings.rate)
        found = train(network, self.sets, course, self.plan.every, report=report)
        shift = network[0].get_parameter("shift").detach()
        found["moved"] = (0.5 * shift.square().mean((0, 1)).sqrt()).tolist()  # a shift of 1 is half a linewidth
        found["deployed"] = [self._tested(network, Imperfections.spread(level), seeds) for level in self.plan.levels]
        noise = Imperfections(temperature=self.settings.temperature, bandwidth=self.settings.bandwidth)
        found["noisy"] = self._tested(network, noise, seeds)
        return found

    def _tested(self, network: RadioNetwork, given: Imperfections, seeds: tuple[int, ...]) -> list[float]:
        """Accuracies on such devices, the mean of several instances for every member."""
        test = self.sets[1]
        read = [
            accuracies(fabricate(network, given, seeds[0] + 1_000_003 * turn), test.values, test.labels)
            for turn in range(1, 1 + self.plan.instances)
        ]
        return torch.stack(read).mean(0).tolist()

    def _trained_with(self, way: str, level: float) -> Population:
        groups = self._groups(self.plan.spread_seeds)
        kept = [self._stage(way, seeds, self._with_spread, level=level, way=way) for seeds in groups]
        return Population(tuple(a for part in kept for a in part["accuracies"]))

    def _with_spread(self, seeds: tuple[int, ...], report: Report, level: float, way: str) -> dict[str, Any]:
        """Train with the spread on, every member on its own devices; test on the same devices."""
        network = networks.spintronic(self.sizes, seeds, self.settings)
        fabricate(network, Imperfections.spread(level), seeds[0])
        course = networks.course(seeds, self.settings, self.settings.rate)
        forward = WAYS[way](network, self.settings.measured_to, seeds[0] + 17)
        return train(network, self.sets, course, self.settings.epochs, forward, report)
