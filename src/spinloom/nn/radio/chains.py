"""Chains of spin-diode resonators: a linear layer whose parameters are frequencies."""

import math
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from spinloom.devices import SimulatedDiode, SpinDiode
from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.nn.hardware import LayerUse
from spinloom.nn.radio.layer import Band, RadioLayer, closed_form, factors, one_number
from spinloom.nn.radio.resonance import chain_weights
from spinloom.seeding import Seed, child_seed, generator

SENSITIVITY: float = round(float(SpinDiode().sensitivity), 1)
"""V/W of a resonator at the peak of its curve, to the digits of the published code: 8838.8."""
_DISPERSIVE = 0.1
"""Largest mixing angle of a line that counts as dispersive, rad: half a per cent of its height."""


class ChainLayer(RadioLayer):
    """Base of the layers of chains; a subclass adds `shift` and `offset` and gives `scaled_resonances`."""

    taps: int | None = None
    """Inputs that one chain is meant to weigh, None for all of them."""
    inputs: Tensor
    places: Tensor
    shift: nn.Parameter
    offset: nn.Parameter

    @classmethod
    def of(cls, diode: SpinDiode | SimulatedDiode, *sizes: Any, **options: Any) -> Self:
        """A layer whose resonators have the linewidth and the sensitivity of this diode.

        sizes, options: of the layer itself. A simulated diode gives those of its closed form. Raises InputError for
        several diodes that differ, and a line that is not dispersive (mixing angle 0), as that of the layers is.
        """
        design = closed_form(diode, SpinDiode, SimulatedDiode)
        angle = torch.as_tensor(design.mixing_angle, dtype=torch.float64).detach()
        if bool((angle.abs() > _DISPERSIVE).any()):
            rule = f"a layer of chains has dispersive lines, mixing angle 0 to {_DISPERSIVE} rad"
            found = f"{float(angle.abs().max()):.3g} rad: drive it by a field more than by a torque"
            raise InputError(f"{rule}; this diode has {found}")
        known = {"linewidth": design.linewidth, "sensitivity": design.sensitivity * angle.cos()}
        layer: Any = cls
        return layer(*sizes, **{name: one_number(name, value) for name, value in known.items()}, **options)

    def __init__(
        self,
        frequency: Tensor,
        places: Tensor,
        linewidth: float,
        sensitivity: float,
        absorption: float,
        step: float | None,
        dtype: torch.dtype,
    ) -> None:
        """Constants of all resonators, frequencies of the inputs (inputs,) and initial ones of resonators, Hz."""
        super().__init__()
        require_positive("", linewidth=linewidth)
        require_positive("V/W", sensitivity=sensitivity)
        require_non_negative("", absorption=absorption)
        if absorption >= 1:
            raise InputError(f"absorption must be below 1, got {absorption:g}")
        self.linewidth, self.step = linewidth, linewidth if step is None else step
        self.sensitivity, self.absorption, self.power_unit = sensitivity, absorption, 1e-6
        self.unit = float(frequency.max())
        """Hz; frequencies are kept relative to it."""
        relative = [(given.detach().double() / self.unit).to(dtype).contiguous() for given in (frequency, places)]
        self.register_buffer("inputs", relative[0])
        self.register_factors("input_factor", "resonance_factor", "linewidth_factor", "sensitivity_factor")
        self.register_buffer("places", relative[1])

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        """A state of an earlier version calls the factors of the linewidths those of the damping."""
        if prefix + "damping_factor" in state:
            state[prefix + "linewidth_factor"] = state.pop(prefix + "damping_factor")
        super()._load_from_state_dict(state, prefix, *rest)

    @property
    def chains(self) -> int:
        return self.shift.shape[-2]

    @property
    def resonators(self) -> int:
        """Of one chain."""
        return self.shift.shape[-1]

    def scaled_resonances(self) -> Tensor:
        """In units of `unit`."""
        raise NotImplementedError

    def resonances(self) -> Tensor:
        """As they are now, Hz, (*members, chains, resonators); in a convolution (chains, places, resonators)."""
        return self.unit * self.scaled_resonances()

    def cost(self, given: Tensor, output: Tensor, examples: int) -> LayerUse:
        """Operations of all resonators for every position they serve, and the waves that reach all chains."""
        resonances, inputs = self.resonances().detach().double(), self.input_frequencies().detach().double()
        low, high = (float(end) for end in torch.cat((resonances.flatten(), inputs.flatten())).aminmax())
        copies = math.prod(self.members)
        chains = resonances[..., 0].numel() // copies
        values = output.numel() // (examples * copies)  # chains times positions
        steps, devices, seen = max(values // chains, 1), self.count_devices(), inputs.shape[-1]
        mean = float(given.double().mean())  # padding sends nothing, so this is an upper bound for padded images
        time, power, macs = 1 / (2 * math.pi * self.linewidth * low), chains * seen * mean, min(seen, self.taps or seen)
        return LayerUse("resonator", devices, devices * steps, steps, time, power, macs=values * macs, band=(low, high))

    def scaled_inputs(self) -> Tensor:
        """In units of `unit`."""
        return self.inputs * self.factor("input_factor")

    def input_frequencies(self) -> Tensor:
        """As emitted now, Hz: (inputs,) or (*members, inputs)."""
        return self.unit * self.scaled_inputs()

    def bias(self) -> Tensor:
        """V, (*members, chains)."""
        return self.offset * (self.sensitivity * self.power_unit)

    def draw(self, source: torch.Generator) -> None:
        """Factors of the inputs and of all resonators, members in front."""
        given, shape, inputs = self.imperfections, self.resonances().shape, (*self.members, len(self.inputs))
        spreads = (given.input_frequency, given.resonance, given.linewidth, given.sensitivity)
        for name, size, spread in zip(self._factors, (inputs, shape, shape, shape), spreads, strict=True):
            # drawn even where it is not spread, so that one spread does not change the draws of another
            drawn = factors(size, spread, source, self.shift.dtype)
            setattr(self, name, drawn.to(self.shift.device) if spread else None)


class ResonatorChains(ChainLayer):
    """Voltages of the chains from the powers of all inputs: P (..., batch, inputs) in W -> V (..., batch, chains) in V.

        V_c = sum_i W_ci P_i + b_c,   W_ci = K sum_k s_k 2 w_ck x / (w_ck^2 + x^2),   x = f_i - f_ck,   w_ck = w f_ck

    Every resonator sees every input; signs alternate along a chain, because neighbours are connected head to tail
    (Leroux et al., Phys. Rev. Applied 15, 034067 (2021); Ross et al., Nature Nanotechnology 18, 1273 (2023)).

    input_frequency: (inputs,), Hz. resonance: initial frequencies, (resonators,) for all chains, or (chains,
        resonators), Hz; their number is free (default: one for every input, at its frequency).
    linewidth: w, half width at half maximum over frequency. sensitivity: K, V/W. absorption: share of the resonant
        power that a resonator takes before the next one sees it, 0 to 1 (0: amplifiers make up for it, as in the
        published code).
    train_inputs: whether the input frequencies are trained too. bias: whether chains have a bias voltage.
    members: shape of independent copies trained side by side, such as (20,) for 20 seeds; inputs and outputs then have
        these dimensions in front, or the inputs are shared.
    seed: of the small random shifts and biases, an int, or one for every member. shift, offset: their standard
        deviations, in half linewidths and in V.
    step: what a shift of 1 is, relative to the initial frequency (default: the linewidth, so that a shift counts half
        linewidths). Keep it where the linewidth itself is changed during training.

    Parameters: `shift` (*members, chains, resonators); `offset` (*members, chains), in units of `sensitivity` times
    1 uW; `input_shift` (*members, inputs) if trained. A resonance is f = f_initial exp(step shift): for small shifts
    the f_initial (1 + step shift) of the published code, and never negative.
    Non-idealities: see `RadioLayer`. Gradients reach every parameter and the powers, once.

    Raises InputError for frequencies outside `band`, negative powers, or shapes that do not fit.
    """

    signs: Tensor

    @classmethod
    def of(cls, diode: SpinDiode | SimulatedDiode, *sizes: Any, **options: Any) -> Self:
        """As for all chains; several diodes, (resonators,) or (chains, resonators), bring their resonances."""
        frequency = torch.as_tensor(closed_form(diode, SpinDiode, SimulatedDiode).frequency).detach()
        if frequency.ndim and len(sizes) < 3:
            options.setdefault("resonance", frequency)
        return super().of(diode, *sizes, **options)

    def __init__(
        self,
        input_frequency: Tensor,
        chains: int,
        resonance: Tensor | None = None,
        *,
        linewidth: float = 0.01,
        sensitivity: float = SENSITIVITY,
        absorption: float = 0.0,
        band: Band | None = None,
        train_inputs: bool = False,
        bias: bool = True,
        members: tuple[int, ...] = (),
        seed: Seed | Sequence[int] = 0,
        shift: float = 0.1,
        offset: float = 1e-5,
        step: float | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        resonance = input_frequency if resonance is None else resonance
        if input_frequency.ndim != 1 or not len(input_frequency):
            raise InputError(f"input frequencies must be (inputs,), got {tuple(input_frequency.shape)}")
        if chains < 1:
            raise InputError(f"a layer needs at least one chain, got {chains}")
        if resonance.ndim not in (1, 2) or not resonance.numel() or resonance.shape[:-1] not in ((), (chains,)):
            given = tuple(resonance.shape)
            raise InputError(f"resonances must be (resonators,) or ({chains}, resonators), got {given}")
        require_positive("Hz", input_frequency=input_frequency, resonance=resonance)
        if band is not None:
            band.check("input frequencies", input_frequency)
            band.check("resonances", resonance)
        require_non_negative("", shift=shift)
        places = resonance.expand(chains, -1)
        super().__init__(input_frequency, places, linewidth, sensitivity, absorption, step, dtype)
        self.members = tuple(members)
        shape = (*self.members, *places.shape)
        self.register_buffer("signs", alternating(shape[-1]).to(dtype))
        shifts, offsets = (drawn.to(dtype) for drawn in starts(shape, seed))
        self.shift = nn.Parameter(shift * linewidth / self.step * shifts)
        self.offset = nn.Parameter(offset / (sensitivity * self.power_unit) * offsets, requires_grad=bias)
        if not bias:
            nn.init.zeros_(self.offset)
        self.input_shift: nn.Parameter | None = None
        if train_inputs:
            self.input_shift = nn.Parameter(torch.zeros(*self.members, len(input_frequency), dtype=dtype))

    def count_devices(self) -> int:
        return self.places.numel()

    def weights(self) -> Tensor:
        """V/W, (*members, chains, inputs)."""
        resonance = self.scaled_resonances()
        linewidth = self.linewidth * self.factor("linewidth_factor")
        width = linewidth if isinstance(linewidth, float) else linewidth * resonance
        amplitude = self.signs * (self.sensitivity * self.factor("sensitivity_factor"))
        absorption = resonance.new_tensor(self.absorption) if self.absorption else None
        return chain_weights(self.scaled_inputs(), resonance, width, amplitude, absorption)

    def forward(self, power: Tensor) -> Tensor:
        if power.shape[-1] != self.inputs.shape[0]:
            raise InputError(f"the layer takes powers of {self.inputs.shape[0]} inputs, got {tuple(power.shape)}")
        require_power(power)
        weights = self.weights()
        if power.ndim > 2 or not self.members:
            product = power @ weights.transpose(-1, -2)
        else:  # shared by all members, in one product
            flat = nn.functional.linear(power, weights.reshape(-1, weights.shape[-1]))
            product = flat.view(len(power), *weights.shape[:-1]).movedim(0, -2)
        voltage = product + self.bias().unsqueeze(-2)
        return self.noisy(voltage, self.imperfections.voltage_noise(self.resonators))

    def confine(self, band: Band) -> Self:
        """Move every trained frequency that has left the band to its edge."""
        low, high = math.log(band.low / self.unit), math.log(band.high / self.unit)
        with torch.no_grad():
            for shift, places in ((self.shift, self.places), (self.input_shift, self.inputs)):
                if shift is not None:
                    start = places.log()
                    shift.copy_(((start + self.step * shift).clamp(low, high) - start) / self.step)
        return self

    def scaled_inputs(self) -> Tensor:
        fixed = super().scaled_inputs()
        return fixed if self.input_shift is None else fixed * (self.step * self.input_shift).exp()

    def scaled_resonances(self) -> Tensor:
        return self.places * self.factor("resonance_factor") * (self.step * self.shift).exp()

    def extra_repr(self) -> str:
        trained = ", train_inputs=True" if self.input_shift is not None else ""
        copies = f", members={self.members}" if self.members else ""
        sizes = f"inputs={len(self.inputs)}, chains={self.chains}, resonators={self.resonators}"
        return f"{sizes}, linewidth={self.linewidth:g}{trained}{copies}"


def starts(shape: tuple[int, ...], seed: Seed | Sequence[Seed]) -> tuple[Tensor, Tensor]:
    """float32 normals for shifts, shape (*members, chains, resonators), and for biases (*members, chains)."""
    members = math.prod(shape[:-2])
    if isinstance(seed, int | torch.Generator):
        source = generator(seed)
        sources = [generator(child_seed(source)) for _ in range(members)] if shape[:-2] else [source]
    else:
        sources = [generator(one) for one in seed]
    if len(sources) != members:
        raise InputError(f"{len(sources)} seeds were given for {members} members")
    drawn = [torch.randn(one, generator=source) for source in sources for one in (shape[-2:], shape[-2:-1])]
    return torch.stack(drawn[::2]).view(shape), torch.stack(drawn[1::2]).view(shape[:-1])


def alternating(count: int) -> Tensor:
    """Signs along a chain, whose neighbours are connected head to tail, (count,)."""
    return 1.0 - 2.0 * (torch.arange(count) % 2)


def require_power(power: Tensor) -> None:
    """Raise InputError unless all powers are >= 0 W and none is NaN; on the CPU, where looking costs little."""
    if power.device.type == "cpu" and not bool(power.detach().amin() >= 0):
        raise InputError("powers must be finite and >= 0 W; scale the data first")
