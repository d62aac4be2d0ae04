"""PyTorch modules that compute with device responses, and the move of trained networks onto them."""

from spinloom.nn.activation import DeviceActivation
from spinloom.nn.affine import Affine
from spinloom.nn.convert import to_hardware
from spinloom.nn.converters import Converters
from spinloom.nn.front import shared_front
from spinloom.nn.layers import count_devices, device_layers, ideal, members, real, resample, rewind, use_gradient
from spinloom.nn.side_by_side_trial import can_stand_side_by_side

__all__ = [
    "Affine",
    "Converters",
    "DeviceActivation",
    "can_stand_side_by_side",
    "count_devices",
    "device_layers",
    "ideal",
    "members",
    "real",
    "resample",
    "rewind",
    "shared_front",
    "to_hardware",
    "use_gradient",
]
