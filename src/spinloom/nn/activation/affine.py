"""What stands around the devices of a layer: scale and shift, around it or by channel in front, and converters."""

from dataclasses import dataclass

import torch
from torch import nn

from spinloom.errors import InputError, require_finite


@dataclass(frozen=True)
class Affine:
    """activation(x) = output_offset + output_gain * device(input_gain * (x - input_centre)).

    All numbers are dimensionless (network units). The slope becomes output_gain * input_gain * slope(...), the noise
    output_gain * noise. Raises InputError unless all are finite, input_gain > 0 and output_gain not 0.
    """

    input_gain: float = 1.0
    input_centre: float = 0.0
    output_gain: float = 1.0
    output_offset: float = 0.0

    def __post_init__(self) -> None:
        require_finite("", **vars(self))
        if not self.input_gain > 0:
            raise InputError(f"input_gain must be > 0, got {self.input_gain:g}; negate the output instead")
        if self.output_gain == 0:
            raise InputError("output_gain must not be 0: the activation would be a constant, without devices")

    @property
    def gain(self) -> float:
        """Slope of the activation over slope of the device."""
        return self.output_gain * self.input_gain

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value of the activation where the device goes from -1 to 1."""
        half = abs(self.output_gain)
        return self.output_offset - half, self.output_offset + half


TANH = Affine()
SIGMOID = Affine(input_gain=0.5, output_gain=0.5, output_offset=0.5)
"""sigma(x) = (1 + tanh(x/2)) / 2, an identity."""


def hardtanh(low: float = -1.0, high: float = 1.0) -> Affine:
    """clip(x, low, high) as mid + half * device((x - mid) / half).

    An approximation: a tanh-like device rounds the two corners (off by up to 0.24 half-widths, at the corner).
    Raises InputError unless low < high.
    """
    if not low < high:
        raise InputError(f"hardtanh needs min_val < max_val, got {low:g} and {high:g}")
    middle, half = (low + high) / 2, (high - low) / 2
    return Affine(1 / half, middle, half, middle)


def affine_of(module: nn.Module) -> Affine:
    """The affine for a Tanh, Sigmoid or Hardtanh module."""
    if isinstance(module, nn.Sigmoid):
        return SIGMOID
    if isinstance(module, nn.Hardtanh):
        return hardtanh(module.min_val, module.max_val)
    return TANH


class ChannelAffine(nn.Module):
    """x (n, channels, ...) -> gain * x + offset, channel by channel, same shape.

    In front of neurons: the scale of each channel's drive, and the bias current of its neurons. gain, offset:
    (channels,), dimensionless; kept as buffers, which training does not change.
    Raises InputError unless both have the one same dimension.
    """

    gain: torch.Tensor
    offset: torch.Tensor

    def __init__(self, gain: torch.Tensor, offset: torch.Tensor) -> None:
        super().__init__()
        if gain.ndim != 1 or gain.shape != offset.shape:
            given = f"{tuple(gain.shape)} and {tuple(offset.shape)}"
            raise InputError(f"gain and offset must both have shape (channels,), got {given}")
        self.register_buffer("gain", gain.detach().clone())
        self.register_buffer("offset", offset.detach().clone())

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # the name that batch norm has for it
        return (input.movedim(1, -1) * self.gain + self.offset).movedim(-1, 1)

    def extra_repr(self) -> str:
        return f"channels={self.gain.numel()}"


_MOST_BITS = 24
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
            if bits is not None and bits not in range(1, _MOST_BITS + 1):
                raise InputError(f"the {name} converter needs 1 to {_MOST_BITS} bits or None, got {bits!r}")


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
