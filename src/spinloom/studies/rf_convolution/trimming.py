"""Resonances of fabricated layers tuned to where they were planned, by the shifts that also hold the weights."""

import torch
from torch import nn

from spinloom.nn.radio import ResonatorChains, RFConv2d


def trim(network: nn.Module) -> nn.Module:
    """Move every resonance to its planned ratio to the frequency that its own input really has; returns the network.

    What is left are oscillator powers, and tails: inputs are no longer evenly spaced. For chains with a resonator for
    every input, in the sequential layout.
    """
    for layer in network.modules():
        if isinstance(layer, RFConv2d | ResonatorChains):
            made = torch.as_tensor(layer.factor("resonance_factor"))
            if made.ndim:
                made = made.view_as(layer.shift)
            emitted = torch.as_tensor(layer.factor("input_factor"))
            with torch.no_grad():
                layer.shift.add_((emitted / made).log() / layer.step)
    return network
