"""Points in a square, of two classes that no line separates."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from spinloom.errors import InputError, unknown_name
from spinloom.seeding import Seed, generator

LOW, HIGH = 0.3, 0.7
"""A coordinate is low from 0 to LOW and high from HIGH to 1."""
NEAR, FAR = 0.25, 0.35
"""Distance from the middle of a band within which a point belongs to it, and beyond which it does not."""


@dataclass(frozen=True)
class Points:
    """places: (n, 2), 0 to 1. labels: (n,), 0 or 1, equally many (one more of 0 where n is odd)."""

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
