"""Drives: currents, voltages and fields as functions of time.

A drive is `amplitude * waveform(t)`; the amplitude may be a tensor over the batch, t is in seconds. `breakpoints` are
the times at which the waveform jumps or bends: the integrator ends a step there, so that no step straddles an edge.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from spinloom.errors import InputError, require_finite, require_non_negative, require_positive

Quantity = float | torch.Tensor
"""A number, or a tensor that broadcasts over the batch."""
_MOST_BENDS = 32


def double(value: Quantity) -> torch.Tensor:
    """float64, in which parameters are combined whatever the type of the simulation."""
    return torch.as_tensor(value, dtype=torch.float64)


class Drive(ABC):
    """A function of time. Subclasses are frozen dataclasses."""

    amplitude: Quantity

    @abstractmethod
    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        """The shape in time (dimensionless) at `t` (s); broadcasts over the batch."""

    def breakpoints(self) -> tuple[float, ...]:
        return ()

    def __call__(self, t: torch.Tensor) -> torch.Tensor:
        """The drive at times `t` (s), in the unit of its amplitude."""
        return self.amplitude * self.waveform(t)

    def __add__(self, other: "Drive") -> "Sum":
        return Sum((self, other))


@dataclass(frozen=True)
class Constant(Drive):
    """The same value at all times."""

    amplitude: Quantity

    def __post_init__(self) -> None:
        require_finite("", amplitude=self.amplitude)

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(t)


@dataclass(frozen=True)
class Pulse(Drive):
    """A trapezoid: zero, linear rise over `rise`, flat, linear fall that ends at start + length (all s)."""

    amplitude: Quantity
    start: float
    length: float
    rise: float = 0.0

    def __post_init__(self) -> None:
        require_finite("", amplitude=self.amplitude)
        require_non_negative("s", rise=self.rise)
        require_positive("s", length=self.length)
        if 2 * self.rise > self.length:
            raise InputError(f"rise must be at most half the length {self.length:g} s, got {self.rise:g} s")

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        inside = torch.minimum(t - self.start, self.start + self.length - t)
        if self.rise == 0:
            return (inside >= 0).to(t.dtype)
        return (inside / self.rise).clamp(0, 1)

    def breakpoints(self) -> tuple[float, ...]:
        end = self.start + self.length
        return tuple(sorted({self.start, self.start + self.rise, end - self.rise, end}))


@dataclass(frozen=True)
class Sine(Drive):
    """amplitude * sin(2 pi frequency t + phase); frequency in Hz, phase in rad, both may be tensors."""

    amplitude: Quantity
    frequency: Quantity
    phase: Quantity = 0.0

    def __post_init__(self) -> None:
        require_finite("", amplitude=self.amplitude, phase=self.phase)
        require_non_negative("Hz", frequency=self.frequency)

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        return torch.sin(2 * torch.pi * self.frequency * t + self.phase)


@dataclass(frozen=True)
class Sampled(Drive):
    """Linear between samples, held at both ends. times (n,) in s, increasing; values (n,) or (n, *batch)."""

    times: torch.Tensor
    values: torch.Tensor
    amplitude: Quantity = 1.0

    def __post_init__(self) -> None:
        require_finite("", times=self.times, values=self.values)
        if self.times.ndim != 1 or len(self.times) < 2 or len(self.values) != len(self.times):
            raise InputError(
                f"sampled drive needs times (n,) and values (n, ...) with n >= 2, got "
                f"{tuple(self.times.shape)} and {tuple(self.values.shape)}"
            )
        if not bool((self.times.diff() > 0).all()):
            raise InputError("sampled drive: times must increase strictly; sort them and drop repeats")

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        times, values = self.times.to(t).contiguous(), self.values.to(t)
        right = torch.searchsorted(times, t.contiguous()).clamp(1, len(times) - 1)
        left = right - 1
        fraction = ((t - times[left]) / (times[right] - times[left])).clamp(0, 1)
        batch, flat = values.shape[1:], values.reshape(len(times), -1)
        device = torch.arange(batch.numel(), device=t.device).reshape(batch)  # each its own curve
        below, above = flat[left, device], flat[right, device]
        return below + fraction * (above - below)

    def breakpoints(self) -> tuple[float, ...]:
        """The samples of a coarse curve, where it bends; steps may straddle those of a fine one."""
        return tuple(self.times.tolist()) if len(self.times) <= _MOST_BENDS else ()


@dataclass(frozen=True)
class Sum(Drive):
    """Several drives at once."""

    parts: tuple[Drive, ...]
    amplitude: Quantity = 1.0

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        return sum((part(t) for part in self.parts), start=torch.zeros_like(t))

    def breakpoints(self) -> tuple[float, ...]:
        return tuple(sorted({edge for part in self.parts for edge in part.breakpoints()}))


def require_drive(**drives: object) -> None:
    """Raise InputError unless each is a Drive."""
    for name, value in drives.items():
        if not isinstance(value, Drive):
            raise InputError(f"{name} must be a drive such as Constant(1e10) or Pulse(...), got {value!r}")
