"""Counts what the layers of a radio-frequency network do for one input, with hooks on a forward pass."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.nn.radio import RadioLayer, radio_layers


@dataclass(frozen=True)
class LayerUse:
    """One layer, for one inference.

    neurons: oscillators (True) or resonators. devices: in the hardware. operations: of all devices. steps: how often
    the layer is used, one after the other (positions of a filter that slides). response: of the slowest device, s.
    power: of the direct current in all oscillators, or of the waves that reach all chains, W. macs: products of the
    same layer in numbers. band: lowest and highest frequency, Hz (chains).
    """

    name: str
    neurons: bool
    devices: int
    operations: int
    steps: int
    response: float
    power: float
    macs: int
    band: tuple[float, float] | None = None


def meter(network: nn.Module, inputs: torch.Tensor) -> tuple[LayerUse, ...]:
    """Run the network on inputs (n, ...) and describe every radio layer, in the order of use.

    Raises InputError for a layer that is neither oscillators nor chains.
    """
    found: list[LayerUse] = []
    hooks = [
        layer.register_forward_hook(_book(name, found, len(inputs))) for name, layer in radio_layers(network).items()
    ]
    try:
        with torch.inference_mode():
            network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(found)


def _book(name: str, found: list[LayerUse], examples: int) -> Callable[..., None]:
    def book(layer: Any, given: tuple[torch.Tensor], output: torch.Tensor) -> None:
        if hasattr(layer, "neurons"):
            response = max((use.response for use in found), default=0.0)
            found.append(_oscillators(name, layer, given[0], output, examples, response))
        elif hasattr(layer, "resonances"):
            found.append(_chains(name, layer, given[0], output, examples))
        else:
            raise InputError(
                f"cannot count {type(layer).__name__} ({name}): it needs `neurons`, or `resonances()`, "
                "`input_frequencies()` and `linewidth`"
            )

    return book


def _oscillators(
    name: str, layer: Any, voltage: torch.Tensor, output: torch.Tensor, examples: int, response: float
) -> LayerUse:
    values = output.numel() // (examples * _copies(layer))
    current = (layer.transconductance * (voltage.double() + layer.bias)).clamp(layer.threshold, layer.largest)
    power = layer.resistance * float(current.square().mean()) * layer.neurons
    return LayerUse(name, True, layer.neurons, values, max(values // layer.neurons, 1), response, power, 0)


def _chains(name: str, layer: Any, power: torch.Tensor, output: torch.Tensor, examples: int) -> LayerUse:
    resonances, inputs = layer.resonances().double(), layer.input_frequencies().double()
    copies = _copies(layer)
    chains = resonances[..., 0].numel() // copies
    values = output.numel() // (examples * copies)  # chains times positions
    steps = max(values // chains, 1)
    devices = resonances.numel() // copies - _absent(layer, chains)
    everything = torch.cat((resonances.flatten(), inputs.flatten()))
    low, high = float(everything.min()), float(everything.max())
    seen = inputs.shape[-1]
    mean = float(power.double().mean())  # padding sends nothing, so this is an upper bound for padded images
    return LayerUse(
        name,
        neurons=False,
        devices=devices,
        operations=devices * steps,
        steps=steps,
        response=1 / (2 * math.pi * layer.linewidth * low),
        power=chains * seen * mean,
        macs=values * min(seen, getattr(getattr(layer, "windows", None), "taps", seen)),
        band=(low, high),
    )


def _absent(layer: Any, chains: int) -> int:
    """Places without a resonator: taps of a filter that lie in the padding, which have no amplitude."""
    amplitudes = getattr(layer, "amplitudes", None)
    return 0 if amplitudes is None else int((amplitudes == 0).sum()) * (chains // len(amplitudes))


def _copies(layer: RadioLayer) -> int:
    return math.prod(layer.members)
