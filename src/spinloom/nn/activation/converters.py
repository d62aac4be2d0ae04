"""Analogue-to-digital converters behind a layer's two reads."""

from dataclasses import dataclass

import torch

from spinloom.errors import InputError

MOST_BITS = 24
"""Beyond it float32 cannot tell the levels apart."""


@dataclass(frozen=True)
class Converters:
    """Resolution of the converters in bits, 1 to 24; None is a read without rounding.

    value: behind the forward read, full scale from the lowest to the highest output of the activation that the
    device stands for (-1 to 1 for tanh). slope: behind the gradient read, full scale from 0 to its largest slope, with
    the sign that the slopes have, or both. Reads beyond full scale give its end. Raises InputError for other numbers.
    """

    value: int | None = None
    slope: int | None = None

    def __post_init__(self) -> None:
        for name, bits in (("value", self.value), ("slope", self.slope)):
            if bits is not None and bits not in range(1, MOST_BITS + 1):
                raise InputError(f"the {name} converter needs 1 to {MOST_BITS} bits or None, got {bits!r}")


PLAIN = Converters()
"""Reads as they are."""


def quantised(reads: torch.Tensor, scale: tuple[float, float], bits: int | None) -> torch.Tensor:
    """Reads rounded to the nearest of 2**bits levels evenly from scale[0] to scale[1], both included."""
    if bits is None:
        return reads
    low, high = scale
    step = (high - low) / (2**bits - 1)
    wide = reads if reads.itemsize >= 4 else reads.float()  # half precision cannot count the levels
    return (((wide.clamp(low, high) - low) / step).round() * step + low).to(reads.dtype)
