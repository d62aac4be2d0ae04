"""The ways of training on imperfect devices: where the loss looks, and what its gradient flows through."""

from collections.abc import Callable

import torch
from torch import nn

from spinloom.learning import Forward
from spinloom.nn import planned
from spinloom.nn.radio import MeasuredTwin, RadioNetwork, ResonatorChains, radio_layers, through_twin
from spinloom.seeding import Seed

WIDER = 3.0
"""Linewidth of the twin of a layer over that of the devices."""


def by_layer(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Every layer's output from the devices, its gradient from the ideal twin of that layer at the measured input.

    In `through_twin` only the outputs of the whole network are measured, and the twin's hidden powers are its own; here
    the powers and voltages between the layers are measured too. The lines of the twin are WIDER than those of the
    devices: with a spread about as large as the half linewidth, a twin of the same width has its slopes in the wrong
    places, and a wider one still knows the way.
    """
    assert isinstance(network, RadioNetwork)
    state = network.power * x
    for layer in radio_layers(network).values():
        with torch.no_grad():
            made = layer(state)
        with planned(layer):
            twin = _wide(layer, state)
        state = made + (twin - twin.detach())  # the value of the devices to the last bit
    return network.readout * state


def _wide(layer: nn.Module, state: torch.Tensor) -> torch.Tensor:
    if not isinstance(layer, ResonatorChains):
        return layer(state)
    narrow = layer.linewidth
    layer.linewidth = WIDER * narrow
    try:
        return layer(state)
    finally:
        layer.linewidth = narrow


def direct(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Value and gradient of the devices themselves, as if every one of them were known exactly."""
    return network(x)


WAYS: dict[str, Callable[[nn.Module, float, Seed], Forward]] = {
    "twin": lambda network, error, seed: through_twin,
    "layers": lambda network, error, seed: by_layer,
    "measured": MeasuredTwin,
    "direct": lambda network, error, seed: direct,
}
"""The forward pass of a fabricated network that is trained so; error: relative, of a measured frequency or power."""
SHORT = {
    "twin": "twin",
    "layers": "by layer",
    "measured": "measured twin",
    "direct": "straight",
    "deployed": "moved",
}
"""For tables."""
TITLES = {
    "twin": "trained through an ideal twin",
    "layers": "twin of wider lines, layer by layer",
    "measured": "twin of the measured devices",
    "direct": "trained straight through the devices",
}
