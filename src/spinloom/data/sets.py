"""Images (integers until a network asks for numbers) and spectra, with their labels."""

from dataclasses import dataclass, field, replace
from reprlib import repr as short

import torch

from spinloom.errors import InputError, as_whole
from spinloom.seeding import Seed, generator


@dataclass(frozen=True)
class ImageSet:
    """One split of a data set.

    images: uint8 (n, channels, height, width), 0 black to 255. labels: int64 (n,), indices into `classes`.
    split: "train" or "test". source: where it was read, in words.
    mean, std: per channel, of the *training* images with pixels in 0 to 1 (train and test are scaled alike).

    Raises InputError for other shapes or types, or a label without a class.
    """

    name: str
    split: str
    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    source: str = field(compare=False)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        images = self.images
        _require_tensors(images=images, labels=self.labels)
        if images.dtype != torch.uint8 or images.ndim != 4 or len(images) == 0:
            raise InputError(
                f"images of {self.name!r} must be uint8 (n, channels, height, width) with n >= 1, "
                f"got {images.dtype} {tuple(images.shape)}"
            )
        _require_labels(self.name, self.labels, len(images), self.classes)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def as_float(self, *, normalise: bool = True) -> torch.Tensor:
        """Pixels as float32 (n, channels, height, width): in 0 to 1, or (pixel - mean) / std."""
        pixels = self.images.to(torch.float32).div_(255)
        if not normalise:
            return pixels
        mean, std = (torch.tensor(row, dtype=torch.float32).view(-1, 1, 1) for row in (self.mean, self.std))
        return pixels.sub_(mean).div_(std)

    def take(self, limit: int | None, seed: Seed = 0) -> "ImageSet":
        """At most `limit` images, drawn without replacement, as evenly over the classes as they allow.

        The same seed draws the same images, and a larger limit adds to those of a smaller one. None takes
        all, in their own order. Raises InputError for a limit below 1.
        """
        if limit is None:
            return self
        if (as_whole(limit) or 0) < 1:
            raise InputError(f"limit must be a whole number, at least 1 image, got {limit!r}; leave it out for all")
        drawn = torch.randperm(len(self), generator=generator(seed))
        chosen = drawn[_rank_in_class(self.labels[drawn]).argsort(stable=True)][:limit]
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])


@dataclass(frozen=True)
class SpectraSet:
    """One split of a set of spectra.

    values: float32 (n, frequencies), powers in units of the largest that can be, 0 to 1. labels: int64 (n,), indices
    into `classes`. split: "train" or "test". source: where it was read, in words.

    Raises InputError for other shapes or types, values that are not finite or outside 0 to 1, a label without a class.
    """

    name: str
    split: str
    values: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    source: str = field(compare=False)

    def __post_init__(self) -> None:
        values = self.values
        _require_tensors(values=values, labels=self.labels)
        if values.dtype != torch.float32 or values.ndim != 2 or 0 in values.shape:
            raise InputError(
                f"spectra of {self.name!r} must be float32 (n, frequencies), none of them 0, got {values.dtype} "
                f"{tuple(values.shape)}"
            )
        if not bool(values.isfinite().all()) or not 0 <= float(values.min()) <= float(values.max()) <= 1:
            raise InputError(
                f"spectra of {self.name!r} must be finite powers from 0 to 1, got {float(values.min()):g} to "
                f"{float(values.max()):g}; divide by the largest power"
            )
        _require_labels(self.name, self.labels, len(values), self.classes)

    def __len__(self) -> int:
        return len(self.labels)


def _require_tensors(**given: torch.Tensor) -> None:
    """Raise InputError for what is no tensor."""
    for name, tensor in given.items():
        if not isinstance(tensor, torch.Tensor):
            raise InputError(f"{name} must be a tensor, got {short(tensor)}; torch.from_numpy makes one of an array")


def _require_labels(name: str, labels: torch.Tensor, examples: int, classes: tuple[str, ...]) -> None:
    """Raise InputError unless there is a label for every example, int64, and a class for every label."""
    if not isinstance(classes, tuple | list):
        raise InputError(f"classes of {name!r} must be the names of the classes, got {classes!r}")
    if labels.dtype != torch.int64 or tuple(labels.shape) != (examples,):
        raise InputError(f"labels of {name!r} must be int64 ({examples},), got {labels.dtype} {tuple(labels.shape)}")
    if int(labels.min()) < 0 or int(labels.max()) >= len(classes):
        low, high = int(labels.min()), int(labels.max())
        raise InputError(f"labels of {name!r} must be 0 to {len(classes) - 1}, got {low} to {high}")


def _rank_in_class(labels: torch.Tensor) -> torch.Tensor:
    """How many earlier images have the same label, (n,)."""
    rank = torch.empty_like(labels)
    for label in labels.unique():
        members = labels == label
        rank[members] = torch.arange(int(members.sum()))
    return rank
