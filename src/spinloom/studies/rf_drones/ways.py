"""The ways of training on imperfect devices: where the loss looks, and what its gradient flows through."""

import torch
from torch import nn

from spinloom.learning.members import Forward
from spinloom.nn.radio import RadioNetwork, radio_layers, through_twin


def by_layer(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Every layer's output from the devices, its gradient from the ideal twin of that layer at the measured input.

    In `through_twin` only the outputs of the whole network are measured, and the twin's hidden powers are its own; here
    the powers and voltages between the layers are measured too.
    """
    assert isinstance(network, RadioNetwork)
    state = network.power * x
    for layer in radio_layers(network).values():
        with torch.no_grad():
            made = layer(state)
        spread, noise = layer.spread, layer.read_noise
        twin = layer.ideal()(state)
        layer.real(spread=spread, read_noise=noise)
        state = made + (twin - twin.detach())  # the value of the devices to the last bit
    return network.readout * state


def direct(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Value and gradient of the devices themselves, as if every one of them were known exactly."""
    return network(x)


WAYS: dict[str, Forward] = {"twin": through_twin, "layers": by_layer, "direct": direct}
SHORT = {"twin": "twin", "layers": "by layer", "direct": "straight", "deployed": "moved"}
"""For tables."""
TITLES = {
    "twin": "trained through an ideal twin",
    "layers": "ideal twin, layer by layer",
    "direct": "trained straight through the devices",
}
