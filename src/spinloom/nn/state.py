"""What the state dict of a device layer holds besides its buffers' plain values, and states of earlier versions."""

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import torch

from spinloom.errors import InputError
from spinloom.nn.affine import TANH, Affine
from spinloom.nn.fabrication import count_units

if TYPE_CHECKING:
    from spinloom.nn.activation import DeviceActivation

TABLE = ("curves", "noise", "grid", "slope_noise")
"""Buffers that layers may share in memory."""


def complete(layer: "DeviceActivation", state: dict[str, Any], prefix: str) -> None:
    """Make the layer's part of a state dict fit for files: a copy of every shared table, drive scale, affine."""
    for name in TABLE:  # formats like safetensors refuse shared memory
        state[prefix + name] = state[prefix + name].clone()
    state[prefix + "drive_scale"] = torch.tensor(layer.drive_scale, dtype=torch.float64)
    if layer.affine != TANH:  # so that states of tanh, and names made from them, stay what they were
        state[prefix + "affine"] = torch.tensor(astuple(layer.affine), dtype=torch.float64)


def prepare(layer: "DeviceActivation", state: dict[str, Any], prefix: str) -> None:
    """Take drive scale and affine out of a state dict and give the layer room for the tables that are in it.

    A state without slope noise, drive scale or affine has none, 1 and that of tanh. Raises InputError for a state of
    a layer of another sharing.
    """
    _require_sharing(layer, state, prefix)
    if prefix + "noise" in state:
        state.setdefault(prefix + "slope_noise", torch.zeros_like(state[prefix + "noise"]))
        layer.drive_scale = float(state.pop(prefix + "drive_scale", 1.0))
        affine = state.pop(prefix + "affine", None)
        layer.affine = TANH if affine is None else Affine(*affine.tolist())
    for name in (*TABLE, "assignment"):
        held, given = getattr(layer, name), state.get(prefix + name)
        if given is not None and not torch.equal(held.to(given), given):
            # of the size in the file; and never write into a table that other layers share
            setattr(layer, name, torch.empty_like(given, dtype=held.dtype, device=held.device))


def _require_sharing(layer: "DeviceActivation", state: dict[str, Any], prefix: str) -> None:
    extra, assignment = state.get(prefix + "_extra_state"), state.get(prefix + "assignment")
    if extra is None or assignment is None or not extra[2]:
        return
    shape = tuple(extra[3:].tolist())
    if assignment.numel() != count_units(layer.sharing, shape):
        raise InputError(
            f"the state of {prefix.rstrip('.') or 'the layer'} has {assignment.numel()} devices for units of shape "
            f"{shape}, which is not sharing={layer.sharing!r}; make the layer with the sharing that it was saved with"
        )
