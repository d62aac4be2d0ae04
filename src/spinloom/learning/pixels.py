"""From stored bytes to network inputs: one affine map, the same for training, test and hardware."""

import torch

from spinloom.data import ImageSet
from spinloom.errors import InputError, require_finite, require_positive


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
