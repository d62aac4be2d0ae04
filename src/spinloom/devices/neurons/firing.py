"""What neurons did in one run: their spikes, as events, and the energy that they drew."""

from dataclasses import dataclass
from functools import cached_property

import torch


@dataclass(frozen=True)
class Trace:
    """time (records,) in s from the start; voltage of the device (V), temperature (K), current through it (A), each
    (records, *batch)."""

    time: torch.Tensor
    voltage: torch.Tensor
    temperature: torch.Tensor
    current: torch.Tensor


@dataclass(frozen=True)
class Firing:
    """Spikes of neurons within `duration` (s).

    state: (5, *batch), from which the next run goes on. counts: (*batch), spikes. times: (*batch, most), s from the
    start, NaN behind the last one; drawn: (*batch, most), J that the source had given up to each. energy: (*batch), J
    that it gave in all. trace: what was asked for, or None.
    """

    state: torch.Tensor
    counts: torch.Tensor
    times: torch.Tensor
    drawn: torch.Tensor
    energy: torch.Tensor
    duration: float
    trace: Trace | None = None

    @property
    def latency(self) -> torch.Tensor:
        """s to the first spike, (*batch), NaN without one."""
        return self.times[..., 0] if self.times.shape[-1] else torch.full_like(self.energy, torch.nan)

    @cached_property
    def intervals(self) -> torch.Tensor:
        """s between spikes, (*batch, most - 1), NaN behind the last one."""
        return self.times.diff(dim=-1)

    @property
    def period(self) -> torch.Tensor:
        """s, mean interval, (*batch), NaN below two spikes."""
        return self.intervals.nanmean(-1)

    @property
    def variation(self) -> torch.Tensor:
        """Standard deviation of the intervals over their mean, (*batch), NaN below two spikes."""
        off = self.intervals - self.period.unsqueeze(-1)
        return off.square().nanmean(-1).sqrt() / self.period

    @property
    def spike_energy(self) -> torch.Tensor:
        """J from the source from one spike to the next, mean, (*batch), NaN below two spikes."""
        return self.drawn.diff(dim=-1).nanmean(-1)
