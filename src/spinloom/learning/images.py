"""Images on their way into a network: from stored bytes to inputs, and augmented, vectorised over images."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from spinloom.data import ImageSet
from spinloom.errors import InputError, require_count, require_finite, require_positive

MIRRORED = ("fashion-mnist", "cifar10", "cifar100")
"""Data sets whose images may be mirrored in training; digits may not."""


@dataclass(frozen=True)
class Augmentation:
    """What is done to a training batch.

    flip: mirror left-right with probability 1/2 (clothes and photographs; not digits).
    shift: move by up to so many pixels in each direction, black filled in.
    erase: blacken a square of so many pixels a side at a random place (0: none).

    Raises InputError unless shift and erase are whole numbers >= 0.
    """

    flip: bool = False
    shift: int = 0
    erase: int = 0

    def __post_init__(self) -> None:
        require_count(0, shift=self.shift, erase=self.erase)


def augment(images: torch.Tensor, how: Augmentation, source: torch.Generator) -> torch.Tensor:
    """Augmented copies of `images` (n, channels, height, width), any dtype."""
    if how.flip:
        images = flipped(images, source)
    if how.shift:
        images = shifted(images, how.shift, source)
    if how.erase:
        images = erased(images, how.erase, source)
    return images


def flipped(images: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    """Each image mirrored left-right with probability 1/2."""
    mirror = torch.rand(len(images), generator=source) < 0.5
    return torch.where(mirror[:, None, None, None], images.flip(-1), images)


def shifted(images: torch.Tensor, reach: int, source: torch.Generator) -> torch.Tensor:
    """Each image moved by an independent uniform offset in -reach..reach, zeros filled in."""
    height, width = images.shape[-2:]
    windows = F.pad(images, (reach,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    down, right = torch.randint(0, 2 * reach + 1, (2, len(images)), generator=source)
    return windows[torch.arange(len(images)), :, down, right]


def erased(images: torch.Tensor, side: int, source: torch.Generator) -> torch.Tensor:
    """Each image with one square set to zero, its centre uniform over the image."""
    height, width = images.shape[-2:]
    row = torch.randint(0, height, (len(images), 1), generator=source)
    column = torch.randint(0, width, (len(images), 1), generator=source)
    in_rows = (torch.arange(height) - row + side // 2).remainder(4 * height) < side
    in_columns = (torch.arange(width) - column + side // 2).remainder(4 * width) < side
    patch = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return images.masked_fill(patch, 0)


class Scaling:
    """Input = (pixel / 255 - mean) / deviation, per channel: the common convention, with the set's own figures."""

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        if len(mean) != len(deviation) or not mean:
            raise InputError(f"scaling needs one mean and one deviation per channel, got {mean} and {deviation}")
        require_finite("", mean=torch.tensor(mean))
        require_positive("", deviation=torch.tensor(deviation))
        self._gain = torch.tensor([1 / (255 * d) for d in deviation])[:, None, None]
        self._shift = torch.tensor([-m / d for m, d in zip(mean, deviation, strict=True)])[:, None, None]

    @classmethod
    def of(cls, data: ImageSet) -> "Scaling":
        """The scaling of a data set, the same for its training and test images. One figure serves all channels.

        Raises InputError for other numbers of figures than channels, and for a deviation that is not > 0.
        """
        if len(data.mean) not in (1, data.shape[0]):
            raise InputError(f"{data.name!r} has {data.shape[0]} channels, but means for {len(data.mean)}")
        return cls(data.mean, data.std)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (n, channels, height, width) to float32 inputs, channels last in memory (fast on CPUs)."""
        scaled = torch.addcmul(self._shift, images.float(), self._gain)
        return scaled.contiguous(memory_format=torch.channels_last)
