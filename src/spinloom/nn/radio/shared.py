"""Chains at many places that share their detunings: what the layouts of a convolution have in common."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.nn.radio.hardware import RadioLayer
from spinloom.nn.radio.imperfections import factors
from spinloom.nn.radio.resonance import chain_weights
from spinloom.seeding import Seed, generator

BLOCK = 1 << 22
"""Weights that exist at a time while powers are multiplied by them."""


class SharedChains(RadioLayer):
    """Chains (filters x places, resonators); those of one filter have the same detunings at all places.

    frequency: of the inputs, (inputs,), Hz. resonance: initial, (places, resonators), Hz. present: 1 where there is a
    resonator, 0 where not, of the same shape. The other arguments are those of `RFConv2d`.
    """

    inputs: torch.Tensor
    places: torch.Tensor
    amplitudes: torch.Tensor

    def __init__(
        self,
        frequency: torch.Tensor,
        resonance: torch.Tensor,
        present: torch.Tensor,
        chains: int,
        *,
        damping: float,
        sensitivity: float,
        absorption: float,
        bias: bool,
        seed: Seed,
        shift: float,
        offset: float,
        step: float | None,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        require_positive("", damping=damping, step=damping if step is None else step)
        require_positive("V/W", sensitivity=sensitivity)
        require_non_negative("", absorption=absorption, shift=shift, offset=offset)
        if absorption >= 1:
            raise InputError(f"absorption must be below 1, got {absorption:g}")
        self.members, self.chains, self.damping, self.step = (), chains, damping, damping if step is None else step
        self.sensitivity, self.absorption, self.power_unit = sensitivity, absorption, 1e-6
        self.unit = float(frequency.max())
        """Hz; frequencies are kept relative to it."""
        self.register_buffer("inputs", (frequency.detach().double() / self.unit).to(dtype))
        self.register_buffer("places", (resonance.detach().double() / self.unit).to(dtype))
        self.register_buffer("amplitudes", (alternating(resonance.shape[1]) * present).to(dtype))
        source, resonators = generator(seed), resonance.shape[1]
        shifts, offsets = torch.randn(chains, resonators, generator=source), torch.randn(chains, generator=source)
        self.shift = nn.Parameter((shift * damping / self.step * shifts).to(dtype))
        scale = offset / (sensitivity * self.power_unit) if bias else 0.0
        self.offset = nn.Parameter((scale * offsets).to(dtype), requires_grad=bias)
        self._fabricate_nothing(("input_factor", "resonance_factor", "damping_factor", "sensitivity_factor"))

    @property
    def resonators(self) -> int:
        """Of one chain."""
        return self.shift.shape[1]

    def input_frequencies(self) -> torch.Tensor:
        """As emitted now, Hz, (inputs,)."""
        return self.unit * self._inputs()

    def resonances(self) -> torch.Tensor:
        """As they are now, Hz, (chains, places, resonators)."""
        return self.unit * self._resonances(slice(None))

    def bias(self) -> torch.Tensor:
        """V, (chains,)."""
        return self.offset * (self.sensitivity * self.power_unit)

    def rows(self, places: slice = slice(None)) -> torch.Tensor:
        """Weights of the chains at these places, V/W, (chains, places, inputs)."""
        resonance = self._resonances(places)
        damping = self.damping * self._at("damping_factor", places)
        amplitude = self.amplitudes[places] * (self.sensitivity * self._at("sensitivity_factor", places))
        absorption = self.absorption * self.amplitudes[places].abs() if self.absorption else None
        given = (resonance, damping * resonance, amplitude.expand_as(resonance))
        deplete = () if absorption is None else (absorption.expand_as(resonance),)
        found = chain_weights(self._inputs(), *(tensor.flatten(0, 1) for tensor in (*given, *deplete)))
        return found.view(*resonance.shape[:2], -1)

    def multiply(self, power: torch.Tensor) -> torch.Tensor:
        """Powers (batch, inputs), W -> V of all chains, (batch, chains, places).

        In blocks of places, whose weights are made again for backward: memory does not grow with the image.
        """

        def block(power: torch.Tensor, first: int, last: int) -> torch.Tensor:
            return torch.einsum("bi,cpi->bcp", power, self.rows(slice(first, last)).to(power.dtype))

        size = max(1, BLOCK // (self.chains * len(self.inputs)))
        edges = range(0, len(self.places), size)
        if not torch.is_grad_enabled():
            return torch.cat([block(power, first, first + size) for first in edges], 2)
        parts = [checkpoint(block, power, first, first + size, use_reentrant=False) for first in edges]
        return torch.cat(parts, 2)

    def _inputs(self) -> torch.Tensor:
        return self.inputs * self.factor("input_factor")

    def _resonances(self, places: slice) -> torch.Tensor:
        # (chains, places, resonators), as in `ResonatorChains`
        return self.places[places] * self._at("resonance_factor", places) * (self.step * self.shift[:, None]).exp()

    def _at(self, name: str, places: slice) -> float | torch.Tensor:
        factor = self.factor(name)
        return factor[:, places] if isinstance(factor, torch.Tensor) else 1.0

    def _fabricate(self, source: torch.Generator) -> None:
        given, dtype = self.imperfections, self.shift.dtype
        full = (self.chains, *self.places.shape)
        for name, shape, spread in (
            ("input_factor", tuple(self.inputs.shape), given.input_frequency),
            ("resonance_factor", full, given.resonance),
            ("damping_factor", full, given.damping),
            ("sensitivity_factor", full, given.sensitivity),
        ):
            # drawn even where it is not spread, so that one spread does not change the draws of another
            drawn = factors(shape, spread, source, dtype)
            setattr(self, name, drawn.to(self.shift.device) if spread else None)


def alternating(count: int) -> torch.Tensor:
    """Signs along a chain, whose neighbours are connected head to tail, (count,)."""
    return 1.0 - 2.0 * (torch.arange(count) % 2)
