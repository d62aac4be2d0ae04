"""Images (integers until a network asks for numbers), spectra and points in a square, with their labels."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from reprlib import repr as short

import torch

from spinloom.errors import InputError, as_whole, unknown_name
from spinloom.seeding import Seed, generator

LOW, HIGH = 0.3, 0.7
"""A coordinate is low from 0 to LOW and high from HIGH to 1."""
NEAR, FAR = 0.25, 0.35
"""Distance from the middle of a band within which a point belongs to it, and beyond which it does not."""


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
        _require_examples(self, "images", torch.uint8, "(n, channels, height, width) with n >= 1")

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
        labels = self.labels[drawn]
        rank = torch.empty_like(labels)  # how many drawn before it have the same label
        for label in labels.unique():
            rank[labels == label] = torch.arange(int((labels == label).sum()))
        chosen = drawn[rank.argsort(stable=True)][:limit]
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
        _require_examples(self, "values", torch.float32, "(n, frequencies), none of them 0")
        low, high = float(self.values.min()), float(self.values.max())
        if not 0 <= low <= high <= 1:  # NaN neither
            raise InputError(
                f"values of {self.name!r} must be finite powers from 0 to 1, got {low:g} to {high:g}; divide by the "
                "largest power"
            )

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Points:
    """Points in a square, of two classes that no line separates.

    places: (n, 2), 0 to 1. labels: (n,), 0 or 1, equally many (one more of 0 where n is odd).
    """

    places: torch.Tensor
    labels: torch.Tensor

    def best_line(self, angles: int = 720) -> float:
        """Share of points that the best straight line gets right, chosen for these very points, 0.5 to 1."""
        turn = torch.arange(angles) * (torch.pi / angles)
        along = self.places @ torch.stack((turn.cos(), turn.sin()))
        sign = 2.0 * self.labels[along.argsort(0)] - 1  # in the order along every direction
        below = torch.cat((torch.zeros(1, angles), sign.cumsum(0)))
        ones = float(self.labels.sum())
        right = ones - below  # class 1 beyond the line, class 0 before it
        return float(torch.maximum(right, len(self.labels) - right).max()) / len(self.labels)


def _exclusive(x: torch.Tensor) -> torch.Tensor:
    """1 where one coordinate is high, 0 where none or both are, -1 between."""
    high = x >= HIGH
    return torch.where((high | (x <= LOW)).all(-1), (high[:, 0] ^ high[:, 1]).long(), -1)


def _band(distance: torch.Tensor) -> torch.Tensor:
    return torch.where(distance <= NEAR, 1, torch.where(distance >= FAR, 0, -1))


POINT_LAYOUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "exclusive or": _exclusive,
    "equal powers": lambda x: _band((x[:, 0] - x[:, 1]).abs()),
    "middle of the sum": lambda x: _band((x.sum(-1) - 1).abs()),
}
"""By name: places (n, 2) -> class, or -1 for points of the margin, which do not occur."""


def draw_points(layout: str, count: int, seed: Seed) -> Points:
    """Points drawn evenly from both classes. Raises InputError for an unknown layout or fewer than 2 points."""
    if layout not in POINT_LAYOUTS:
        raise unknown_name("layout of points", layout, POINT_LAYOUTS)
    if count < 2:
        raise InputError(f"at least 2 points are needed, one of each class, got {count}")
    x = torch.rand(16 * count + 1_000, 2, generator=generator(seed), dtype=torch.float64)
    found = POINT_LAYOUTS[layout](x)
    chosen = torch.cat([(found == k).nonzero()[: (count + 1 - k) // 2, 0] for k in (0, 1)]).sort().values
    return Points(x[chosen].float(), found[chosen])


def _require_examples(given: ImageSet | SpectraSet, part: str, dtype: torch.dtype, shape: str) -> None:
    """Raise InputError unless `part` has this type and shape, and every example an int64 label that has a class."""
    name, examples, labels, classes = given.name, getattr(given, part), given.labels, given.classes
    for which, tensor in ((part, examples), ("labels", labels)):
        if not isinstance(tensor, torch.Tensor):
            raise InputError(f"{which} must be a tensor, got {short(tensor)}; torch.from_numpy makes one of an array")
    axes = shape.partition(")")[0].count(",") + 1
    if examples.dtype != dtype or examples.ndim != axes or not examples.numel():
        wanted = f"{str(dtype).removeprefix('torch.')} {shape}"
        raise InputError(f"{part} of {name!r} must be {wanted}, got {examples.dtype} {tuple(examples.shape)}")
    if not isinstance(classes, tuple | list):
        raise InputError(f"classes of {name!r} must be the names of the classes, got {classes!r}")
    if labels.dtype != torch.int64 or labels.shape != examples.shape[:1]:
        wanted = f"int64 ({len(examples)},)"
        raise InputError(f"labels of {name!r} must be {wanted}, got {labels.dtype} {tuple(labels.shape)}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(classes):
        raise InputError(f"labels of {name!r} must be 0 to {len(classes) - 1}, got {low} to {high}")
