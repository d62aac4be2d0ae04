"""A memory whose every programming pulse moves the conductance by one step: the reference that others are held to."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom.devices.contract import Memory
from spinloom.devices.parameters import Parameter, known, refuse
from spinloom.errors import require_count, require_number
from spinloom.magnetism import Quantity, double
from spinloom.seeding import Seed, generator


@dataclass(frozen=True)
class LinearMemory(Memory):
    """An ideal analog synapse with noise added to it.

    least, most: conductance of the lowest and the highest state, S. steps: events from one to the other.
    cycle_noise: standard deviation of one event, in steps. read_noise: of one read, of full scale (most - least).
    retention: time constant in s with which a state relaxes to the least one; None keeps it for ever.
    voltage, pulse: of a programming event, V and s; its energy is the Joule heat V^2 G t in the state before.

    Its numbers are round ones and stand for no published device. Differentiable in every parameter.
    """

    least: Quantity = 1e-6
    most: Quantity = 10e-6
    steps: int = 100
    cycle_noise: Quantity = 0.3
    read_noise: Quantity = 0.01
    retention: Quantity | None = None
    voltage: Quantity = 1.0
    pulse: Quantity = 10e-9

    parameters: ClassVar = {
        "least": Parameter("S", 1e-12, 1.0, spread="least"),
        "most": Parameter("S", 1e-12, 1.0, spread="most"),
        "cycle_noise": Parameter("steps", sign="non-negative"),
        **known("read_noise"),
        "retention": Parameter("s"),
        "voltage": Parameter("V", 1e-3, 20.0),
        **known("pulse"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(steps=self.steps)
        refuse(double(self.least) >= double(self.most), "least must be below most: the window of the memory is empty")

    @property
    def window(self) -> tuple[Quantity, Quantity]:
        return self.least, self.most

    @property
    def step(self) -> torch.Tensor:
        """S, of one event."""
        return (double(self.most) - double(self.least)) / self.steps

    def mean_change(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        return self._kept(state + events * self.step) - state

    def program(self, state: torch.Tensor, events: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        normal = torch.randn(state.shape, generator=generator(seed), dtype=state.dtype)
        noise = normal * events.abs().sqrt() * self.step * self.cycle_noise
        return self._kept(state + events * self.step + noise)

    def read_deviation(self, state: torch.Tensor) -> torch.Tensor:
        return (self.read_noise * (double(self.most) - double(self.least))).to(state).expand(state.shape)

    def retained(self, state: torch.Tensor, time: float) -> torch.Tensor:
        require_number("s", "non-negative", time=time)
        left = 1.0 if self.retention is None else (-time / double(self.retention)).exp()
        return double(self.least) + (state - double(self.least)) * left

    def energy(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        return events.abs() * double(self.voltage).square() * state * self.pulse

    def _kept(self, state: torch.Tensor) -> torch.Tensor:
        return torch.minimum(torch.maximum(state, double(self.least).to(state)), double(self.most).to(state))
