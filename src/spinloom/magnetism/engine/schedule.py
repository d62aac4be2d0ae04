"""When to step: pieces of time between the edges of the drives, in whole steps, and the drives at each instant."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from spinloom.magnetism.drives import Drive
from spinloom.magnetism.magnet import TIME_UNIT

_MOST_EDGES = 64


class Piece(NamedTuple):
    """`steps` equal steps from `start` to `end` (s)."""

    start: float
    end: float
    steps: int

    @property
    def step(self) -> float:
        """In the solver's unit of time."""
        return (self.end - self.start) / self.steps / TIME_UNIT


def pieces(
    drives: Sequence[Drive], start: float, end: float, step: float, records: int, cut: bool = False
) -> list[tuple[Piece, int]]:
    """Cut [start, end] at the edges of the drives; no step is longer than `step`.

    Each piece comes with the number of records, evenly spaced, the last at its end, that fall into it. Without edges
    there is one piece with all of them; with edges, or with `cut`, each record ends a piece.
    """
    slack = 1e-6 * min(step, (end - start) / records)
    trains = [drive.breakpoints() for drive in drives]  # a long train of pulses: steps may straddle its edges
    every = {edge for train in trains if len(train) <= _MOST_EDGES for edge in train}
    edges = sorted(edge for edge in every if start + slack < edge < end - slack)
    if not edges and not cut:
        steps = math.ceil((end - start) / step / records * (1 - 1e-9)) * records
        return [(Piece(start, end, steps), records)]
    marks = [start + (end - start) * (k + 1) / records for k in range(records - 1)] + [end]
    edges = [edge for edge in edges if min(abs(edge - mark) for mark in marks) > slack]
    cuts = sorted([(start, 0), *((edge, 0) for edge in edges), *((mark, 1) for mark in marks)])
    return [
        (Piece(a, b, max(1, math.ceil((b - a) / step * (1 - 1e-9)))), record)
        for (a, _), (b, record) in itertools.pairwise(cuts)
    ]


def waves(drives: Sequence[Drive], piece: Piece, first: int, steps: int, shape: torch.Size) -> torch.Tensor:
    """Waveforms at every half step of `steps` steps from step `first` on: (2 steps + 1, channels, *batch or 1s).

    At the edges of the piece the limit from inside counts.
    """
    inside = 1e-9 * (piece.end - piece.start)
    count = torch.arange(2 * first, 2 * (first + steps) + 1, dtype=torch.float64)
    t = piece.start + (piece.end - piece.start) * count / (2 * piece.steps)
    t = t.clamp(piece.start + inside, piece.end - inside).reshape(-1, *[1] * len(shape))
    tables = [drive.waveform(t) for drive in drives]
    if not tables:
        return t.new_zeros((t.shape[0], 0, *[1] * len(shape)))
    if any(table.numel() != t.numel() for table in tables):
        tables = [table.expand(t.shape[0], *shape) for table in tables]
    return torch.stack(tables, dim=1)
