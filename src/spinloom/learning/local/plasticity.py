"""Spiking networks that learn images without labels: one layer of outputs of which one wins, by VDSP or STDP.

Voltage-dependent synaptic plasticity: N. Garg, I. Balafrej et al., Front. Neurosci. 16, 983950 (2022)
(arXiv:2203.11022); numbers as in its code, github.com/nikhil-garg/VDSP_Nengo. A weight changes when its output neuron
spikes, by the membrane potential that its input neuron has then: one that has just fired is below zero.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch

from spinloom.devices import Spread, VoltageSwitchingMemory
from spinloom.errors import (
    InputError,
    SpinloomWarning,
    require_count,
    require_finite,
    require_non_negative,
    require_number,
    require_positive,
)
from spinloom.learning.local import winner_loop
from spinloom.seeding import child_seed, generator
from spinloom.threads import share


@dataclass(frozen=True)
class VDSP:
    """The rule itself: + rate (1 - w)(exp(-v) - 1) for v < 0, - rate w (exp(v) - 1) for v > 0; w stays in 0 to 1."""

    rate: float = 0.005
    kind: ClassVar[int] = winner_loop.VDSP

    def __post_init__(self) -> None:
        require_number("", "positive", rate=self.rate)
        if self.rate * math.expm1(1) > 1:
            raise InputError(
                f"rate must be at most {1 / math.expm1(1):.3f}, so that weights stay in 0 to 1, got {self.rate}"
            )

    @property
    def numbers(self) -> tuple[float, ...]:
        return (0.0,) * 5

    def change(self, weight: torch.Tensor, voltage: torch.Tensor) -> torch.Tensor:
        """Of weights (0 to 1), when the output spikes, by potentials of the inputs (threshold 1, reset -1)."""
        bound = torch.where(voltage < 0, 1 - weight, -weight)
        return self.rate * bound * torch.expm1(voltage.abs())


@dataclass(frozen=True)
class STDP:
    """Spike-timing-dependent plasticity with the numbers of the same code, as a reference; traces keep the last spike.

    At a spike of the output + raise exp(-raise_bound w) for inputs whose trace is at least `recent`, else
    - lower exp(-lower_bound (1 - w)); at a spike of the input - lower exp(-lower_bound (1 - w)) times the trace of the
    output. All is multiplied by `rate`. input_time, output_time: s, of the traces. The code itself has no change at
    spikes of inputs; pairs of both orders make it that of pairs.
    """

    rate: float = 1.0
    raise_step: float = 0.01
    lower_step: float = 0.009
    raise_bound: float = 1.5
    lower_bound: float = 2.5
    input_time: float = 16.8e-3
    output_time: float = 33.7e-3
    recent: float = 0.5
    kind: ClassVar[int] = winner_loop.STDP

    def __post_init__(self) -> None:
        require_positive("", rate=self.rate, input_time=self.input_time, output_time=self.output_time)
        require_non_negative("", raise_step=self.raise_step, lower_step=self.lower_step)
        require_finite("", raise_bound=self.raise_bound, lower_bound=self.lower_bound, recent=self.recent)

    @property
    def numbers(self) -> tuple[float, ...]:
        return self.raise_step, self.lower_step, self.raise_bound, self.lower_bound, self.recent


@dataclass(frozen=True)
class Switching:
    """VDSP by devices: an output spike puts the potentials of the inputs, as voltages, on the memories of its weights.

    memory: its law moves a state from 0 to 1; the network reads it with the pedestal 1 / window_ratio. spread: from
    device to device. raising, lowering: V at potentials -1 and 1; None is 8 % beyond the thresholds of the design, as
    in the code of arXiv:2510.25787. rate: multiplies changes, 1 there.
    """

    memory: VoltageSwitchingMemory = field(default_factory=VoltageSwitchingMemory)
    spread: Spread | float | None = None
    raising: float | None = None
    lowering: float | None = None
    rate: float = 1.0
    kind: ClassVar[int] = winner_loop.SWITCHING

    def __post_init__(self) -> None:
        require_number("", "positive", rate=self.rate)
        given = {"raising": self.raising, "lowering": self.lowering}
        require_number("V", "positive", **{name: value for name, value in given.items() if value is not None})

    @property
    def numbers(self) -> tuple[float, ...]:
        near, far = (1.08 * float(one) for one in self.memory.law[4:])
        return self.raising or near, self.lowering or far, 0.0, 0.0, 0.0


Rule = VDSP | STDP | Switching


@dataclass(frozen=True)
class InputNeurons:
    """Leaky integrate-and-fire, one a pixel: drive = gain x pixel (0 to 1) + bias, threshold 1, reset -1. Times: s."""

    gain: float = 4.0
    bias: float = 0.5
    time_constant: float = 30e-3
    refractory: float = 5e-3

    def __post_init__(self) -> None:
        require_number("s", "positive", time_constant=self.time_constant, refractory=self.refractory)
        require_number("", gain=self.gain, bias=self.bias)
        if not -1 <= self.bias < 1:
            raise InputError(f"bias must be from -1 to below 1, the threshold, got {self.bias:g}: black would fire")
        if self.gain + self.bias <= 1:
            raise InputError(
                f"no pixel can fire: gain + bias must be above the threshold 1, got {self.gain + self.bias:g}"
            )

    @property
    def shortest(self) -> float:
        """s, in which a white pixel goes from reset to threshold."""
        drive = self.gain + self.bias
        return self.time_constant * math.log((drive + 1) / (drive - 1))


@dataclass(frozen=True)
class OutputNeurons:
    """Leaky integrate-and-fire with threshold 1 and reset 0; the one with the largest potential beyond it spikes.

    charge: threshold x s, that an input spike brings through a weight of 1 while the network learns, reading_charge
    while it does not. The published code has both (through a node with a step of 5 ms, and directly; gain 2): 200 times
    as much when it reads, where an output wins in every step that can have one. time_constant, synapse (of the
    current): s. increment, adaptation_time: each spike adds to what is subtracted from its current, which fades (s).
    inhibition: s, after a spike all outputs are held at 0, the winner too.
    """

    charge: float = 5e-4
    reading_charge: float = 0.1
    time_constant: float = 30e-3
    synapse: float = 5e-3
    increment: float = 0.01
    adaptation_time: float = 1.0
    inhibition: float = 10e-3

    def __post_init__(self) -> None:
        for name in ("charge", "reading_charge"):
            require_number("threshold x s", "positive", **{name: getattr(self, name)})
        for name in ("time_constant", "synapse", "adaptation_time", "inhibition"):
            require_number("s", "positive", **{name: getattr(self, name)})
        require_number("", "non-negative", increment=self.increment)


@dataclass
class Tally:
    """What has happened: spikes of outputs and of inputs, weights changed at spikes of outputs and of inputs."""

    outputs: int = 0
    inputs: int = 0
    changed_by_outputs: int = 0
    changed_by_inputs: int = 0


class WinnerTakeAll:
    """A layer of input neurons, one a pixel, and one of output neurons that compete.

    weights: (pixels, outputs), float32, 0 to 1, uniform at first. step, duration: s, of the simulation and of an image;
    nothing is between images, and potentials go on. tally: of all learning.

    Raises InputError for a step that is too coarse, naming the limit.
    """

    def __init__(
        self, pixels: int, outputs: int, rule: Rule | None = None, inputs: InputNeurons | None = None,
        neurons: OutputNeurons | None = None, *, step: float = 5e-3, duration: float = 0.35, seed: int = 0,
    ) -> None:  # fmt: skip
        require_count(pixels=pixels, outputs=outputs)
        require_number("s", "positive", step=step, duration=duration)
        self.rule, self.inputs, self.neurons = rule or VDSP(), inputs or InputNeurons(), neurons or OutputNeurons()
        self.step, self.duration, self.tally = step, duration, Tally()
        for name, limit in (
            ("refractory", self.inputs.refractory),
            ("inhibition", self.neurons.inhibition),
            ("time in which a white pixel fires again", self.inputs.shortest),
        ):
            if step > limit * (1 + 1e-9):
                raise InputError(f"step must be at most {limit:.3g} s, the {name}, got {step:g} s")
        source = generator(seed)
        self.weights = torch.rand(pixels, outputs, generator=source)
        self._inputs = torch.zeros(4, pixels)
        self._inputs[0] = torch.rand(pixels, generator=source)
        self._inputs[1] = -math.expm1(-step / self.inputs.time_constant)
        self._outputs = torch.zeros(5, outputs)
        self._cells, self._low = np.zeros((1, 1, 6), np.float32), 0.0
        if isinstance(self.rule, Switching):
            made = self.rule.memory.fabricate(pixels * outputs, self.rule.spread, child_seed(source))
            law = made.law.expand(6, pixels * outputs, 1)
            self._cells = np.ascontiguousarray(law.reshape(6, outputs, pixels).movedim(0, 2).float().numpy())
            self._low = 1 / float(self.rule.memory.window_ratio)

    def learn(self, images: torch.Tensor, epochs: int = 1, last: float = 1.0) -> None:
        """Present all images `epochs` times; the rate of the rule falls linearly to `last` times itself.

        images: (n, ...), uint8 from 0 to 255, or numbers from 0 to 1 that are rounded to 256 grey levels.
        Raises InputError for values out of range, another number of pixels and last above 1; SpinloomWarning if no
        output has spiked.
        """
        levels = self._levels(images)
        require_count(epochs=epochs)
        require_number("", "non-negative", last=last)
        if last > 1:
            raise InputError(f"last is the share of the rate that is left at the end, 0 to 1, got {last:g}")
        before, total = self.tally.outputs, epochs * len(levels)
        for epoch in range(epochs):
            done = (epoch * len(levels) + torch.arange(len(levels))) / total
            self._run(levels, self.rule.rate * (1 + (last - 1) * done), self.rule.kind, self.neurons.charge)
        if self.tally.outputs == before:
            warnings.warn(
                f"no output has spiked in {total:,} images: nothing is learnt; a larger charge drives them harder",
                SpinloomWarning,
                stacklevel=2,
            )

    def respond(self, images: torch.Tensor, charge: float | None = None) -> torch.Tensor:
        """(n, outputs), int16, spikes of each output for each image; the network stays as it is.

        charge: as of OutputNeurons, None takes its reading_charge. Raises as `learn`.
        """
        levels, kept = self._levels(images), (self._inputs.clone(), self._outputs.clone(), replace(self.tally))
        given = self.neurons.reading_charge if charge is None else charge
        counts = self._run(levels, torch.zeros(len(levels)), winner_loop.NONE, given)
        self._inputs, self._outputs, self.tally = kept
        if not bool(counts.any()):
            warnings.warn(
                f"no output spikes for any of {len(levels):,} images; a larger charge drives them harder",
                SpinloomWarning,
                stacklevel=2,
            )
        return counts

    def _levels(self, images: torch.Tensor) -> torch.Tensor:
        flat, pixels = images.flatten(1), len(self.weights)
        if not len(flat) or flat.shape[1] != pixels:
            raise InputError(f"images must have {pixels} pixels, (n, ...) with n >= 1, got {tuple(images.shape)}")
        if flat.dtype == torch.uint8:
            return flat.contiguous()
        low, high = float(flat.min()), float(flat.max())
        if not 0 <= low <= high <= 1:  # NaN neither
            raise InputError(f"images must be uint8 or numbers from 0 to 1, got {low:g} to {high:g}; scale them")
        return (255 * flat).round().to(torch.uint8)

    def _run(self, levels: torch.Tensor, rates: torch.Tensor, kind: int, charge: float) -> torch.Tensor:
        counts = torch.zeros(len(levels), self.weights.shape[1], dtype=torch.int16)
        tally = np.zeros(4, np.int64)
        winner_loop.present(
            *(one.numpy() for one in (levels, self.weights, self._inputs, self._outputs, counts)),
            self._numbers(charge), rates.float().numpy(), kind, np.array(self.rule.numbers, np.float32), self._cells,
            tally,
        )  # fmt: skip
        had = self.tally
        self.tally = Tally(*(a + int(b) for a, b in zip(vars(had).values(), tally, strict=True)))
        return counts

    def _numbers(self, charge: float) -> np.ndarray:
        """In the order in which the compiled loop reads them."""
        inputs, outputs, step = self.inputs, self.neurons, self.step

        def left(time: float) -> float:
            return math.exp(-step / time)

        traces = (self.rule.input_time, self.rule.output_time) if isinstance(self.rule, STDP) else (1.0, 1.0)
        leak = left(outputs.synapse)
        steps = (max(1, round(time / step)) for time in (self.duration, inputs.refractory, outputs.inhibition))
        numbers = (
            *steps, inputs.gain, inputs.bias, 1 - left(inputs.time_constant), leak, (1 - leak) * charge / step,
            1 - left(outputs.time_constant), outputs.increment, left(outputs.adaptation_time), self._low,
            *map(left, traces),
        )  # fmt: skip
        return np.array(numbers, np.float32)


def learn_together(networks: Sequence[WinnerTakeAll], images: torch.Tensor, epochs: int = 1, last: float = 1.0) -> None:
    """As `WinnerTakeAll.learn` of each, on as many cores as PyTorch has."""

    def some(start: int, end: int) -> None:
        for network in networks[start:end]:
            network.learn(images, epochs, last)

    share(some, (), len(networks), alone=len(networks) == 1)


def class_shares(counts: torch.Tensor, labels: torch.Tensor, classes: int = 10) -> torch.Tensor:
    """(classes, outputs), of the spikes of each output per image of a class, the share of each class; 0 without spikes.

    counts: (n, outputs), of `respond`. labels: (n,), 0 to classes - 1. Raises InputError for other labels.
    """
    if counts.ndim != 2 or len(counts) != len(labels):
        raise InputError(f"there must be a label for each image, got {len(labels)} for counts {tuple(counts.shape)}")
    if not len(labels) or not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InputError(f"labels must be from 0 to {classes - 1}; leave images without a label out")
    images = torch.bincount(labels, minlength=classes)
    sums = torch.zeros(classes, counts.shape[1]).index_add_(0, labels, counts.float())
    rates = sums / images.clamp_min(1).unsqueeze(1)
    return rates / rates.sum(0).clamp_min(1e-30)


def assign_classes(counts: torch.Tensor, labels: torch.Tensor, classes: int = 10) -> torch.Tensor:
    """(outputs,), the class for whose images each output spikes most, per image of the class; -1 if it never does.

    As `class_shares`; SpinloomWarning for classes without images or without an output: they cannot be recognised.
    """
    shares = class_shares(counts, labels, classes)
    assigned = torch.where(shares.amax(0) > 0, shares.argmax(0), -1)
    bare = sorted(set(range(classes)) - set(assigned.tolist()))
    if bare:
        words = f"no output stands for class {', '.join(map(str, bare))}: its images cannot be recognised"
        warnings.warn(words, SpinloomWarning, stacklevel=2)
    return assigned


def classify(counts: torch.Tensor, named: torch.Tensor, classes: int = 10, most_active: bool = False) -> torch.Tensor:
    """(n,), the class of every image; -1 for one without a spike.

    named: of `assign_classes`: the class whose outputs together have most spikes, or that of the most active output;
    or of `class_shares`: every spike counts for all classes, by their shares of the output's.
    """
    if named.ndim == 2:
        found = (counts.float() @ named.T).argmax(1)
    elif most_active:
        found = named[counts.argmax(1)]
    else:
        known = named >= 0
        sums = torch.zeros(len(counts), classes).index_add_(1, named[known], counts[:, known].float())
        found = sums.argmax(1)
    return torch.where(counts.any(1), found, -1)
