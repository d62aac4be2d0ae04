"""Random flips, shifts and erased patches of image batches, vectorised: no loop over images."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from spinloom.errors import require_count

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
