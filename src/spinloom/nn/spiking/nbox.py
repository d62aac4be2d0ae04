"""Layers of NbOx neurons that stand for leaky integrate-and-fire ones."""

import math
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from spinloom.devices import Firing, NbOxNeuron
from spinloom.errors import InputError
from spinloom.nn.hardware import LayerUse
from spinloom.nn.spiking.layer import LeakyNeurons
from spinloom.seeding import child_seed

_HEADROOM = 0.9
"""Of the source voltage at which the device stays on for good: the most that a layer drives with."""
_LONG = 30.0
"""Time constants R_L C that a device is given to settle."""


class Calibration(NamedTuple):
    """What an NbOx neuron is as a leaky integrate-and-fire one. V of the source, s, J.

    bias: the device rests at the voltage that a spike leaves behind: potential 0. onset: of firing at a steady source:
    the steady input that just fires. largest: beyond, it would stay on. tau: time constant, mean over drives from 1.2
    times the onset (above the bias) to the largest, evenly in their logarithm; off: relative deviation (rms) of the
    times of first spikes from it. dead: that a spike takes. shortest: between spikes at the largest drive.
    spike_energy: from spike to spike at twice the onset.
    """

    bias: float
    onset: float
    largest: float
    tau: float
    off: float
    dead: float
    shortest: float
    spike_energy: float


@cache
def calibrate(device: NbOxNeuron) -> Calibration:
    """Measure the nominal device, without noise, in simulation. Raises InputError where it does not fire on and on."""
    quiet, scale = replace(device, noise=0.0), _LONG * float(device.load) * float(device.capacitance)
    onset, latch = (float(end.voltage + quiet.load * end.current) for end in quiet.turning_points())
    largest = _HEADROOM * latch
    fired = quiet.run(1.2 * onset, scale, records=4000)
    if int(fired.counts) < 3 or largest <= 1.2 * onset or fired.trace is None:
        raise InputError(f"this device does not fire on and on at {1.2 * onset:.3g} V; change its load or capacitance")
    biases = torch.linspace(0.3, 0.99, 400, dtype=torch.float64) * onset
    rests = quiet.advance(quiet.rest((400,)), biases[None], scale).state
    place = int((rests[0] - fired.trace.voltage[2000:].min()).abs().argmin())
    bias = float(biases[place])
    ends = math.log10(1.2), math.log10((largest - bias) / (onset - bias))
    strength = torch.logspace(*ends, 40, dtype=torch.float64)
    fired = quiet.advance(rests[:, place, None], (bias + strength * (onset - bias))[None], scale)
    times = fired.latency / (strength / (strength - 1)).log()
    tau, dead = float(times.mean()), float((fired.period - fired.latency).mean())
    off, energy = float((times / tau - 1).square().mean().sqrt()), fired.spike_energy[(strength - 2).abs().argmin()]
    return Calibration(bias, onset, largest, tau, off, dead, float(fired.period.min()), float(energy))


class NbOxNeurons(LeakyNeurons):
    """Leaky integrate-and-fire by circuits of NbOx devices, one a unit.

    An input x is a source of bias + (onset - bias) gain x / (threshold (1 - decay)), held for a step and within
    +-largest, so that the steady input that just fires is that of the planned neuron; a step lasts `dt` = -tau
    ln(decay), so that inputs are forgotten as fast. `found` tells the numbers (see `Calibration`), of the nominal
    device. What is not as planned: a spike takes time (`refractory` steps of the planned neuron), resets to a value,
    and inputs beyond the largest drive are cut: loads of 5 to 10 times the default leave more room.

    spread: of parameters of the device. Gradients are those of the planned neuron, which is reset where the device
    fires. Ideal devices are nominal ones, without noise. Layers have each their own dt, by their decay.

    Raises InputError for a decay that is not one number in (0, 1), or leaves a step in which the device could fire more
    than once (with the limit), and for a device that does not fire.
    """

    def __init__(self, device: NbOxNeuron, decay: float | Tensor, **options: Any) -> None:
        if any(isinstance(getattr(device, name), Tensor) for name in device.parameters):
            raise InputError("a layer fabricates its devices from one design: give it numbers, not tensors")
        self.device, self.found = device, calibrate(device)
        parts = device.parameters.items()
        self.spreading = tuple(part.spread for name, part in parts if part.spread and getattr(device, name) is not None)
        each = torch.as_tensor(decay).detach().unique().tolist()
        if len(each) != 1 or not 0 < each[0] < 1:
            raise InputError(f"devices of a layer have one time step: decay must be one number in (0, 1), got {each}")
        self.dt, limit = -self.found.tau * math.log(each[0]), self.found.shortest
        if self.dt > limit:
            raise InputError(
                f"a step of {self.dt:.3g} s is too coarse: this device can fire every {limit:.3g} s; decay must be at "
                f"least {math.exp(-limit / self.found.tau):.3g}"
            )
        self._kept: tuple[Any, tuple[NbOxNeuron, NbOxNeuron, Tensor]] | None = None
        options = {"energy": self.found.spike_energy, "refractory": round(self.found.dead / self.dt), **options}
        super().__init__(each[0], reset="value", **options)

    @classmethod
    def of(cls, layer: LeakyNeurons, device: NbOxNeuron, **options: Any) -> Self:
        """Devices in the place of `layer`. Raises InputError for a synaptic current, which they have not."""
        if bool((layer.synapse != 0).any()):
            raise InputError("NbOx neurons have no synaptic current; use synapse=0")
        names = ("threshold", "gain", "slope", "units", "steps", "keep_state", "noise", "stuck")
        told = {name: getattr(layer, name) for name in names}
        return cls(device, layer.decay, **{**told, **options}).to(layer.decay)

    def fire(self, drive: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        firing, numbers = self._run(drive, state, self.read_noise and self._noise is not None), self.numbers(drive)
        unit, row, number = (~firing.times.isnan()).nonzero(as_tuple=True)
        step = (firing.times[unit, row, number] / self.dt).long().clamp(0, len(drive) - 1)
        spikes = torch.zeros_like(drive, requires_grad=False)
        spikes[tuple(place.to(drive.device) for place in (step, row, unit))] = 1
        if torch.is_grad_enabled() and (drive.requires_grad or numbers.requires_grad):
            spikes, _ = self._fire_eagerly(drive, self.at_rest(drive), numbers, spikes)
        return spikes, tuple(firing.state.mT.unbind())

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """What the sources give, between spikes too, simulated once more without noise."""
        drive, use = self._in_time(given).flatten(2), super().cost(given, output, examples)
        energy = float(self._run(drive, None, noisy=False).energy.sum()) / examples
        return replace(use, energy=energy, latency=len(drive) * self.dt)

    @torch.no_grad()
    def _run(self, drive: Tensor, state: tuple[Tensor, ...] | None, noisy: bool) -> Firing:
        """The devices under the sources of drive (steps, batch, units); batches are (units, batch) there."""
        made, quiet, begun = self._instance()
        found, (decay, gain, _, threshold, _) = self.found, self.numbers(drive)
        source = found.bias + (found.onset - found.bias) * gain * drive / (threshold * (1 - decay))
        volts = source.clamp(-found.largest, found.largest).mT.cpu().double()
        begun = begun if state is None else torch.stack(state).mT.cpu()
        seed = child_seed(self._noise) if noisy and self._noise is not None else 0
        return (made if noisy else quiet).advance(begun, volts, len(volts) * self.dt, seed=seed)

    def _instance(self) -> tuple[NbOxNeuron, NbOxNeuron, Tensor]:
        """Devices as fabricated, the same without noise, and their state at rest; kept until there are others."""
        key = (self.spread and self.origin is not None and int(self.origin), self.count_devices())
        if self._kept is None or self._kept[0] != key:
            made, drawn = self.device, {}
            if self.spread and self.alive is not None:
                names = {name: part.spread for name, part in made.parameters.items() if part.spread in self.spreading}
                factors = {name: self.factor(f"{spread}_factor").cpu().double() for name, spread in names.items()}
                drawn = {name: getattr(made, name) * factor[:, None] for name, factor in factors.items()}
            quiet, scale = replace(made, noise=0.0, **drawn), _LONG * float(made.load) * float(made.capacitance)
            rest = quiet.rest((self.count_devices(), 1))
            begun = quiet.advance(rest, torch.tensor([self.found.bias]), scale).state
            self._kept = key, (replace(made, **drawn), quiet, begun)
        return self._kept[1]
