"""From stored bytes to network inputs: one affine map, the same for training, test and hardware."""

import torch

from spinloom.data.imageset import ImageSet
from spinloom.errors import InputError


class Scaling:
    """Input = (pixel / 255 - mean) / deviation, per channel: the common convention, with the set's own figures."""

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        if len(mean) != len(deviation) or min(deviation) <= 0:
            raise InputError(f"scaling needs one mean and deviation > 0 per channel, got {mean} and {deviation}")
        self._gain = torch.tensor([1 / (255 * d) for d in deviation])[:, None, None]
        self._shift = torch.tensor([-m / d for m, d in zip(mean, deviation, strict=True)])[:, None, None]

    @classmethod
    def of(cls, data: ImageSet) -> "Scaling":
        """The scaling of a data set, the same for its training and test images."""
        return cls(data.mean, data.std)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (n, channels, height, width) to float32 inputs, channels last in memory (fast on CPUs)."""
        scaled = torch.addcmul(self._shift, images.float(), self._gain)
        return scaled.contiguous(memory_format=torch.channels_last)
