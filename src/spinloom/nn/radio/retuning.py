"""Resonances of fabricated layers brought back to where they were planned."""

import torch
from torch import nn

from spinloom.nn.radio.chains import ResonatorChains
from spinloom.nn.radio.convolution import RFConv2d


def tuning(layer: ResonatorChains | RFConv2d) -> torch.Tensor:
    """Shifts that move every resonance to its planned ratio to the frequency that its own input really has.

    Of the layer as it was fabricated, shaped like its `shift`. For layers with a resonator for every input, in the
    sequential layout.
    """
    made, emitted = (torch.as_tensor(layer.factor(name)) for name in ("resonance_factor", "input_factor"))
    made = made.view_as(layer.shift) if made.ndim else made
    emitted = emitted.unsqueeze(-2) if emitted.ndim else emitted
    # f = f_initial exp(step shift)
    return ((emitted / made).to(layer.shift.dtype).log() / layer.step).expand_as(layer.shift)


def retune(network: nn.Module) -> nn.Module:
    """Add their `tuning` to the shifts of all layers, which hold the weights too; returns the network.

    What is left are oscillator powers, and tails: inputs are no longer evenly spaced.
    """
    for layer in network.modules():
        if isinstance(layer, RFConv2d | ResonatorChains):
            with torch.no_grad():
                layer.shift.add_(tuning(layer))
    return network
