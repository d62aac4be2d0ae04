"""What layers of resonator chains have in common, whatever their layout: constants, frequencies, spread, signs."""

import math
from typing import Any

import torch
from torch import nn

from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.nn.hardware import LayerUse
from spinloom.nn.radio.layer import RadioLayer, factors


class ChainLayer(RadioLayer):
    """Base of the layers of chains; a subclass adds `places`, `shift` and `offset` and gives `_resonances`."""

    inputs: torch.Tensor
    places: torch.Tensor
    shift: nn.Parameter
    offset: nn.Parameter

    def _set_constants(
        self,
        frequency: torch.Tensor,
        linewidth: float,
        sensitivity: float,
        absorption: float,
        step: float | None,
        dtype: torch.dtype,
    ) -> None:
        """Constants of all resonators and the input frequencies (inputs,), Hz. Raises InputError."""
        require_positive("", linewidth=linewidth)
        require_positive("V/W", sensitivity=sensitivity)
        require_non_negative("", absorption=absorption)
        if absorption >= 1:
            raise InputError(f"absorption must be below 1, got {absorption:g}")
        self.linewidth, self.step = linewidth, linewidth if step is None else step
        self.sensitivity, self.absorption, self.power_unit = sensitivity, absorption, 1e-6
        self.unit = float(frequency.max())
        """Hz; frequencies are kept relative to it."""
        self.register_buffer("inputs", self._relative(frequency, dtype))
        self.register_factors("input_factor", "resonance_factor", "linewidth_factor", "sensitivity_factor")

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        """A state of an earlier version calls the factors of the linewidths those of the damping."""
        if prefix + "damping_factor" in state:
            state[prefix + "linewidth_factor"] = state.pop(prefix + "damping_factor")
        super()._load_from_state_dict(state, prefix, *rest)

    def _relative(self, frequency: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return (frequency.detach().double() / self.unit).to(dtype)

    def resonances(self) -> torch.Tensor:
        """As they are now, Hz; the last dimension along a chain."""
        raise NotImplementedError

    def cost(self, given: torch.Tensor, output: torch.Tensor, examples: int) -> LayerUse:
        """Operations of all resonators for every position they serve, and the waves that reach all chains."""
        resonances, inputs = self.resonances().detach().double(), self.input_frequencies().detach().double()
        chains = resonances[..., 0].numel() // self.copies
        values = output.numel() // (examples * self.copies)  # chains times positions
        steps, devices, seen = max(values // chains, 1), self.count_devices(), inputs.shape[-1]
        everything = torch.cat((resonances.flatten(), inputs.flatten()))
        low, high = float(everything.min()), float(everything.max())
        mean = float(given.double().mean())  # padding sends nothing, so this is an upper bound for padded images
        return LayerUse(
            "resonator",
            devices,
            operations=devices * steps,
            steps=steps,
            response=1 / (2 * math.pi * self.linewidth * low),
            power=chains * seen * mean,
            macs=values * min(seen, self.taps or seen),
            band=(low, high),
        )

    @property
    def taps(self) -> int | None:
        """Inputs that one chain is meant to weigh, None for all of them."""
        return None

    def input_frequencies(self) -> torch.Tensor:
        """As emitted now, Hz: (inputs,) or (*members, inputs)."""
        return self.unit * self._inputs()

    def bias(self) -> torch.Tensor:
        """V, (*members, chains)."""
        return self.offset * (self.sensitivity * self.power_unit)

    def _inputs(self) -> torch.Tensor:
        return self.inputs * self.factor("input_factor")

    def _draw(self, source: torch.Generator, shape: tuple[int, ...]) -> None:
        """Factors of the inputs and of all resonators; shape: of the resonators, members in front."""
        given, dtype = self.imperfections, self.shift.dtype
        for name, size, spread in (
            ("input_factor", (*self.members, len(self.inputs)), given.input_frequency),
            ("resonance_factor", shape, given.resonance),
            ("linewidth_factor", shape, given.linewidth),
            ("sensitivity_factor", shape, given.sensitivity),
        ):
            # drawn even where it is not spread, so that one spread does not change the draws of another
            drawn = factors(size, spread, source, dtype)
            setattr(self, name, drawn.to(self.shift.device) if spread else None)


def alternating(count: int) -> torch.Tensor:
    """Signs along a chain, whose neighbours are connected head to tail, (count,)."""
    return 1.0 - 2.0 * (torch.arange(count) % 2)


def require_power(power: torch.Tensor) -> None:
    """Raise InputError unless all powers are >= 0 W and none is NaN; on the CPU, where looking costs little."""
    if power.device.type == "cpu" and not bool(power.detach().amin() >= 0):
        raise InputError("powers must be finite and >= 0 W; scale the data first")
