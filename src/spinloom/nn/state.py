"""What the state dict of a device layer holds besides its buffers' plain values, and states of earlier versions."""

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from spinloom.nn.activation import DeviceActivation

TABLE = ("curves", "noise", "grid", "slope_noise")
"""Buffers that layers may share in memory."""


def complete(layer: "DeviceActivation", state: dict[str, Any], prefix: str) -> None:
    """Make the layer's part of a state dict fit for files: a copy of every shared table, and the drive scale."""
    for name in TABLE:  # formats like safetensors refuse shared memory
        state[prefix + name] = state[prefix + name].clone()
    state[prefix + "drive_scale"] = torch.tensor(layer.drive_scale, dtype=torch.float64)


def prepare(layer: "DeviceActivation", state: dict[str, Any], prefix: str) -> None:
    """Take the drive scale out of a state dict and give the layer room for the tables that are in it.

    A state without slope noise or drive scale, of an earlier version, has none and 1.
    """
    if prefix + "noise" in state:
        state.setdefault(prefix + "slope_noise", torch.zeros_like(state[prefix + "noise"]))
        layer.drive_scale = float(state.pop(prefix + "drive_scale", 1.0))
    for name in (*TABLE, "assignment"):
        held, given = getattr(layer, name), state.get(prefix + name)
        if given is not None and not torch.equal(held.to(given), given):
            # of the size in the file; and never write into a table that other layers share
            setattr(layer, name, torch.empty_like(given, dtype=held.dtype, device=held.device))
