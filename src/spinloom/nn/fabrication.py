"""Which device of the population serves which unit of a layer."""

import math

import torch

from spinloom.errors import InputError, unknown_name

SHARINGS = ("unit", "channel", "shared")


def sharing_error(given: object) -> InputError:
    return unknown_name("sharing", str(given), SHARINGS)


def count_units(sharing: str, shape: tuple[int, ...]) -> int:
    """Devices that a layer over units of `shape` needs. Raises InputError for a sharing that the shape cannot have."""
    if sharing == "shared":
        return 1
    if sharing == "channel":
        if not shape:
            raise InputError('sharing="channel" needs input (batch, channels, ...), got (batch,)')
        return shape[0]
    return math.prod(shape)


def draw_devices(sharing: str, shape: tuple[int, ...], population: int, source: torch.Generator) -> torch.Tensor:
    """The device of each unit (or channel, or layer), (count,) int32.

    Without replacement if the population is large enough, else independent draws.
    """
    count = count_units(sharing, shape)
    if count <= population:
        return torch.randperm(population, generator=source)[:count].int()
    return torch.randint(population, (count,), generator=source, dtype=torch.int32)


def rows_of_units(devices: torch.Tensor, sharing: str, shape: tuple[int, ...]) -> torch.Tensor:
    """`devices` spread over the flattened units, (units,)."""
    if sharing == "shared":
        return devices.repeat(math.prod(shape))
    return devices.repeat_interleave(math.prod(shape[1:])) if sharing == "channel" else devices
