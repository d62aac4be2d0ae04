"""What the parameters of a two-polarizer junction can be, and what a run of it can be asked for."""

from dataclasses import fields
from typing import TYPE_CHECKING

import torch

from spinloom.devices.parameters import require_parameters, require_plausible
from spinloom.errors import (
    InputError,
    require_count,
    require_finite,
    require_non_negative,
    require_number,
)
from spinloom.magnetism import double

if TYPE_CHECKING:
    from spinloom.devices.mtj_neuron import TwoPolarizerMTJ

_WORDS = {
    "operation": ("bipolar", "single"),
    "source": ("voltage", "current"),
    "readout": ("conductance", "resistance"),
}
MOST_POLARIZATION = {"voltage": 1.0, "current": 0.95}
"""By source. At fixed current the torque of a half-metal grows without bound as m turns against the polarizer, and no
step is short enough; 0.95 is more than a room-temperature TMR of 6 (Julliere: 0.87) stands for."""


def require_design(device: "TwoPolarizerMTJ") -> None:
    """Raise InputError for an impossible device; SpinloomWarning for one that looks like a slip of the unit."""
    d = device
    require_parameters(d)
    for name, allowed in _WORDS.items():
        if getattr(d, name) not in allowed:
            first, second = allowed
            raise InputError(f"{name} must be {first!r} or {second!r}, got {getattr(d, name)!r}")
    for name in ("barrier", "reset_barrier"):
        if not hasattr(getattr(d, name), "resistance_area"):
            raise InputError(f"{name} must be a TunnelJunction, got {getattr(d, name)!r}")
    _require_shapes(d)
    _require_polarization(d)


def require_run(drive: torch.Tensor | None, devices: int, temperature: float, dtype: torch.dtype) -> None:
    """Raise InputError for a drive that is no increasing (points,), a count below 1, a temperature below 0.

    SpinloomWarning for a drive or a temperature that looks like a slip of the unit.
    """
    require_count(devices=devices)
    require_number("K", temperature=temperature)
    require_non_negative("K", temperature=temperature)
    require_plausible(temperature=temperature)
    require_float(dtype)
    if drive is None:
        return
    require_finite("A/m^2", drive=drive)
    given = double(drive).detach()
    if given.ndim != 1 or len(given) < 2 or not bool((given.diff() > 0).all()):
        raise InputError(
            f"drive must be (points,), 2 or more that increase strictly, in A/m^2; got shape {tuple(given.shape)}, "
            f"{float(given.min()):g} to {float(given.max()):g} A/m^2"
        )
    require_plausible(current_density=given.abs().max())


def shapes(device: "TwoPolarizerMTJ") -> dict[str, tuple[int, ...]]:
    """Of all parameters that are tensors, by name."""
    given = {part.name: getattr(device, part.name) for part in fields(device)}
    return {name: tuple(value.shape) for name, value in given.items() if isinstance(value, torch.Tensor)}


def _require_shapes(device: "TwoPolarizerMTJ") -> None:
    counts = set()
    for name, shape in shapes(device).items():
        if shape and (len(shape) != 2 or shape[1] != 1):
            raise InputError(f"{name} must be one number or a tensor (devices, 1), got shape {shape}")
        counts |= {shape[0]} if shape else set()
    if len(counts - {1}) > 1:
        raise InputError(
            f"parameters belong to different numbers of devices: {sorted(counts)}; give each one per device"
        )


def _require_polarization(device: "TwoPolarizerMTJ") -> None:
    most = MOST_POLARIZATION[device.source]
    for name in ("polarization", "reset_polarization"):
        largest = float(double(getattr(device, name)).detach().max())
        if most < largest <= 1:  # above 1 whatever the source: `require_plausible`
            raise InputError(
                f"{name} must be at most {most:g} with source={device.source!r}, got {largest:g}: the torque "
                "would grow without bound where m is opposite to the polarizer; lower it or use source='voltage'"
            )


def require_float(dtype: torch.dtype) -> None:
    """Raise InputError for a type that simulations do not have."""
    if dtype not in (torch.float32, torch.float64):
        raise InputError(f"dtype must be torch.float32 or torch.float64, got {dtype!r}")
