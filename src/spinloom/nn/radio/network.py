"""Layers of resonators and oscillators as one network, from data to logits."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from spinloom.errors import require_positive
from spinloom.nn.radio.chains import ResonatorChains
from spinloom.nn.radio.layer import Imperfections, RadioLayer
from spinloom.nn.radio.oscillators import Oscillators
from spinloom.nn.radio.plans import Band, plan
from spinloom.seeding import Seed, child_seed, generator


class RadioNetwork(nn.Sequential):
    """x (batch, inputs) in network units -> logits (*members, batch, chains of the last layer).

    power: what an input of 1 is, W. readout: logits per volt of the last layer, 1/V. The largest logit names the class.
    train_readout: whether the amplification of the last layer is trained too, as one factor exp(`gain`) per member.
    """

    def __init__(
        self, layers: Sequence[nn.Module], *, power: float = 1e-6, readout: float = 1e3, train_readout: bool = False
    ) -> None:
        super().__init__(*layers)
        require_positive("W", power=power)
        require_positive("1/V", readout=readout)
        self.power, self.readout = power, readout
        self.gain: nn.Parameter | None = None
        if train_readout:
            last = list(radio_layers(self).values())[-1]
            self.gain = nn.Parameter(torch.zeros(*last.members, 1, 1))

    def __getitem__(self, index: int | slice) -> nn.Module:
        """A layer, or several as a plain sequence from watts to volts or watts."""
        return nn.Sequential(*list(self)[index]) if isinstance(index, slice) else list(self)[index]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.readout * super().forward(self.power * x)
        return logits if self.gain is None else logits * self.gain.exp()


def multilayer(
    sizes: Sequence[int],
    *,
    plans: Sequence[str] = ("linear", "geometric"),
    band: Band | None = None,
    linewidth: float = 0.01,
    members: tuple[int, ...] = (),
    seed: Seed = 0,
    transconductance: float = 3.388e-3,
    bias: float = 11.08e-3,
    power: float = 1e-6,
    readout: float = 1e3,
) -> RadioNetwork:
    """Fully connected chains with oscillators between them, as in Ross et al. (2023).

    sizes: inputs, hidden layers, classes. plans: of each layer of chains; the oscillators of a layer emit at the
    initial resonances of the next. transconductance, bias: of the oscillators, A/V and V. power, readout: of the
    network.

    Raises InputError for sizes, plans or a band that cannot be.
    """
    band = band or Band()
    source = generator(seed)
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(pairwise(sizes)):
        grid = plan(plans[min(number, len(plans) - 1)], before, band, linewidth)
        if number:
            layers.append(Oscillators(before, transconductance=transconductance, bias=bias, members=members))
        layers.append(ResonatorChains(grid, after, linewidth=linewidth, members=members, seed=child_seed(source)))
    return RadioNetwork(layers, power=power, readout=readout)


def radio_layers(network: nn.Module) -> dict[str, RadioLayer]:
    """The layers of radio-frequency devices by name, in order."""
    return {name: module for name, module in network.named_modules() if isinstance(module, RadioLayer)}


def fabricate(network: nn.Module, imperfections: Imperfections, seed: Seed = 0) -> nn.Module:
    """Draw an instance of every layer; returns the network."""
    source = generator(seed)
    for layer in radio_layers(network).values():
        layer.fabricate(imperfections, child_seed(source))
    return network
