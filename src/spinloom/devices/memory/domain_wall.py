"""A domain wall in a track under a tunnel junction: few states, written with a large scatter.

After W. A. Misba et al., IEEE Access 10, 84946 (2022) (arXiv:2111.07284): walls in a perpendicular racetrack with
nominally 5, 3 or 2 states, whose positions scatter by thermal motion and disorder. What their walls scatter by is not
open to us; here it is what a wall in our own notched track does at 300 K, see `simulate_position_spread`.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom import units
from spinloom.devices.contract import Memory
from spinloom.devices.parameters import Parameter, known, refuse
from spinloom.errors import require_count, require_number
from spinloom.magnetism import (
    Material,
    Pinning,
    Pulse,
    Quantity,
    SpinOrbit,
    WallTrack,
    double,
    move_walls,
)
from spinloom.seeding import Seed, generator

POSITION_SPREAD = 0.143
"""From `simulate_position_spread(20_000)`, which tests repeat."""
_LENGTH, _PERIOD, _CURRENT, _PULSE = 192e-9, 24e-9, 1e12, 0.28e-9
"""m, of the track and from notch to notch; A/m^2 and s, which push a wall by two notches, a quarter of the track."""


def notched_track(current: float = _CURRENT, pulse: float = _PULSE) -> WallTrack:
    """The track behind the default scatter, without ends: 32 nm x 2 nm, a notch of 4 nm x 8 nm every 24 nm.

    Ms 580 kA/m, damping 0.3, D 0.57 mJ/m^2, width 7.1 nm and barriers of 8.8 kB T at 300 K: those of the wall resolved
    in space (`benchmarks/domain_wall.py`). A spin-orbit pulse of `current` (A/m^2, spin Hall angle 0.2) and `pulse` (s)
    begins after 0.1 ns.
    """
    x = torch.linspace(-_PERIOD / 2, _PERIOD / 2, 49, dtype=torch.float64)
    height = 8.8 * units.KB * units.ROOM_TEMPERATURE
    pinning = Pinning(x, -height / 2 * (2 * torch.pi * x / _PERIOD).cos(), periodic=True)
    torque = SpinOrbit(Pulse(current, 0.1e-9, pulse), 2e-9, 0.2)
    return WallTrack(Material(5.8e5, 0.3), 7.1e-9, 6.1e-17, -4e3, 5.7e-4, pinning=pinning, torques=(torque,))


def simulate_position_spread(walls: int = 2000, temperature: float = units.ROOM_TEMPERATURE, seed: Seed = 0) -> float:
    """Deviation of walls that are pushed along the whole track, in units of it, from one push by a quarter of it.

    Pushes add up like steps of a random walk, so the deviation over a share of the track is that times its square root.
    """
    require_count(least=2, walls=walls)
    start, track = torch.zeros(walls, dtype=torch.float64), notched_track()
    run = move_walls(track, start, math.pi, 0.1e-9 + _PULSE + 0.5e-9, 1e-12, temperature=temperature, seed=seed)
    moved = run.position[-1] / _LENGTH
    return float(moved.std() / moved.mean().sqrt())


@dataclass(frozen=True)
class DomainWallMemory(Memory):
    """A wall whose position is read as a conductance, in `states` equal steps from one end of the track to the other.

    An event is a push to the next state. It ends where it should but for a normal scatter, whose deviation grows with
    the root of the distance, and no wall leaves the track. An attempt to write pushes the wall from where it is to the
    target; where it is near, by `shortest` back and forth.

    states: 5, 3 and 2 are published. position_spread: deviation after a push along the whole track, in units of it.
    shortest: push, in units of the track, one notch of ours. event_energy: J, 1 to 10 fJ (few fJ for the predecessor,
    arXiv:2010.10076); a declared number, not a simulated one. least, most: S, of the junction above the track, with the
    wall at one end and at the other. read_noise: of one read, of full scale (most - least). Walls stay where they are.
    """

    states: int = 5
    position_spread: Quantity = POSITION_SPREAD
    shortest: Quantity = 0.125
    event_energy: Quantity = 3e-15
    least: Quantity = 25e-6
    most: Quantity = 50e-6
    read_noise: Quantity = 0.005

    parameters: ClassVar = {
        "position_spread": Parameter("of the track", 0.0, 1.0, 10.0, ((0.01, "%"),), "non-negative"),
        "shortest": Parameter("of the track", 0.0, 1.0, 1.0),
        "event_energy": Parameter("J", 1e-17, 1e-12, 1e-3, ((1e-15, "fJ"), (1e-12, "pJ"))),
        "least": Parameter("S", 1e-12, 1.0, spread="least"),
        "most": Parameter("S", 1e-12, 1.0, spread="most"),
        **known("read_noise"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(least=2, states=self.states)
        refuse(double(self.least) >= double(self.most), "least must be below most: the window of the memory is empty")

    @property
    def window(self) -> tuple[Quantity, Quantity]:
        return self.least, self.most

    @property
    def levels(self) -> int:
        return self.states

    def position(self, state: torch.Tensor) -> torch.Tensor:
        """Of the wall, 0 to 1 along the track."""
        return (state - double(self.least).to(state)) / self._span(state)

    def mean_change(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        place = self.position(state)
        goal, moves = self._goal(place, events)
        deviation = self._deviation(goal - place).clamp_min(1e-12)
        normal = torch.distributions.Normal(0.0, 1.0)
        low, high = -goal / deviation, (1 - goal) / deviation
        inside = normal.cdf(high) - normal.cdf(low)
        density = (-low.square() / 2).exp() - (-high.square() / 2).exp()
        mean = 1 - normal.cdf(high) + goal * inside + deviation * density / math.sqrt(2 * math.pi)
        return torch.where(moves, mean - place, 0.0) * self._span(state)

    def program(self, state: torch.Tensor, events: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        goal, moves = self._goal(self.position(state), events)
        return torch.where(moves, self._pushed(state, goal, seed), state)

    def attempt(
        self, state: torch.Tensor, target: torch.Tensor, active: torch.Tensor, seed: Seed = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A push to `target` (S) where active, and its events: the states passed, one at least."""
        goal, place = self.position(target), self.position(state)
        events = (goal - place).sign() * ((goal - place).abs() * (self.states - 1)).round().clamp_min(1) * active
        return torch.where(events != 0, self._pushed(state, goal, seed), state), events

    def read_deviation(self, state: torch.Tensor) -> torch.Tensor:
        return (double(self.read_noise).to(state) * self._span(state)).expand(state.shape)

    def retained(self, state: torch.Tensor, time: float) -> torch.Tensor:
        require_number("s", "non-negative", time=time)
        return state

    def energy(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        return events.abs() * double(self.event_energy).to(state)

    def _span(self, state: torch.Tensor) -> torch.Tensor:
        return (double(self.most) - double(self.least)).to(state)

    def _goal(self, place: torch.Tensor, events: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where these events push to, and whether there is a state to go to."""
        last = self.states - 1
        now = (place * last).round()
        then = (now + events).clamp(0, last)
        return then / last, then != now

    def _deviation(self, distance: torch.Tensor) -> torch.Tensor:
        shortest, spread = double(self.shortest).to(distance), double(self.position_spread).to(distance)
        return spread * torch.maximum(distance.abs(), shortest).sqrt()

    def _pushed(self, state: torch.Tensor, goal: torch.Tensor, seed: Seed) -> torch.Tensor:
        noise = torch.randn(
            state.shape, generator=generator(seed, state.device), dtype=state.dtype, device=state.device
        )
        place = (goal + noise * self._deviation(goal - self.position(state))).clamp(0, 1)
        return double(self.least).to(state) + place * self._span(state)
