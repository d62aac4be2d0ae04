"""Nine junctions: four resonators, two oscillators, two resonators, one oscillator."""

from dataclasses import replace

import torch
from torch import nn

from spinloom.nn.radio import (
    Band,
    Imperfections,
    Oscillators,
    RadioNetwork,
    ResonatorChains,
    fabricate,
    plan,
    radio_layers,
)
from spinloom.seeding import Seed

TRANSCONDUCTANCE, BIAS = 3.388e-3, 5e-3
"""A/V and V, amplifier settings: without input an oscillator gets 17 uA, above its threshold of 10 uA."""
CURRENT = 31e-6
"""A; above it, the output oscillator's power says class 1."""
BARRIER = 1_000.0
"""Energy of an oscillator at p = 1 over kB T at 300 K; the default of devices.oscillator."""


class NineJunctions(nn.Module):
    """Powers (batch, 2), uW -> power of the output oscillator, W, (*members, batch).

    core: two chains of two resonators, two oscillators and a chain of two, whose output is its voltage in mV.
    reader: the output oscillator.
    """

    def __init__(self, damping: float, members: tuple[int, ...] = (), seed: int = 0) -> None:
        super().__init__()
        lines = plan("geometric", 2, Band())
        self.core = RadioNetwork(
            [
                ResonatorChains(lines, 2, linewidth=damping, members=members, seed=2 * seed),
                _oscillators(2, members),
                ResonatorChains(lines, 1, linewidth=damping, members=members, seed=2 * seed + 1),
            ]
        )
        self.reader = _oscillators(1, members)
        self.middle = CURRENT / TRANSCONDUCTANCE - BIAS
        """V of the last chain at the threshold between the classes."""
        with torch.no_grad():
            self.threshold = float(self.reader(torch.tensor([self.middle], dtype=torch.float64)))
        """W of the output oscillator at it."""

    def forward(self, powers: torch.Tensor) -> torch.Tensor:
        return self.reader(self.core(powers) / self.core.readout)[..., 0]

    def classes(self, powers: torch.Tensor) -> torch.Tensor:
        """0 or 1, (*members, batch), of one noisy read."""
        return (self(powers) > self.threshold).long()

    def logits(self, voltage: torch.Tensor) -> torch.Tensor:
        """0 and the distance from the threshold in mV, (*members, batch, 2), from what the core gives."""
        distance = voltage - self.core.readout * self.middle
        return torch.cat((torch.zeros_like(distance), distance), -1)

    @property
    def chains(self) -> tuple[ResonatorChains, ...]:
        return tuple(layer for layer in self.core if isinstance(layer, ResonatorChains))


def _oscillators(neurons: int, members: tuple[int, ...]) -> Oscillators:
    return Oscillators(neurons, transconductance=TRANSCONDUCTANCE, bias=BIAS, members=members)


def imperfections(spread: float, temperature: float) -> Imperfections:
    """The same relative spread on everything that can differ, and thermal noise of chains and oscillators."""
    return Imperfections(*(5 * (spread,)), temperature=temperature, power_noise=thermal_fluctuation(temperature))


def thermal_fluctuation(temperature: float, supercriticality: float = 2.5, quality: float = 2.0) -> float:
    """Relative standard deviation of an oscillator's power at an instant.

    sqrt(kB T / E xi (1 + Q)) / (xi - 1), the linearised width of the stationary distribution of p (Tiberkevich, Slavin
    and Kim, Appl. Phys. Lett. 91, 192506 (2007)), E the energy at p = 1. A read that lasts sees less.
    """
    share = temperature / 300.0 / BARRIER
    return (share * supercriticality * (1 + quality)) ** 0.5 / (supercriticality - 1)


def made(network: NineJunctions, given: Imperfections, devices: int, seed: Seed) -> NineJunctions:
    """Fabricate: members are devices x restarts, and all restarts of a device share its factors."""
    fabricate(network, given, seed)
    for layer in radio_layers(network).values():
        for name, factor in layer.named_buffers():
            if name.endswith("_factor"):
                apart = factor.unflatten(0, (devices, -1))
                factor.copy_(apart[:, :1].expand_as(apart).flatten(0, 1))
    return network


def noise(network: NineJunctions, **changed: float) -> None:
    """Set `temperature` (K) or `power_noise` of the reads to come; the devices stay."""
    for layer in radio_layers(network).values():
        layer.imperfections = replace(layer.imperfections, **changed)


def tuning(chains: ResonatorChains) -> torch.Tensor:
    """Shifts that bring the resonances of a fabricated layer, once measured, to where the plan has them."""
    resonance, line = chains.factor("resonance_factor"), chains.factor("input_factor")
    if isinstance(line, torch.Tensor):
        line = line.unsqueeze(-2)  # relative to the lines as they are
    ratio = torch.as_tensor(line / resonance, dtype=chains.shift.dtype)
    return (ratio.log() / chains.step).expand_as(chains.shift)  # f = f_initial exp(step shift)
