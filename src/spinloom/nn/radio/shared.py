"""Chains at many places that share their detunings: what the layouts of a convolution have in common."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from spinloom.errors import require_non_negative, require_positive
from spinloom.nn.radio.chain_layer import ChainLayer, alternating
from spinloom.nn.radio.resonance import chain_weights
from spinloom.seeding import Seed, generator

BLOCK = 1 << 22
"""Weights that exist at a time while powers are multiplied by them."""


class SharedChains(ChainLayer):
    """Chains (filters x places, resonators); those of one filter have the same detunings at all places.

    frequency: of the inputs, (inputs,), Hz. resonance: initial, (places, resonators), Hz. present: 1 where there is a
    resonator, 0 where not, of the same shape. The other arguments are those of `RFConv2d`.
    """

    amplitudes: torch.Tensor

    def __init__(
        self,
        frequency: torch.Tensor,
        resonance: torch.Tensor,
        present: torch.Tensor,
        chains: int,
        *,
        linewidth: float,
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
        require_positive("", step=linewidth if step is None else step)
        require_non_negative("", shift=shift, offset=offset)
        self.members, self.chains = (), chains
        self._set_constants(frequency, linewidth, sensitivity, absorption, step, dtype)
        self.register_buffer("places", self._relative(resonance, dtype))
        self.register_buffer("amplitudes", (alternating(resonance.shape[1]) * present).to(dtype))
        source, resonators = generator(seed), resonance.shape[1]
        shifts, offsets = torch.randn(chains, resonators, generator=source), torch.randn(chains, generator=source)
        self.shift = nn.Parameter((shift * linewidth / self.step * shifts).to(dtype))
        scale = offset / (sensitivity * self.power_unit) if bias else 0.0
        self.offset = nn.Parameter((scale * offsets).to(dtype), requires_grad=bias)

    @property
    def resonators(self) -> int:
        """Of one chain."""
        return self.shift.shape[1]

    def resonances(self) -> torch.Tensor:
        """As they are now, Hz, (chains, places, resonators)."""
        return self.unit * self._resonances(slice(None))

    def count_devices(self) -> int:
        """Resonators; a tap of a filter that lies in the padding has none."""
        return self.chains * int((self.amplitudes != 0).sum())

    def rows(self, places: slice = slice(None)) -> torch.Tensor:
        """Weights of the chains at these places, V/W, (chains, places, inputs)."""
        resonance = self._resonances(places)
        linewidth = self.linewidth * self._at("linewidth_factor", places)
        amplitude = self.amplitudes[places] * (self.sensitivity * self._at("sensitivity_factor", places))
        absorption = self.absorption * self.amplitudes[places].abs() if self.absorption else None
        given = (resonance, linewidth * resonance, amplitude.expand_as(resonance))
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

    def _resonances(self, places: slice) -> torch.Tensor:
        # (chains, places, resonators), as in `ResonatorChains`
        return self.places[places] * self._at("resonance_factor", places) * (self.step * self.shift[:, None]).exp()

    def _at(self, name: str, places: slice) -> float | torch.Tensor:
        factor = self.factor(name)
        return factor[:, places] if isinstance(factor, torch.Tensor) else 1.0

    def draw(self, source: torch.Generator) -> None:
        self._draw(source, (self.chains, *self.places.shape))
