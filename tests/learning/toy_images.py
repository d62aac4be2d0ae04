"""A data set that a network learns within a second: which quarter of a small image is bright."""

import torch

from spinloom.data import ImageSet


def quarters(count: int = 512, seed: int = 0, split: str = "train") -> ImageSet:
    """8x8 grey images, noise below 100, one quarter 100 brighter; the label says which."""
    source = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 100, (count, 1, 8, 8), generator=source)
    labels = torch.randint(0, 4, (count,), generator=source)
    for quarter in range(4):
        row, column = 4 * (quarter // 2), 4 * (quarter % 2)
        images[labels == quarter, :, row : row + 4, column : column + 4] += 100
    names = ("north-west", "north-east", "south-west", "south-east")
    return ImageSet("quarters", split, images.to(torch.uint8), labels, names, "made here", (0.3,), (0.2,))
