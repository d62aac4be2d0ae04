"""What every device promises, ours and a user's; `spinloom.testing` has the suites that hold it to that.

A device is a frozen dataclass of parameters in SI units with defaults, numbers or tensors that broadcast.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from inspect import signature
from typing import Any, ClassVar, Self, TypeVar

import torch

from spinloom.devices.parameters import Parameter, Spread, as_spread, require_parameters
from spinloom.devices.response.response import Response
from spinloom.errors import InputError, require_count, unknown_name
from spinloom.magnetism import Quantity, double
from spinloom.seeding import Seed, generator

Made = TypeVar("Made")


@dataclass(frozen=True)
class OperatingCost:
    """Energy and time of one neuron operation: reset, pulse, read.

    drive: (points,), in the unit of the Response it belongs to.
    write_energy: (points,), J, energy of the pulse at each drive.
    reset_energy: J. read_energy: J, one read of the value junction (a gradient read costs as much again).
    cycle_time: s, of one neuron; all of a layer work at once. assumptions: to print beside figures of these numbers.
    """

    drive: torch.Tensor
    write_energy: torch.Tensor
    reset_energy: float
    read_energy: float
    cycle_time: float
    assumptions: tuple[str, ...]


class Design:
    """What all devices have in common: a frozen dataclass with these `parameters`, checked as it is made.

    parameters: by the name of a field: unit, usual range, sign, and whether it spreads.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = {}

    def __post_init__(self) -> None:
        require_parameters(self)

    @classmethod
    def spreads(cls) -> tuple[str, ...]:
        """The names that a `Spread` of this device can give."""
        return tuple(dict.fromkeys(part.spread for part in cls.parameters.values() if part.spread))

    def fabricate(self, devices: int, spread: float | Spread | None = None, seed: Seed = 0) -> Self:
        """`devices` real ones of this design: what spreads has the shape (devices, 1), drawn log-normal.

        Raises InputError for a count below 1 and for a parameter of the spread that does not exist or does not spread.
        """
        require_count(devices=devices)
        sigmas, source = as_spread(spread), generator(seed)
        sigmas.require_known(self.spreads())
        drawn = {}
        for name, part in self.parameters.items():
            if part.spread and (value := getattr(self, name)) is not None:
                drawn[name] = double(value) * sigmas.draw(part.spread, devices, source)
        return replace(self, **drawn)  # type: ignore[type-var]


class Device(Design, ABC):
    """A device that a network uses as its activation: a drive in, value and slope out."""

    @abstractmethod
    def simulate(
        self,
        drive: torch.Tensor | None = None,
        *,
        spread: float | Spread | None = None,
        devices: int = 1,
        temperature: float = 300.0,
        realizations: int | None = None,
        seed: int = 0,
    ) -> Response:
        """The response of `devices` fabricated devices, at `drive` (points,) in its unit, or where the device chooses.

        spread: 0.05 is 5 % of everything that spreads. temperature: K. realizations: thermal runs behind each point;
        a device without thermal motion takes no notice. The same seed gives the same response.
        """

    @abstractmethod
    def cost(self, drive: torch.Tensor | None = None) -> OperatingCost:
        """Energy and time of one operation at `drive` (points,)."""


def require_promises(made: Any, name: str) -> None:
    """Raise InputError, which names the promise, unless `made` is a class that keeps those of a `Device`."""

    def broken(promise: str) -> InputError:
        return InputError(f"device {name!r} breaks a promise: {promise}; see spinloom.devices.Device")

    if not isinstance(made, type) or not is_dataclass(made):
        raise broken("it is a frozen dataclass of its parameters")
    for method in ("simulate", "cost"):
        wanted = signature(getattr(Device, method)).parameters.keys() - {"self"}
        if not callable(getattr(made, method, None)):
            raise broken(f"it has a method `{method}`")
        known = signature(getattr(made, method)).parameters
        for missing in sorted(wanted - known.keys()):
            if not any(part.kind is part.VAR_KEYWORD for part in known.values()):
                raise broken(f"`{method}` takes `{missing}`")
    if not isinstance(getattr(made, "parameters", None), Mapping):
        raise broken("`parameters` maps each parameter to its unit, range and spread")
    for field_name in made.parameters.keys() - {part.name for part in fields(made)}:  # type: ignore[attr-defined]
        raise broken(f"each of its `parameters` is a field, {field_name!r} is none")
    try:
        made()
    except TypeError as error:
        raise broken(f"every parameter has a default ({error})") from error


class Memory(Design, ABC):
    """A device that keeps a weight as a conductance.

    A state is a tensor (..., *shape) of `shape` devices: further variables of a device come first. Where there are
    none it is the conductance itself, S, (*shape). Events are whole numbers of programming pulses, (*shape): positive
    ones raise the conductance, negative ones lower it, 0 leaves a device alone. Parameters of fabricated devices are
    (devices, 1), and so is then the shape of their states.

    window: least and most conductance, S. levels: states between them, None where they are continuous. lowers, raises:
    whether there are pulses of that direction. read_voltage, read_time: V and s, of one read.
    """

    lowers: ClassVar[bool] = True
    raises: ClassVar[bool] = True
    read_voltage: Quantity = 0.1
    read_time: Quantity = 10e-9

    @property
    @abstractmethod
    def window(self) -> tuple[Quantity, Quantity]: ...

    @property
    def levels(self) -> int | None:
        return None

    def targets(self) -> torch.Tensor:
        """(levels,), S, of a memory with levels."""
        low, high = (double(end).mean() for end in self.window)
        return low + (high - low) * torch.linspace(0, 1, self.levels or 2, dtype=torch.float64)

    def fresh(self, shape: Sequence[int], seed: Seed = 0) -> torch.Tensor:
        """The state of new devices: the least conductance, or the most where pulses only lower it."""
        return double(self.window[0 if self.raises else 1]).expand(tuple(shape)).clone()

    def conductance(self, state: torch.Tensor) -> torch.Tensor:
        """S, (*shape), what a read gives on average."""
        return state

    @abstractmethod
    def mean_change(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        """S, (*shape), what these events do to the conductance on average."""

    @abstractmethod
    def program(self, state: torch.Tensor, events: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        """The state after these events, within the window: the mean change and its noise from cycle to cycle."""

    def pair_events(self, events: torch.Tensor) -> torch.Tensor:
        """(2 n, 1), of both devices of pairs for the events of their differences, (n, 1), as far as there are such."""
        both = torch.cat([events, -events])
        return both.clamp(-math.inf if self.lowers else 0.0, math.inf if self.raises else 0.0) + 0.0  # no -0

    def program_pairs(
        self, state: torch.Tensor, events: torch.Tensor, signs: torch.Tensor, seed: Seed = 0
    ) -> tuple[torch.Tensor, int, int, float]:
        """Give pairs of devices their events and compare them: the state, devices pulsed, pulses, and J.

        state: (..., 2 n, 1), the plus devices first. events: (n,), positive ones raise the plus device and lower the
        minus one, as far as there are such pulses. signs: (n,), becomes 1 where the plus device conducts at least as
        well as the minus one, else -1. A memory may change `state` in place.
        """
        told = self.pair_events(events.reshape(-1, 1))
        energy = float(self.energy(state, told).sum())
        after = self.program(state, told, seed)
        plus, minus = self.conductance(after).reshape(-1).tensor_split(2)
        signs.copy_(torch.where(plus >= minus, 1.0, -1.0))
        return after, int(torch.count_nonzero(told)), int(told.abs().sum()), energy

    def attempt(
        self, state: torch.Tensor, target: torch.Tensor, active: torch.Tensor, seed: Seed = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One attempt to write `target` (S) where active, and its events: as many as a first pulse tells, 1 to 1,000.

        Devices that lack pulses of the direction they need get none.
        """
        wanted = target - self.conductance(state)
        sign = wanted.sign() * active
        sign = sign * torch.where(sign > 0, float(self.raises), float(self.lowers))
        each = self.mean_change(state, sign).abs()
        count = torch.where(each > 0, wanted.abs() / each.clamp_min(1e-30), 1.0).round().clamp(1, 1000)
        events = sign * count
        return self.program(state, events, seed), events

    @abstractmethod
    def read_deviation(self, state: torch.Tensor) -> torch.Tensor:
        """S, (*shape), standard deviation of one read."""

    def read(self, state: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        """S, (*shape), one read with its noise."""
        mean, deviation = self.conductance(state), self.read_deviation(state)
        noise = torch.randn(mean.shape, generator=generator(seed, mean.device), dtype=mean.dtype, device=mean.device)
        return mean + noise * deviation

    @abstractmethod
    def retained(self, state: torch.Tensor, time: float) -> torch.Tensor:
        """The state after `time` (s) without events."""

    @abstractmethod
    def energy(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        """J, (*shape), of these events in the state before them; 0 where there is none."""

    def read_energy(self, state: torch.Tensor) -> torch.Tensor:
        """J, (*shape), of one read: Joule heat at the full read voltage."""
        return double(self.read_voltage) ** 2 * self.conductance(state) * self.read_time


def with_parameters(device: Made, assignments: Sequence[str]) -> Made:
    """`device` with `name=value` for each assignment: numbers in SI units, or a word (source=current).

    Nested parameters are written with a dot: barrier.tmr=1.5. Raises InputError for an unknown name, a value that is no
    number where one is needed, and whatever the device itself refuses.
    """
    if isinstance(assignments, str) or not isinstance(assignments, Sequence):
        raise InputError(f"assignments must be a list of texts such as ['diameter=80e-9'], got {assignments!r}")
    for assignment in assignments:
        name, _, text = assignment.partition("=") if isinstance(assignment, str) else ("", "", "")
        if not name or not text:
            raise InputError(f"{assignment!r} is no assignment; write name=value, for example 'diameter=80e-9'")
        device = _assign(device, name.strip(), text.strip())
    return device


def _assign(device: Any, name: str, text: str) -> Any:
    outer, _, inner = name.partition(".")
    plain = [part.name for part in fields(device) if isinstance(getattr(device, part.name), int | float | str | None)]
    nested = [part.name for part in fields(device) if hasattr(getattr(device, part.name), "__dataclass_fields__")]
    if inner and outer in nested:
        return replace(device, **{outer: _assign(getattr(device, outer), inner, text)})
    if name not in plain:
        raise unknown_name("parameter", name, [*plain, *(f"{part}.…" for part in nested)])
    value: float | str = text
    if not isinstance(getattr(device, name), str):
        try:
            value = float(text)
        except ValueError:
            raise InputError(f"{name} must be a number in SI units, got {text!r}") from None
    return replace(device, **{name: value})
