"""A fixed gain and offset per channel."""

import torch
from torch import nn

from spinloom.errors import InputError


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
