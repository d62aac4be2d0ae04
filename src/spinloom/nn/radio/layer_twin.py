"""The twin of a fabricated network layer by layer, at the powers and voltages that are measured between the layers."""

import torch
from torch import nn

from spinloom.nn.hardware import planned
from spinloom.nn.radio.chains import ResonatorChains
from spinloom.nn.radio.layer import RadioLayer
from spinloom.nn.radio.network import RadioNetwork, radio_layers


def through_layers(network: nn.Module, x: torch.Tensor, wider: float = 3.0) -> torch.Tensor:
    """Every layer's output from the devices, its gradient from the ideal twin of that layer at the measured input.

    In `through_twin` only the outputs of the whole network are measured, and the twin's hidden powers are its own; here
    the powers and voltages between the layers are measured too. The lines of the twin are `wider` than those of the
    devices: with a spread about as large as the half linewidth, a twin of the same width has its slopes in the wrong
    places, and a wider one still knows the way.
    """
    assert isinstance(network, RadioNetwork)
    state = network.power * x
    for layer in radio_layers(network).values():
        with torch.no_grad():
            made = layer(state)
        with planned(layer):
            twin = _wide(layer, state, wider)
        state = made + (twin - twin.detach())  # the value of the devices to the last bit
    return network.readout * state


def _wide(layer: RadioLayer, state: torch.Tensor, wider: float) -> torch.Tensor:
    if not isinstance(layer, ResonatorChains):
        return layer(state)
    linewidth = layer.linewidth
    layer.linewidth = wider * linewidth
    try:
        return layer(state)
    finally:
        layer.linewidth = linewidth
