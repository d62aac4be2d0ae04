"""Layers of resonators and oscillators as one network, and its training through a twin: what one knows of devices."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call

from spinloom.errors import require_non_negative, require_positive
from spinloom.nn.hardware import planned, switched
from spinloom.nn.radio.chains import ChainLayer, ResonatorChains
from spinloom.nn.radio.layer import Band, Imperfections, RadioLayer, factors, plan
from spinloom.nn.radio.oscillators import BIAS, TRANSCONDUCTANCE, Oscillators
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

    def forward(self, x: Tensor) -> Tensor:
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
    transconductance: float = TRANSCONDUCTANCE,
    bias: float = BIAS,
    power: float = 1e-6,
    readout: float = 1e3,
) -> RadioNetwork:
    """Fully connected chains with oscillators between them, as in Ross et al. (2023).

    sizes: inputs, hidden layers, classes. plans: of each layer of chains; the oscillators of a layer emit at the
    initial resonances of the next. transconductance, bias: of the oscillators, A/V and V.

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


def through_twin(network: nn.Module, x: Tensor) -> Tensor:
    """Output of the fabricated network with the gradient of its ideal twin (physics-aware training).

    The loss sees what the imperfect devices give; the gradient flows through the same parameters without imperfections.
    """
    return _through(network, x, {}, spread=False, read_noise=False)


def _through(network: nn.Module, x: Tensor, twin: dict[str, Tensor], **switches: bool) -> Tensor:
    """The value of the devices, the gradient of a twin: the network with these tensors and switches."""
    with torch.no_grad():
        made = network(x)
    with switched(network, **switches):
        out = functional_call(network, twin, (x,))
    return out + (made - out).detach()


class MeasuredTwin:
    """As `through_twin`, with a twin that has the devices as they were measured, once, before training.

    Every factor that fabrication drew (frequencies, powers, linewidths, sensitivities) is measured with the same
    relative error. A sweep of each resonator and of each oscillator gives the frequencies; they are trained in the
    twin and on the devices alike from there on. Where the spread is about the linewidth, slopes of an ideal twin stand
    in the wrong places; those of a twin that is measured well within the linewidth do not.

    error: relative standard deviation of one measurement. Fabricate the network first: another instance needs another
    measurement. Raises InputError for an error that cannot be.
    """

    def __init__(self, network: nn.Module, error: float, seed: Seed = 0) -> None:
        require_non_negative("", error=error)
        source = generator(seed)
        self._measured = {
            f"{place}.{name}".lstrip("."): factor * factors(factor.shape, error, source, factor.dtype).to(factor.device)
            for place, layer in radio_layers(network).items()
            for name, factor in layer.drawn().items()
            if factor is not None
        }

    def __call__(self, network: nn.Module, x: Tensor) -> Tensor:
        """x (batch, inputs) -> value of the devices, gradient of the twin, (*members, batch, outputs)."""
        return _through(network, x, self._measured, read_noise=False)


def through_layers(network: nn.Module, x: Tensor, wider: float = 3.0) -> Tensor:
    """Every layer's output from the devices, its gradient from the ideal twin of that layer at the measured input.

    In `through_twin` only the outputs of the whole network are measured, and the twin's hidden powers are its own; here
    the powers and voltages between the layers are measured too. The lines of the twin are `wider` than those of the
    devices: with a spread about as large as the half linewidth, a twin of the same width has its slopes in the wrong
    places, and a wider one still knows the way.
    """
    assert isinstance(network, RadioNetwork)
    state = network.power * x
    for layer in radio_layers(network).values():
        with torch.no_grad():
            made = layer(state)
        own = {"linewidth": layer.linewidth} if isinstance(layer, ResonatorChains) else {}
        try:
            vars(layer).update({name: wider * value for name, value in own.items()})
            with planned(layer):
                twin = layer(state)
        finally:
            vars(layer).update(own)
        state = made + (twin - twin.detach())  # the value of the devices to the last bit
    return network.readout * state


def tuning(layer: ChainLayer) -> Tensor:
    """Shifts that move every resonance to its planned ratio to the frequency that its own input really has.

    Of the layer as it was fabricated, shaped like its `shift`; sequential, with a resonator for every input.
    """
    made, emitted = (torch.as_tensor(layer.factor(name)) for name in ("resonance_factor", "input_factor"))
    made = made.view_as(layer.shift) if made.ndim else made
    emitted = emitted.unsqueeze(-2) if emitted.ndim else emitted
    # f = f_initial exp(step shift)
    return ((emitted / made).to(layer.shift.dtype).log() / layer.step).expand_as(layer.shift)


def retune(network: nn.Module) -> nn.Module:
    """Add their `tuning` to the shifts of all layers, which hold the weights too; returns the network.

    What is left are oscillator powers, and tails: inputs are no longer evenly spaced.
    """
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, ChainLayer):
                layer.shift.add_(tuning(layer))
    return network


class NineJunctions(nn.Module):
    """Powers (batch, 2), uW -> power of the output oscillator, W, (*members, batch).

    A reading of the network of Ross et al., Nature Nanotechnology 18, 1273 (2023), whose wiring was not open to us.
    core: two chains of two resonators, two oscillators and a chain of two, whose output is its voltage in mV.
    reader: the output oscillator; above `current` (A) its power says class 1. linewidth: half, over the frequency.
    transconductance, bias: A/V and V, of amplifiers: without input an oscillator gets 17 uA, 7 above its threshold.
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
        chains = partial(ResonatorChains, plan("geometric", 2, Band()), linewidth=linewidth, members=members)
        oscillators = partial(Oscillators, transconductance=transconductance, bias=bias, members=members)
        self.core = RadioNetwork([chains(2, seed=2 * seed), oscillators(2), chains(1, seed=2 * seed + 1)])
        self.reader = oscillators(1)
        self.middle = current / transconductance - bias
        """V of the last chain at the threshold between the classes."""
        with torch.no_grad():
            self.threshold = float(self.reader(torch.tensor([self.middle], dtype=torch.float64)))
        """W of the output oscillator at it."""

    def forward(self, powers: Tensor) -> Tensor:
        return self.reader(self.core(powers) / self.core.readout)[..., 0]

    def classes(self, powers: Tensor) -> Tensor:
        """0 or 1, (*members, batch), of one noisy read."""
        return (self(powers) > self.threshold).long()

    def logits(self, voltage: Tensor) -> Tensor:
        """0 and the distance from the threshold in mV, (*members, batch, 2), from what the core gives."""
        distance = voltage - self.core.readout * self.middle
        return torch.cat((torch.zeros_like(distance), distance), -1)

    @property
    def chains(self) -> tuple[ResonatorChains, ...]:
        return tuple(layer for layer in self.core if isinstance(layer, ResonatorChains))
