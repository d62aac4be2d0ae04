"""Trainings that are tried more than once: restarts share a device, and each begins with the best of many settings."""

from collections.abc import Callable

import torch
from torch import nn

from spinloom.nn.radio import Imperfections, fabricate, radio_layers
from spinloom.seeding import Seed


def fabricate_restarts(network: nn.Module, given: Imperfections, devices: int, seed: Seed) -> None:
    """Fabricate a network of devices x restarts members; all restarts of a device share its factors."""
    fabricate(network, given, seed)
    for layer in radio_layers(network).values():
        for name, factor in layer.named_buffers():
            if name.endswith("_factor"):
                apart = factor.unflatten(0, (devices, -1))
                factor.copy_(apart[:, :1].expand_as(apart).flatten(0, 1))


@torch.no_grad()
def keep_best_start(
    network: nn.Module, draw: Callable[[], object], loss: Callable[[], torch.Tensor], tries: int
) -> None:
    """Call `draw`, which changes trained parameters in place, `tries` times; leave every member those of least loss.

    loss: of every member, (members,), with the parameters as they are; members are the first dimension of all.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    least, kept = torch.full((len(parameters[0]),), torch.inf), [p.detach().clone() for p in parameters]
    for _ in range(tries):
        draw()
        found = loss()
        better = found < least
        least = torch.where(better, found, least)
        for parameter, keep in zip(parameters, kept, strict=True):
            keep[better] = parameter[better]
    for parameter, keep in zip(parameters, kept, strict=True):
        parameter.copy_(keep)
