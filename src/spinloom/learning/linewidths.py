"""Resonance frequencies trained with a linewidth that narrows from wide to real: how synapses find their inputs.

The response of a resonator falls as one over the detuning and its derivative as the square, so gradient descent moves a
narrow resonator within its line only: it stays where it was put. A wide one slides over the whole band, but cannot tell
neighbours apart. Training therefore begins wide, and while the linewidth falls geometrically to that of the device, the
resonators settle, ever finer. The rate follows: a step is a fixed share of the present linewidth, so that early steps
carry a synapse from one input to another (a change of topology) and late ones set its weight.
"""

import math
from dataclasses import dataclass

import torch

from spinloom.errors import InputError, require_positive
from spinloom.learning.members import Course, fit_members
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains
from spinloom.progress import Report, silent


@dataclass(frozen=True)
class Narrowing:
    """How linewidth and rate go.

    start: linewidth in the beginning (1: the line is as wide as the frequency is high); never below that of the device.
    until: share of the training after which the linewidth is the device's. share: step of Adam in half linewidths.
    largest: the most that a step changes a frequency, relative. rise: share of the training in which rates rise.
    """

    start: float = 1.0
    until: float = 0.9
    share: float = 0.015
    largest: float = 0.05
    rise: float = 0.03

    def __post_init__(self) -> None:
        require_positive("", start=self.start, share=self.share, largest=self.largest)
        if not 0 < self.until < 1 or not 0 <= self.rise < 1:
            raise InputError("until must be between 0 and 1, rise from 0 to below 1: shares of the training")

    def linewidth(self, done: float, device: float) -> float:
        """When this share of the training is done; `device`: the linewidth to arrive at."""
        along = min(1.0, done / self.until)
        return device * (max(self.start, device) / device) ** (1 - along)

    def ramp(self, done: float) -> float:
        """Up in the beginning, down to zero when the linewidth stays."""
        rising = min(1.0, done / self.rise) if self.rise else 1.0
        return rising * min(1.0, (1 - done) / (1 - self.until))

    def step(self, done: float, device: float) -> float:
        """Of Adam, relative to the frequency."""
        return min(self.share * self.linewidth(done, device), self.largest) * self.ramp(done)


def fit_narrowing(
    network: RadioNetwork,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    course: Course,
    narrowing: Narrowing | None = None,
    *,
    band: Band,
    amplifier_rate: float = 1e-2,
    report: Report = silent,
) -> torch.Tensor:
    """Train the frequencies of a network whose layers have one linewidth; returns losses (epochs, members).

    course: epochs, batch and seeds; its rate is not used. amplifier_rate: of bias voltages and of the readout.
    The linewidth of the layers is changed during training and is what it was at the end.
    """
    narrowing = narrowing or Narrowing()
    layers = [layer for layer in network if isinstance(layer, ResonatorChains)]
    device, step = layers[0].linewidth, layers[0].step
    frequencies = [p for layer in layers for p in (layer.shift, layer.input_shift) if p is not None]
    known = {id(p) for p in frequencies}
    others = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": frequencies, "lr": 1.0, "schedule": lambda done: narrowing.step(done, device) / step},
        {"params": others, "lr": amplifier_rate, "schedule": narrowing.ramp},
    ]

    def narrow(done: float) -> None:
        for layer in layers:
            layer.linewidth = narrowing.linewidth(done, device)
            layer.confine(band)

    narrow(0.0)
    try:
        return fit_members(network, inputs, labels, course, groups=groups, after=narrow, report=report)
    finally:
        for layer in layers:
            layer.linewidth = device


def scatter(layer: ResonatorChains, band: Band, source: torch.Generator) -> None:
    """Put every resonance, and every trained input frequency, at random in the band, evenly in its logarithm."""
    low, width = math.log(band.low / layer.unit), math.log(band.high / band.low)
    with torch.no_grad():
        for shift, places in ((layer.shift, layer.places), (layer.input_shift, layer.inputs)):
            if shift is not None:
                drawn = low + width * torch.rand(shift.shape, generator=source, dtype=shift.dtype)
                shift.copy_((drawn - places.log()) / layer.step)
