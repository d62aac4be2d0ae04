"""Devices, energy, time and power of one inference of a radio-frequency network, beside a microcontroller's."""

from dataclasses import dataclass, field, replace

import torch
from torch import nn

from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.evaluation.digital import CORTEX_M4, Digital
from spinloom.evaluation.radio_assumptions import assumptions
from spinloom.evaluation.radio_meters import LayerUse, meter

SYNAPSE, NEURON, NOMINAL = 10e-15, 100e-15, 20e-9
"""J of a synaptic and a neuron operation of junctions of this diameter, m (Ross et al., abstract of a talk on Nature
Nanotechnology 18, 1273 (2023))."""


@dataclass(frozen=True)
class RadioCost:
    """What one inference costs. SI units. diameter: of all junctions, m.
    layers: see `LayerUse`. exponent: energies grow as (diameter / 20 nm) ** exponent. settling: response times that a
    layer is given. digital: the computer beside it.
    """

    layers: tuple[LayerUse, ...]
    diameter: float
    exponent: float
    settling: float
    digital: Digital
    assumptions: tuple[str, ...] = field(repr=False)

    @property
    def resonators(self) -> int:
        return sum(layer.devices for layer in self.layers if not layer.neurons)

    @property
    def oscillators(self) -> int:
        return sum(layer.devices for layer in self.layers if layer.neurons)

    @property
    def synaptic_operations(self) -> int:
        """Every resonator once for every position it serves."""
        return sum(layer.operations for layer in self.layers if not layer.neurons)

    @property
    def neuron_operations(self) -> int:
        return sum(layer.operations for layer in self.layers if layer.neurons)

    @property
    def synapse_energy(self) -> float:
        """Of all synaptic operations of an inference, J, from the published 10 fJ."""
        return self.synaptic_operations * SYNAPSE * self._scale

    @property
    def neuron_energy(self) -> float:
        """Of all neuron operations of an inference, J, from the published 100 fJ."""
        return self.neuron_operations * NEURON * self._scale

    @property
    def energy(self) -> float:
        """Of all junctions, J per inference."""
        return self.synapse_energy + self.neuron_energy

    @property
    def latency(self) -> float:
        """s, from input to output: every layer settles after the one before it."""
        return self.settling * sum(layer.steps * layer.response for layer in self.layers)

    @property
    def power(self) -> float:
        """W while it computes: published energies over the latency of the frequencies given."""
        return self.energy / self.latency

    @property
    def direct_power(self) -> float:
        """W of direct current in all oscillators, R I^2, as the network's constants have it."""
        return sum(layer.power for layer in self.layers if layer.neurons)

    @property
    def wave_power(self) -> float:
        """W of radio-frequency power that reaches all chains, each fed with all inputs of its layer."""
        return sum(layer.power for layer in self.layers if not layer.neurons)

    @property
    def model_energy(self) -> float:
        """J per inference of the constants in the network: direct current and waves for the whole latency."""
        return (self.direct_power + self.wave_power) * self.latency

    @property
    def bandwidth(self) -> float:
        """Hz, between the lowest and the highest frequency of inputs and resonators."""
        bands = [layer.band for layer in self.layers if layer.band]
        return max(high for _, high in bands) - min(low for low, _ in bands)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the same network in numbers: inputs seen, not resonators."""
        return sum(layer.macs for layer in self.layers)

    @property
    def digital_energy(self) -> float:
        """J per inference on `digital`."""
        return self.macs * self.digital.mac_energy

    @property
    def digital_latency(self) -> float:
        """s per inference on `digital`."""
        return self.macs * self.digital.mac_time

    @property
    def advantage(self) -> float:
        """Digital energy over that of the junctions."""
        return self.digital_energy / self.energy

    @property
    def _scale(self) -> float:
        return (self.diameter / NOMINAL) ** self.exponent

    def at(self, diameter: float) -> "RadioCost":
        """The same network of junctions of another diameter, m. Raises InputError unless it is positive."""
        require_positive("m", diameter=diameter)
        return replace(self, diameter=diameter)


def radio_cost(
    network: nn.Module,
    inputs: torch.Tensor,
    *,
    diameter: float = NOMINAL,
    exponent: float = 2.0,
    settling: float = 5.0,
    digital: Digital = CORTEX_M4,
) -> RadioCost:
    """Run `network` on `inputs` (n, ...) and count; powers are means over these examples.

    Works for every network of `RadioLayer`s: those with `neurons` are oscillators; all others are chains, of which it
    needs `resonances()` (Hz, the last dimension along a chain, one entry for each resonator of the hardware),
    `input_frequencies()` and `linewidth`. Copies trained side by side (`members`) count once; powers are their mean.

    Raises InputError for a network without chains, or numbers that cannot be.
    """
    require_positive("m", diameter=diameter)
    require_positive("", settling=settling)
    require_non_negative("", exponent=exponent)
    layers = meter(network, inputs)
    if all(layer.neurons for layer in layers):
        raise InputError("the network has no chains of resonators; build it from spinloom.nn.radio layers")
    return RadioCost(
        layers, diameter, exponent, settling, digital, assumptions(len(inputs), exponent, settling, digital)
    )
