"""Spin-torque oscillators as neurons: a voltage drives a current, a current above threshold emits power."""

import math
from typing import Any, Self

import torch
from numba import prange
from torch import Tensor
from torch.autograd.function import once_differentiable

from spinloom.devices import AutoOscillator, SimulatedOscillator, stationary_power
from spinloom.errors import InputError, require_positive
from spinloom.nn.compiled import compile_loop
from spinloom.nn.hardware import LayerUse
from spinloom.nn.radio.layer import RadioLayer, closed_form, factors, one_number
from spinloom.nn.radio.resonance import OPTIONS

TRANSCONDUCTANCE, BIAS = 3.388e-3, 11.08e-3
"""A/V and V of the published network."""
BARRIER = 1_000.0
"""Energy of an oscillator at p = 1 over kB T at 300 K; the default of `devices.AutoOscillator`."""
_PARALLEL = 1 << 15


class Oscillators(RadioLayer):
    """Power of every oscillator, V (..., neurons) in V -> P (..., neurons) in W; the shape stays.

        I = g (V + V_0), held between I_th and I_max;   xi = I / I_th;   p = (xi - 1) / (xi + Q);   P = A p R I^2

    (Slavin and Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009); as neurons: Ross et al., Nature Nanotechnology 18, 1273
    (2023), whose constants are the defaults: 1 uW at 40 uA.) A rectifier: zero and without gradient below threshold.

    neurons: how many, so that each can be fabricated. device: has I_th, I_max, Q, A and R, one number each.
    transconductance: g, A/V. bias: V_0, V. members: as in `ResonatorChains`. dimension: that of the neurons, counted
    from the end; -3 for the channels of feature maps, whose positions one oscillator then serves.

    Raises InputError for a constant that cannot be, or another number of neurons.
    """

    @classmethod
    def of(cls, device: AutoOscillator | SimulatedOscillator, neurons: int, **options: Any) -> Self:
        """Oscillators of this design; a simulated one gives its closed form. options: of the layer.

        Without a `transconductance` that of the published network is scaled with the threshold, so that a voltage
        gives the same I / I_th as there.
        """
        design = closed_form(device, AutoOscillator, SimulatedOscillator)
        scale = one_number("threshold", design.threshold) / one_number("threshold", AutoOscillator.threshold)
        return cls(neurons, device=design, **{"transconductance": TRANSCONDUCTANCE * scale, **options})

    def __init__(
        self,
        neurons: int,
        *,
        device: AutoOscillator | None = None,
        transconductance: float = TRANSCONDUCTANCE,
        bias: float = BIAS,
        members: tuple[int, ...] = (),
        dimension: int = -1,
    ) -> None:
        super().__init__()
        require_positive("", neurons=neurons)
        require_positive("A/V", transconductance=transconductance)
        if dimension >= 0:
            raise InputError(f"the dimension of the neurons is counted from the end, -1 or lower, got {dimension}")
        self.neurons, self.members, self.dimension = neurons, tuple(members), dimension
        self.transconductance, self.bias = transconductance, bias
        device = device or AutoOscillator()
        names = ("threshold", "largest_current", "nonlinear_damping", "amplification", "resistance")
        self.threshold, self.largest_current, self.nonlinear_damping, self.amplification, self.resistance = (
            one_number(name, getattr(device, name)) for name in names
        )
        if self.largest_current <= self.threshold:
            given = f"{self.threshold:g} A, got {self.largest_current:g} A"
            raise InputError(f"the largest current must exceed the threshold of {given}")
        self.register_factors("power_factor")

    def forward(self, voltage: Tensor) -> Tensor:
        if voltage.ndim < -self.dimension or voltage.shape[self.dimension] != self.neurons:
            given = f"got voltages {tuple(voltage.shape)}"
            raise InputError(f"the layer has {self.neurons} oscillators along dimension {self.dimension}, {given}")
        slope, offset = self.transconductance / self.threshold, self.transconductance * self.bias / self.threshold
        scale = self.amplification * self.resistance * self.threshold**2
        most = self.largest_current / self.threshold
        power = _Emitted.apply(voltage, slope, offset, most, self.nonlinear_damping, scale)
        factor = self.factor("power_factor")
        if isinstance(factor, Tensor):
            power = power * factor.unsqueeze(-2)[(..., *(-1 - self.dimension) * (None,))]
        noise = self.imperfections.power_noise
        return self.noisy(power, noise * power.detach()).clamp(min=0) if noise else power

    def count_devices(self) -> int:
        return self.neurons

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """Operations of all oscillators for every position they serve, and their direct current R I^2."""
        values = output.numel() // (examples * math.prod(self.members))
        current = (self.transconductance * (given.double() + self.bias)).clamp(self.threshold, self.largest_current)
        power = self.resistance * float(current.square().mean()) * self.neurons
        return LayerUse("oscillator", self.neurons, values, max(values // self.neurons, 1), power=power)

    def draw(self, source: torch.Generator) -> None:
        drawn = factors((*self.members, self.neurons), self.imperfections.power, source, torch.float32)
        self.power_factor = drawn if self.imperfections.power else None

    def extra_repr(self) -> str:
        return f"neurons={self.neurons}, transconductance={self.transconductance:g} A/V, bias={self.bias:g} V"


def thermal_fluctuation(temperature: float, supercriticality: float = 2.5, quality: float = 2.0) -> float:
    """Relative standard deviation of an oscillator's power at an instant. temperature: K.

    sqrt(kB T / E xi (1 + Q)) / (xi - 1), the linearised width of the stationary distribution of p (Tiberkevich, Slavin
    and Kim, Appl. Phys. Lett. 91, 192506 (2007)), E the energy at p = 1. A read that lasts sees less.
    """
    share = temperature / 300.0 / BARRIER
    return (share * supercriticality * (1 + quality)) ** 0.5 / (supercriticality - 1)


def emitted(
    voltage: Tensor, slope: float, offset: float, most: float, quality: float, scale: float
) -> tuple[Tensor, Tensor]:
    """Power and its derivative with respect to the voltage; xi = slope V + offset, held between 1 and `most`."""
    raw = slope * voltage + offset
    xi = raw.clamp(1, most)
    p = stationary_power(xi, quality)
    inside = (raw > 1) & (raw < most)
    rise = (1 + quality) / (xi + quality).square() * xi.square() + 2 * p * xi
    return scale * p * xi.square(), scale * slope * rise * inside


class _Emitted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, voltage: Tensor, *constants: float) -> Tensor:
        if voltage.device.type != "cpu" or voltage.dtype not in (torch.float32, torch.float64):
            power, slope = emitted(voltage, *constants)
        else:
            given = voltage.detach().contiguous()
            power, slope = torch.empty_like(given), torch.empty_like(given)
            many = given.numel() >= _PARALLEL and torch.get_num_threads() > 1
            numbers = given.new_tensor(constants).numpy()
            _loops[many](given.view(-1).numpy(), numbers, power.view(-1).numpy(), slope.view(-1).numpy())
        ctx.save_for_backward(slope)
        return power

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return upstream * slope, None, None, None, None, None


def _all(voltage, numbers, power, slope):  # type: ignore[no-untyped-def]
    gain, offset, most, quality, scale = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    one = type(gain)(1)
    for i in prange(voltage.shape[0]):
        raw = gain * voltage[i] + offset
        xi = raw if raw < most else most  # min and max would not be vectorised
        xi = xi if xi > one else one
        reciprocal = one / (xi + quality)
        p = (xi - one) * reciprocal
        rise = xi * ((one + quality) * reciprocal * reciprocal * xi + p + p)
        power[i] = scale * p * xi * xi + (raw - raw)  # NaN stays NaN
        slope[i] = scale * gain * rise if (raw > one) and (raw < most) else type(gain)(0)


_loops = compile_loop(_all, OPTIONS)
