"""Memristors that switch by a voltage beyond a threshold: laws fitted to TiO2, HZO and HfO2 devices.

Law and fits: the code of N. Garg et al., arXiv:2510.25787 (github.com/nikhil-garg/VDSP-Memristors): from the state w,
0 to 1, one pulse of a voltage moves by

    + (1 - w)^exponent (exp(sharpness (raise - threshold)) - 1)      beyond the threshold of raising,
    - w^exponent' (exp(sharpness' (lower - threshold')) - 1)         beyond that of lowering,

primed numbers being unprimed ones times their ratios. Conductances, energies and noise are not among the fits.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom.devices.contract import Memory
from spinloom.devices.parameters import Parameter, known
from spinloom.errors import require_number
from spinloom.magnetism import Quantity, double
from spinloom.seeding import Seed, generator


@dataclass(frozen=True)
class VoltageSwitchingMemory(Memory):
    """A device that a voltage beyond a threshold switches step by step; the defaults are the fit to TiO2.

    exponent, sharpness (1/V), threshold (V): of raising; their ratios: of lowering over raising. window_ratio: most
    over least conductance (fitted). most: S. raising, lowering: V, amplitudes of programming pulses. pulse: s, of one;
    its energy is the Joule heat in the state before. cycle_noise: deviation of the change by a pulse, relative to it.
    read_noise: of one read, of full scale. States are kept.

    All six numbers of the law and `most` spread from device to device. most, the pulses and both noises are assumed.
    """

    exponent: Quantity = 1.6795809
    exponent_ratio: Quantity = 0.9438589
    sharpness: Quantity = 0.6789604
    sharpness_ratio: Quantity = 1.1247973
    threshold: Quantity = 1.4323258
    threshold_ratio: Quantity = 1.0921173
    window_ratio: Quantity = 7.5
    most: Quantity = 100e-6
    raising: Quantity = 1.6
    lowering: Quantity = 1.75
    pulse: Quantity = 100e-9
    cycle_noise: Quantity = 0.05
    read_noise: Quantity = 0.005

    parameters: ClassVar = {
        "exponent": Parameter("", 0.05, 10.0, spread="exponent"),
        "sharpness": Parameter("1/V", 0.05, 20.0, spread="sharpness"),
        "threshold": Parameter("V", 0.02, 10.0, 100.0, ((1e-3, "mV"),), spread="threshold"),
        **{name: Parameter("", 0.1, 10.0, spread=name) for name in ("exponent_ratio", "sharpness_ratio")},
        "threshold_ratio": Parameter("", 0.1, 10.0, spread="threshold_ratio"),
        "window_ratio": Parameter("", 1.0, 1e9),
        "most": Parameter("S", 1e-12, 1.0, spread="most"),
        **{name: Parameter("V", 0.02, 20.0, 100.0, ((1e-3, "mV"),)) for name in ("raising", "lowering")},
        "cycle_noise": Parameter("of a change", 0.0, 1.0, 10.0, ((0.01, "%"),), "non-negative"),
        **known("pulse", "read_noise"),
    }

    @property
    def window(self) -> tuple[Quantity, Quantity]:
        return double(self.most) / double(self.window_ratio), self.most

    @property
    def law(self) -> torch.Tensor:
        """(6, ...): exponents, sharpnesses (1/V) and thresholds (V), of raising and of lowering each."""
        rows = []
        for name in ("exponent", "sharpness", "threshold"):
            first = double(getattr(self, name))
            rows += [first, first * double(getattr(self, f"{name}_ratio"))]
        return torch.stack(torch.broadcast_tensors(*rows))

    def change(self, weight: torch.Tensor, voltage: torch.Tensor) -> torch.Tensor:
        """What one pulse does to a state `weight` (0 to 1) on average, as far as 0 and 1. voltage: V; negative raises.

        The sign is that of plasticity by membrane potentials: the voltage is that of the input neuron.
        """
        up, down, steep, steeper, near, far = self.law
        raised = (1 - weight) ** up * torch.expm1(steep * (-voltage - near).clamp_min(0))
        lowered = weight**down * torch.expm1(steeper * (voltage - far).clamp_min(0))
        return (weight + raised - lowered).clamp(0, 1) - weight

    def weight(self, state: torch.Tensor) -> torch.Tensor:
        """State as the law has it, 0 at the least and 1 at the most conductance."""
        low, high = (double(end) for end in self.window)
        return ((state - low) / (high - low)).clamp(0, 1)

    def mean_change(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        low, high = (double(end) for end in self.window)
        start = weight = self.weight(state)
        voltage = torch.where(events > 0, -double(self.raising), double(self.lowering))
        left = events.abs()
        while bool((left > 0).any()):
            weight = weight + torch.where(left > 0, self.change(weight, voltage), 0.0)
            left = left - 1
        return ((high - low) * (weight - start)).to(state)

    def program(self, state: torch.Tensor, events: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        normal = torch.randn(state.shape, generator=generator(seed), dtype=state.dtype)
        noise = 1 + double(self.cycle_noise).to(state) * normal / events.abs().clamp_min(1).sqrt()
        low, high = (double(end).to(state) for end in self.window)
        return torch.minimum(torch.maximum(state + self.mean_change(state, events) * noise, low), high)

    def read_deviation(self, state: torch.Tensor) -> torch.Tensor:
        low, high = (double(end) for end in self.window)
        return (self.read_noise * (high - low)).to(state).expand(state.shape)

    def retained(self, state: torch.Tensor, time: float) -> torch.Tensor:
        require_number("s", "non-negative", time=time)
        return state.clone()

    def energy(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        voltage = torch.where(events > 0, double(self.raising), double(self.lowering))
        return events.abs() * voltage.square() * state * self.pulse


@dataclass(frozen=True)
class HZOMemory(VoltageSwitchingMemory):
    """Ferroelectric Hf0.5Zr0.5O2: the same law, fitted."""

    exponent: Quantity = 1.0679037
    exponent_ratio: Quantity = 1.5798319
    sharpness: Quantity = 1.1592090
    sharpness_ratio: Quantity = 0.4741463
    threshold: Quantity = 0.4117108
    threshold_ratio: Quantity = 0.9437853
    window_ratio: Quantity = 2.65
    raising: Quantity = 0.5
    lowering: Quantity = 0.6


@dataclass(frozen=True)
class HfO2Memory(VoltageSwitchingMemory):
    """Filamentary HfO2: the same law, fitted; of two exponent ratios in its source, 0.5 (a comment has 0.2)."""

    exponent: Quantity = 1.0172004
    exponent_ratio: Quantity = 0.5
    sharpness: Quantity = 0.9608161
    sharpness_ratio: Quantity = 1.3356519
    threshold: Quantity = 0.8038381
    threshold_ratio: Quantity = 1.0596296
    window_ratio: Quantity = 4.0
    raising: Quantity = 0.95
    lowering: Quantity = 0.95
