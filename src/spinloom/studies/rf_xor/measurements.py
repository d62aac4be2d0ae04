"""Everything the study measures, each stage kept on disk as soon as it is done."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from spinloom.evaluation import Population, RadioCost, SweepPoint, radio_cost
from spinloom.progress import bar
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_xor.network import NineJunctions, imperfections, noise, thermal_fluctuation
from spinloom.studies.rf_xor.plan import Plan
from spinloom.studies.rf_xor.points import LAYOUTS, MAIN, Points, best_line, draw, points_of
from spinloom.studies.rf_xor.settings import Settings
from spinloom.studies.rf_xor.spread import SWEEPS, spread_sweep, sweep_points
from spinloom.studies.rf_xor.training import Trained, train

OTHERS = {"starts": 2, "restarts": 2}
"""The other layouts of points are harder to find: this many times as many."""


@dataclass(frozen=True)
class Layout:
    """One layout of seeds: the accuracy of each fabricated device, and of the best line for the same test points.

    temperature, power: accuracies of the same devices read at other temperatures, and with other power noise.
    map: how often the first device says class 1, (pixels, pixels), row by row of the second power.
    """

    name: str
    seed: int
    devices: Population
    line: float
    temperature: tuple[SweepPoint, ...]
    power: tuple[SweepPoint, ...]
    map: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Measured:
    """layouts: of seeds, on the main task. others: other tasks. spread: by way, see SWEEPS. cost: of nine junctions."""

    layouts: tuple[Layout, ...]
    others: tuple[Layout, ...]
    spread: dict[str, tuple[SweepPoint, ...]]
    cost: RadioCost

    @property
    def means(self) -> Population:
        """Mean accuracy of the devices of every layout of seeds."""
        return Population(tuple(layout.devices.mean for layout in self.layouts))


def measure(settings: Settings, plan: Plan, stages: Stages) -> Measured:
    """All of it. Raises OutputError if a stage cannot be kept."""
    seeds = range(settings.seed, settings.seed + plan.seeds)
    layouts = tuple(_layout(MAIN, seed, settings, plan, stages) for seed in seeds)
    harder = replace(
        plan,
        training=replace(
            plan.training,
            starts=OTHERS["starts"] * plan.training.starts,
            restarts=OTHERS["restarts"] * plan.training.restarts,
        ),
    )
    others = tuple(_layout(name, settings.seed, settings, harder, stages) for name in LAYOUTS if name != MAIN)
    spread = {way: spread_sweep(way, settings, plan, stages) for way in SWEEPS}
    cost = radio_cost(NineJunctions(settings.damping), draw(MAIN, plan.points, 0).powers, diameter=settings.diameter)
    return Measured(layouts, others, spread, cost)


def _layout(name: str, seed: int, settings: Settings, plan: Plan, stages: Stages) -> Layout:
    training, test = points_of(name, plan.points, plan.tests, seed)

    def compute() -> dict[str, Any]:
        with bar(f"{name}, seed {seed}") as report:
            given = imperfections(settings.spread, settings.temperature)
            trained = train(training, given, plan.training, plan.devices, seed, damping=settings.damping, report=report)
        return _described(trained, test, settings, plan)

    found = stages.get(name.replace(" ", "-"), {"seed": seed, "plan": plan}, compute)
    return Layout(
        name,
        seed,
        Population(tuple(found["devices"])),
        best_line(test),
        sweep_points(plan.temperatures, found["temperature"]),
        sweep_points(plan.noises, found["power"]),
        tuple(tuple(row) for row in found["map"]),
    )


def _described(trained: Trained, test: Points, settings: Settings, plan: Plan) -> dict[str, Any]:
    """Accuracies of the chosen networks, as made and along the sweeps of noise, and a map of the first."""
    network, usual = trained.network, thermal_fluctuation(settings.temperature)
    found: dict[str, Any] = {"devices": trained.accuracies(test, plan.reads), "temperature": [], "power": []}
    place = torch.linspace(0, 1, plan.pixels)
    plane = torch.cartesian_prod(place, place).flip(-1)  # second power outside, first inside
    with torch.inference_mode():
        said = sum(network.classes(plane)[trained.chosen[0]].float() for _ in range(plan.map_reads))
    found["map"] = (torch.as_tensor(said) / plan.map_reads).view(plan.pixels, plan.pixels).tolist()
    for kelvin in plan.temperatures:
        noise(network, temperature=kelvin, power_noise=thermal_fluctuation(kelvin))
        found["temperature"].append(trained.accuracies(test, plan.reads))
    for level in plan.noises:
        noise(network, temperature=settings.temperature, power_noise=level)
        found["power"].append(trained.accuracies(test, plan.reads))
    noise(network, power_noise=usual)
    return found
