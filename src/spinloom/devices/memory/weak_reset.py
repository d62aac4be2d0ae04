"""HfOx memories under weak RESET pulses: each pulse raises the resistance a little, and no pulse lowers it.

Model and its numbers: IEEE Trans. Electron Devices 68, 4925 (2021), arXiv 2107.06064, as in the code published with it
(github.com/Atreya95/Learning-with-memory-device-imperfections). After t pulses R = R0 exp(w), and w is the sum of a
mean, telegraph noise and 1/f noise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch

from spinloom.devices.contract import Memory
from spinloom.devices.memory import reset_pulses
from spinloom.devices.parameters import Parameter, Spread, known
from spinloom.errors import InputError, require_count, require_number
from spinloom.magnetism import Quantity, double
from spinloom.seeding import Seed, child_seed, generator

_STREAMS = 2**24
"""Whole numbers up to here are exact in float32."""
_PARALLEL = 1 << 14
"""Devices from which on more cores pay."""
_MOST_PULSES = 2.0**23


class _Law(NamedTuple):
    """A distribution cut off below `low` and above `high`; the log-normal one is the normal one of the logarithm."""

    kind: str
    place: float
    width: float
    low: float
    high: float

    def draw(self, devices: int, source: torch.Generator) -> torch.Tensor:
        """(devices, 1), float32: the inverse of the cumulative distribution at uniform numbers between its ends."""
        uniform = torch.rand(devices, 1, generator=source, dtype=torch.float64)
        ends = torch.tensor([self.low, self.high], dtype=torch.float64)
        ends = ((ends.log() if self.kind == "log-normal" else ends) - self.place) / self.width
        if self.kind == "exponential":
            below, above = -torch.expm1(-ends.clamp_min(0))
            drawn = -torch.log1p(-(below + (above - below) * uniform))
        else:
            below, above = torch.special.ndtr(ends)
            drawn = torch.special.ndtri(below + (above - below) * uniform)
        drawn = self.place + self.width * drawn
        return (drawn.exp() if self.kind == "log-normal" else drawn).clamp(self.low, self.high).float()


LAWS = {
    "early_slope": _Law("exponential", 3.7415768289771944e-05, 0.0006564678011593196, 3.74e-5, 0.0076),
    "knee": _Law("log-normal", math.log(542.5385224079308), 0.8033817700570505, 41.0, 2000.0),
    "offset": _Law("normal", 0.005293141020227579, 0.05320804175540371, -0.15, 0.15),
    "late_slope": _Law("exponential", 0.0, 2.8890516951651312e-05, 0.0, 1.3e-4),
    "resistance": _Law("normal", 6988.0, 381.7, 6252.0, 7897.0),
}
"""From device to device, as fitted to measured ones in the published code."""


@dataclass(frozen=True)
class WeakResetMemory(Memory):
    """A HfOx device that is programmed by weak RESET pulses only: negative events lower its conductance by pulses,
    positive ones do nothing, for the device has no gradual SET.

    resistance: R0 before any pulse, ohm; offset: w there. early_slope, late_slope: growth of w with each pulse before
    and after `knee` pulses. telegraph: amplitude A; the noise is A U1 U2 while high, U1 and U2 uniform in [0, 1), drawn
    anew at each event. rise, fall: probability per pulse that it goes high and low. flicker: weight of the 1/f noise, a
    filter of 15 taps over innovations uniform in [0, 1), one new a pulse. ceiling: ohm, no resistance goes above it.
    voltage, pulse: of a programming pulse, V and s; its energy is the Joule heat V^2 G t before the event. read_noise:
    standard deviation of one read over the conductance.

    cycle_to_cycle: whether there is telegraph and 1/f noise. device_to_device: whether `fabricate` without a spread
    draws the five measured laws `LAWS`; the amplitude of the telegraph, uniform up to twice its nominal value, belongs
    to the noise and is drawn in any case.

    State (3, *shape), float32: pulses so far; number of the stream of innovations, from 1, negative while the telegraph
    is high; ln of the resistance over 1 ohm, telegraph and 1/f noise included. The innovations of a device are a hash
    of its stream and of the pulse's number, so that the filter is exact although nothing of its past is kept; two of
    many devices may have one stream.

    Own choices: the filter has run before the first pulse (in the published code it begins empty, which raises new
    devices by 5 % over their first 15 pulses), and the telegraph's value is drawn at a device's own events (there: at
    each step of the optimiser). Assumed, as the paper's text was not open to us: ceiling, voltage, pulse, read_noise,
    read voltage and time, and that a state keeps for ever. Beyond 10,000 pulses the mean is extrapolated. Without
    gradients.
    """

    resistance: Quantity = 6988.0
    offset: Quantity = 0.005293
    early_slope: Quantity = 6.939e-4
    late_slope: Quantity = 2.889e-5
    knee: Quantity = 542.5
    telegraph: Quantity = 0.25
    rise: float = 8e-4
    fall: float = 2e-3
    flicker: float = 0.025
    ceiling: float = 1e9
    voltage: Quantity = 1.0
    pulse: Quantity = 1e-6
    read_noise: Quantity = 0.01
    cycle_to_cycle: bool = True
    device_to_device: bool = True

    raises: ClassVar[bool] = False
    parameters: ClassVar = {
        "resistance": Parameter("ohm", 1.0, 1e9, 1e12, ((1e3, "kohm"),), spread="resistance"),
        "offset": Parameter("", 0.0, 1.0, 10.0, sign="any", spread="offset"),
        "early_slope": Parameter("per pulse", 1e-7, 0.1, 10.0, spread="early_slope"),
        "late_slope": Parameter("per pulse", 0.0, 0.1, 10.0, sign="non-negative", spread="late_slope"),
        "knee": Parameter("pulses", 1.0, 1e6, spread="knee"),
        "telegraph": Parameter("", 0.0, 1.0, 10.0, sign="non-negative", spread="telegraph"),
        "rise": Parameter("per pulse", 0.0, 0.1, 0.4, sign="non-negative", single=True),
        "fall": Parameter("per pulse", 0.0, 0.1, 0.4, single=True),
        "flicker": Parameter("", 0.0, 0.5, 10.0, sign="non-negative", single=True),
        "ceiling": Parameter("ohm", 1e4, 1e15, 1e30, single=True),
        "voltage": Parameter("V", 1e-3, 20.0),
        **known("pulse"),
        "read_noise": Parameter("of the conductance", 0.0, 0.5, 10.0, sign="non-negative"),
    }

    def fabricate(self, devices: int, spread: float | Spread | None = None, seed: Seed = 0) -> Self:
        """`devices` real ones, parameters (devices, 1). A spread that is given takes the place of the measured laws.

        Raises InputError for a count below 1 and for a parameter of the spread that does not exist.
        """
        require_count(devices=devices)
        source = generator(seed)
        if spread is not None:
            return super().fabricate(devices, spread, source)
        nominal = {name: double(getattr(self, name)).float().expand(devices, 1).contiguous() for name in LAWS}
        drawn = {name: law.draw(devices, source) for name, law in LAWS.items()} if self.device_to_device else nominal
        amplitude = 2 * torch.rand(devices, 1, generator=source) * double(self.telegraph).float()
        return replace(self, **{**drawn, "telegraph": amplitude})  # type: ignore[arg-type]

    @property
    def window(self) -> tuple[Quantity, Quantity]:
        return 1 / self.ceiling, torch.exp(-self._first)

    def fresh(self, shape: Sequence[int], seed: Seed = 0) -> torch.Tensor:
        """(3, *shape): no pulse yet, the telegraph low, the 1/f noise as it is on average over all times."""
        source = generator(seed)
        state = torch.from_numpy(np.empty((3, *shape), np.float32))
        state[0], state[2] = -1.0, self._first.float()
        state[1] = torch.randint(1, _STREAMS, tuple(shape), generator=source)
        self._give(state, torch.full(tuple(shape), -1.0), 1, child_seed(source), share=0.0)
        return state

    def conductance(self, state: torch.Tensor) -> torch.Tensor:
        return torch.exp(-state[2].double())

    def mean_change(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        """S, (*shape), what these events do to the conductance on average: the mean of w moves, its noise stays."""
        moved = self._mean(state[0] + (-events).clamp_min(0)) - self._mean(state[0])
        return self.conductance(state) * torch.expm1(-moved)

    def program(self, state: torch.Tensor, events: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        """The state after these events; see the class for what is drawn from the seed and what from the stream."""
        after = state.to("cpu", torch.float32, copy=True).contiguous()
        self._give(after, events.clamp_max(0), 1, seed)
        return after.to(state)

    def program_pairs(
        self, state: torch.Tensor, events: torch.Tensor, signs: torch.Tensor, seed: Seed = 0
    ) -> tuple[torch.Tensor, int, int, float]:
        """As `Memory.program_pairs`, in one pass; a state in float32 on the CPU is changed in place.

        A positive event raises the resistance of the minus device, so that the plus one conducts better; events are
        rounded here.
        """
        ours = state.to("cpu", torch.float32).contiguous()
        held = signs if signs.dtype == torch.float32 and signs.is_contiguous() else torch.empty(signs.shape)
        sums = self._give(ours, events, 2, seed, held.cpu())
        if held is not signs:
            signs.copy_(held)
        pulsed, pulses, flow = sums.sum(0)
        heat = float(double(self.voltage).square().mean() * double(self.pulse).mean()) * float(flow)
        return ours.to(state), int(pulsed), int(pulses), heat

    def attempt(
        self, state: torch.Tensor, target: torch.Tensor, active: torch.Tensor, seed: Seed = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One attempt to lower the conductance to `target` (S) where active: the pulses that the mean needs, 1 to
        10,000; devices that are below it get none."""
        here, knee = state[0].double(), double(self.knee)
        wanted = self._mean(here) + (self.conductance(state).log() - target.log()).clamp_min(0) - self._first
        bend = double(self.early_slope) * knee
        late = knee + (wanted - bend) / double(self.late_slope).clamp_min(1e-30)
        count = torch.where(wanted < bend, wanted / double(self.early_slope), late) - here
        events = -(count.round().clamp(1, 10_000) * active * (self.conductance(state) > target)).to(state)
        return self.program(state, events, seed), events

    def read_deviation(self, state: torch.Tensor) -> torch.Tensor:
        return self.conductance(state) * double(self.read_noise)

    def retained(self, state: torch.Tensor, time: float) -> torch.Tensor:
        require_number("s", "non-negative", time=time)
        return state

    def energy(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        return (-events).clamp_min(0) * double(self.voltage).square() * self.conductance(state) * double(self.pulse)

    @cached_property
    def _first(self) -> torch.Tensor:
        """ln of the resistance before any pulse, without noise."""
        return double(self.resistance).log() + double(self.offset)

    def _mean(self, pulses: torch.Tensor) -> torch.Tensor:
        """ln of the resistance after these pulses, without noise."""
        pulses, knee = pulses.double(), double(self.knee)
        early, late = torch.minimum(pulses, knee), (pulses - knee).clamp_min(0)
        return self._first + double(self.early_slope) * early + double(self.late_slope) * late

    def _give(
        self,
        state: torch.Tensor,
        events: torch.Tensor,
        sides: int,
        seed: Seed,
        signs: torch.Tensor | None = None,
        share: float | None = None,
    ) -> np.ndarray:
        """Pulses in place, into (3, *shape) on the CPU: see `reset_pulses`. Returns its sums. share: of high states."""
        told = events.detach().to("cpu", torch.float32).reshape(-1).contiguous().numpy()
        if state[0].numel() != sides * told.size:
            raise InputError(f"{told.size} events do not fit a state of {state[0].numel()} devices; give one for each")
        packed, least, step = self._packed(sides, told.size)
        sums = np.zeros((len(packed) // reset_pulses.BLOCKS, 3))
        share = self.rise / (self.rise + self.fall) if share is None else share
        chain = np.array([share, math.log1p(-self.rise - self.fall)], np.float32)
        noise = np.array([self.flicker, 1.0] if self.cycle_to_cycle else [0.0, 0.0], np.float32)
        word = np.uint32(child_seed(generator(seed)) % 2**32)
        none = np.empty(0, np.float32)
        compared = none if signs is None else signs.reshape(-1).numpy()
        rest = (np.float32(math.log(self.ceiling)), word, reset_pulses.GOLDEN, np.float32(_MOST_PULSES), compared, sums)
        several = told.size >= _PARALLEL and torch.get_num_threads() > 1
        rows = state.view(3, sides, -1).numpy()
        reset_pulses.pulse[several](told, rows, packed, least, step, chain, noise, *rest)
        return sums

    def _packed(self, sides: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if (sides, count) not in self._packs:
            self._packs.clear()
            names = ("early_slope", "late_slope", "knee", "telegraph")
            given = [self._first, *(double(getattr(self, name)) for name in names)]
            rows = [value.detach().cpu().float().reshape(-1).expand(sides * count) for value in given]
            found = reset_pulses.pack(torch.stack(rows).view(5, sides, count).numpy())
            self._packs[sides, count] = found
        return self._packs[sides, count]

    @cached_property
    def _packs(self) -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Parameters as the loops read them, of the last shape."""
        return {}
