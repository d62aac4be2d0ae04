"""Which pixels a filter's window sees, and how far resonators must be detuned for wanted weights."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from spinloom.errors import InputError

LAYOUTS = ("sequential", "parallel")


@dataclass(frozen=True)
class Windows:
    """Geometry of a convolution: square kernel, one stride and one padding for both directions.

    Raises InputError for sizes that cannot be.
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        for name, least in (("channels", 1), ("kernel", 1), ("stride", 1), ("padding", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(f"{name} of a convolution must be a whole number >= {least}, got {value!r}")
        if self.padding >= self.kernel:
            raise InputError(
                f"a padding of {self.padding} leaves windows of kernel {self.kernel} without a pixel; use less than it"
            )

    @property
    def taps(self) -> int:
        """Pixels of one window, over all channels."""
        return self.channels * self.kernel**2

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of positions. Raises InputError where the kernel is larger than the padded image."""
        if min(height, width) < 1 or self.kernel > min(height, width) + 2 * self.padding:
            raise InputError(
                f"a kernel of {self.kernel} does not fit into an image of {height} x {width} with a padding of "
                f"{self.padding}; use a smaller kernel, a larger image or more padding"
            )
        rows, columns = ((side + 2 * self.padding - self.kernel) // self.stride + 1 for side in (height, width))
        return rows, columns

    def pixels(self, height: int, width: int) -> torch.Tensor:
        """Index of the pixel (of channels x height x width, flattened) under every tap, (positions, taps), int64.

        Taps in the order of `torch.nn.Conv2d`: channel, row, column. -1 where a tap lies in the padding.
        """
        self.output(height, width)
        index = torch.arange(self.channels * height * width, dtype=torch.float64).view(1, self.channels, height, width)
        padded = F.pad(index, (self.padding,) * 4, value=-1.0)
        return F.unfold(padded, self.kernel, stride=self.stride)[0].T.long()


def detunings(weights: torch.Tensor, linewidth: float) -> torch.Tensor:
    """Shifts (half linewidths of the initial frequency) that give one resonator, alone, these weights at its input.

    weights: in units of the sensitivity, sign of the resonator in the chain included. Beyond -1 to 1, which no
    resonator reaches, the nearest weight is taken. The smaller of the two shifts is returned. Inverse of
    2 x / (1 + x^2), x = (exp(-linewidth shift) - 1) / linewidth the distance, in half linewidths of the shifted
    resonator.
    """
    held = weights.clamp(-1, 1)
    x = held / (1 + (1 - held.square()).sqrt())
    return -torch.log1p(linewidth * x) / linewidth
