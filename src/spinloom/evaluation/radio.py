"""Devices, energy, time and power of one inference of a radio-frequency network, beside digital arithmetic."""

from dataclasses import dataclass, field, replace

import torch
from torch import nn

from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.evaluation.cost import MAC_ENERGY, NOMINAL, OPERATION, SETTLING, meter, radio_assumptions
from spinloom.nn import LayerUse


@dataclass(frozen=True)
class Digital:
    """A computer by what one multiply-accumulate takes: energy, J, and time, s. assumptions: where both come from.

    Raises InputError unless the energy is positive and the time not negative.
    """

    name: str
    mac_energy: float
    mac_time: float
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        require_positive("J", mac_energy=self.mac_energy)
        require_non_negative("s", mac_time=self.mac_time)


CORTEX_M4 = Digital(
    "microcontroller (Cortex-M4)",
    mac_energy=39e-6 / 1e6 * 3.3,
    mac_time=1 / 80e6,
    assumptions=(
        "Microcontroller: 129 pJ per clock cycle, from the 39 uA/MHz at 3.3 V and up to 80 MHz that the STM32L476 data "
        "sheet (Cortex-M4, external step-down supply) gives for the run mode, instruction fetch and memory included.",
        "It takes one cycle for a multiply-accumulate (assumed; optimistic, as operands must be loaded), none for "
        "activations, and its converters and antenna are not counted.",
    ),
)
INT8: Digital = Digital(
    "8-bit arithmetic alone (45 nm)", MAC_ENERGY, 0.0,
    ("8-bit multiply-accumulate in 45 nm CMOS: 0.20 + 0.03 pJ (Horowitz, ISSCC 2014), no memory access.",),
)  # fmt: skip
FLOAT32: Digital = Digital(
    "32-bit floating point alone (45 nm)", 4.6e-12, 0.0,
    ("32-bit float multiply-accumulate in 45 nm: 3.7 + 0.9 pJ (Horowitz, ISSCC 2014), no memory access.",),
)  # fmt: skip


@dataclass(frozen=True)
class RadioCost:
    """What one inference costs. SI units. Energies grow as (diameter / 20 nm) ** exponent.

    layers: see `LayerUse`. diameter: of all junctions, m. digital: the computer beside it.
    synaptic_operations: every resonator once for every position it serves.
    direct_power: W of direct current in all oscillators, R I^2, as the network's constants have it.
    wave_power: W of radio-frequency power that reaches all chains, each fed with all inputs of its layer.
    latency: s, from input to output: every layer settles after the one before it.
    bandwidth: Hz, between the lowest and the highest frequency of inputs and resonators.
    macs: multiply-accumulates of the same network in numbers: inputs seen, not resonators.
    """

    layers: tuple[LayerUse, ...]
    diameter: float
    exponent: float
    digital: Digital
    resonators: int
    oscillators: int
    synaptic_operations: int
    neuron_operations: int
    direct_power: float
    wave_power: float
    latency: float
    bandwidth: float
    macs: int
    assumptions: tuple[str, ...] = field(repr=False)

    @property
    def synapse_energy(self) -> float:
        """Of all synaptic operations of an inference, J, from the published 10 fJ."""
        return self.synaptic_operations * OPERATION["resonator"] * self._scale

    @property
    def neuron_energy(self) -> float:
        """Of all neuron operations of an inference, J, from the published 100 fJ."""
        return self.neuron_operations * OPERATION["oscillator"] * self._scale

    @property
    def energy(self) -> float:
        """Of all junctions, J per inference."""
        return self.synapse_energy + self.neuron_energy

    @property
    def power(self) -> float:
        """W while it computes: published energies over the latency of the frequencies given."""
        return self.energy / self.latency

    @property
    def model_energy(self) -> float:
        """J per inference of the constants in the network: direct current and waves for the whole latency."""
        return (self.direct_power + self.wave_power) * self.latency

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
    settling: float = SETTLING,
    digital: Digital = CORTEX_M4,
) -> RadioCost:
    """Run `network` on `inputs` (n, ...) and count; powers are means over these examples.

    Works for every network of `RadioLayer`s, by their `cost`; layers of other devices are left out. Copies trained side
    by side (`members`) count once; powers are their mean.

    Raises InputError for a network without chains, or numbers that cannot be.
    """
    require_positive("m", diameter=diameter)
    require_positive("", settling=settling)
    require_non_negative("", exponent=exponent)
    layers = tuple(use for use in meter(network, inputs)[0] if use.kind in OPERATION)
    chains, neurons = ([one for one in layers if one.kind == kind] for kind in ("resonator", "oscillator"))
    if not chains:
        raise InputError("the network has no chains of resonators; build it from spinloom.nn.radio layers")
    bands = [layer.band for layer in layers if layer.band]
    return RadioCost(
        layers=layers,
        diameter=diameter,
        exponent=exponent,
        digital=digital,
        resonators=sum(one.devices for one in chains),
        oscillators=sum(one.devices for one in neurons),
        synaptic_operations=sum(one.operations for one in chains),
        neuron_operations=sum(one.operations for one in neurons),
        direct_power=sum(one.power for one in neurons),
        wave_power=sum(one.power for one in chains),
        latency=settling * sum(one.steps * one.response for one in layers),
        bandwidth=max(high for _, high in bands) - min(low for low, _ in bands),
        macs=sum(one.macs for one in layers),
        assumptions=(*radio_assumptions(len(inputs), exponent, settling), *digital.assumptions),
    )
