"""What neurons did in one run: their spikes, as events, and the energy that they drew."""

from dataclasses import dataclass
from functools import cached_property

import torch

BEHAVIOURS = ("silent", "single", "tonic", "stochastic", "bursting", "latched")
IRREGULAR = 0.2
"""Coefficient of variation of intervals; a clock has 0, a Poisson process 1."""


@dataclass(frozen=True)
class Trace:
    """time (records,) in s from the start; voltage of the device (V), temperature (K), current through it (A), each
    (records, *batch)."""

    time: torch.Tensor
    voltage: torch.Tensor
    temperature: torch.Tensor
    current: torch.Tensor

    def first_rise(self, level: float) -> torch.Tensor:
        """s at which the current first rises above `level` (A), (*batch), NaN where it does not; differentiable."""
        above = self.current >= level
        last = above.int().argmax(0).clamp_min(1).unsqueeze(0)
        (before, after), (begun, ended) = (
            (part.gather(0, last - 1)[0], part.gather(0, last)[0])
            for part in (self.current, self.time.reshape(-1, *[1] * (above.ndim - 1)).expand(above.shape))
        )
        found = begun + (level - before) / (after - before) * (ended - begun)
        return torch.where(above.any(0), found, torch.nan)


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

    @property
    def behaviour(self) -> list[str]:
        """Of each neuron, flat, a name of `BEHAVIOURS`: how it answered a constant drive (its last state must be the
        one that this run ended in).

        Several spikes are a burst where the silence behind them is thrice the longest interval, irregular where
        intervals vary by `IRREGULAR` or more, else tonic. One spike latches where the device still conducts.
        """
        last = self.times.nan_to_num(0.0).amax(-1) if self.times.shape[-1] else torch.zeros_like(self.energy)
        longest = self.intervals.nan_to_num(0.0).amax(-1) if self.times.shape[-1] > 1 else torch.zeros_like(last)
        ended, irregular = self.duration - last > 3 * longest, self.variation >= IRREGULAR
        kind = torch.where(ended, 4, torch.where(irregular, 3, 2))
        one = torch.where(self.state[3] < 0.5, 5, 1)
        kind = torch.where(self.counts == 0, 0, torch.where(self.counts == 1, one, kind))
        return [BEHAVIOURS[k] for k in kind.reshape(-1).tolist()]

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
