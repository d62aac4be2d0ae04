"""Nine junctions: four resonators, two oscillators, two resonators, one oscillator."""

import torch
from torch import nn

from spinloom.nn.radio.chains import ResonatorChains
from spinloom.nn.radio.network import RadioNetwork
from spinloom.nn.radio.oscillators import Oscillators
from spinloom.nn.radio.plans import Band, plan


class NineJunctions(nn.Module):
    """Powers (batch, 2), uW -> power of the output oscillator, W, (*members, batch).

    A reading of the network of Ross et al., Nature Nanotechnology 18, 1273 (2023), whose wiring was not open to us.
    core: two chains of two resonators, two oscillators and a chain of two, whose output is its voltage in mV.
    reader: the output oscillator; above `current` (A) its power says class 1. linewidth: half, over the frequency.
    transconductance, bias: A/V and V, amplifier settings: without input an oscillator gets 17 uA, above its threshold
    of 10 uA.
    """

    def __init__(
        self,
        linewidth: float,
        members: tuple[int, ...] = (),
        seed: int = 0,
        *,
        transconductance: float = 3.388e-3,
        bias: float = 5e-3,
        current: float = 31e-6,
    ) -> None:
        super().__init__()
        lines = plan("geometric", 2, Band())

        def chains(count: int, seed: int) -> ResonatorChains:
            return ResonatorChains(lines, count, linewidth=linewidth, members=members, seed=seed)

        def oscillators(count: int) -> Oscillators:
            return Oscillators(count, transconductance=transconductance, bias=bias, members=members)

        self.core = RadioNetwork([chains(2, 2 * seed), oscillators(2), chains(1, 2 * seed + 1)])
        self.reader = oscillators(1)
        self.middle = current / transconductance - bias
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
