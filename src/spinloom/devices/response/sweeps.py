"""Rows of a table arranged as devices x points, with the repeats of each point together."""

from dataclasses import dataclass

import numpy as np

from spinloom.devices.response.table import Table
from spinloom.errors import InputError

MIN_POINTS = 5


@dataclass(frozen=True)
class Sweeps:
    """drive: (points,), SI, increasing. devices: names. cell: (rows,), device * points + point of a row."""

    drive: np.ndarray
    devices: tuple[str, ...]
    cell: np.ndarray

    def mean(self, column: np.ndarray) -> np.ndarray:
        """Mean over repeats, (devices, points)."""
        return (np.bincount(self.cell, column) / np.bincount(self.cell)).reshape(self._shape)

    def deviation(self, column: np.ndarray) -> np.ndarray:
        """Standard deviation over repeats (n - 1), (devices, points); 0 where there is one row only."""
        spread = (column - self.mean(column).ravel()[self.cell]) ** 2
        counts = np.bincount(self.cell)
        return np.sqrt(np.bincount(self.cell, spread) / np.maximum(counts - 1, 1)).reshape(self._shape)

    @property
    def repeats(self) -> tuple[int, int]:
        """Fewest and most rows of any point."""
        counts = np.bincount(self.cell)
        return int(counts.min()), int(counts.max())

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.devices), len(self.drive)


def arrange(table: Table, quantity: str, *, sort: bool = False) -> Sweeps:
    """Find the sweep of every device. Rows of one device with equal drive are repeats of one point.

    Repeats may stand together or as whole sweeps one after the other. Raises InputError: too few points, a
    drive that falls within a sweep (unless `sort`), devices measured at different drives.
    """
    drive = table.columns[quantity]
    number: dict[str, int] = {}
    place = np.array([number.setdefault(name, len(number)) for name in table.devices.tolist()], dtype=int)
    names = tuple(number)
    if not names:
        raise InputError(f"{table.path} has no rows of numbers, at least {MIN_POINTS} are needed; add points")
    grids = []
    for name, rows in zip(names, _rows_of_each(place, len(names)), strict=True):
        grid = np.unique(drive[rows])
        if len(grid) < MIN_POINTS:
            raise InputError(
                f"{table.path}{_of(name)} has {len(grid)} different values of {quantity}, "
                f"at least {MIN_POINTS} are needed; add points"
            )
        if not sort:
            _require_order(table, quantity, rows, grid)
        grids.append(grid)
    _require_equal(table, quantity, names, grids)
    return Sweeps(grids[0], names, place * len(grids[0]) + np.searchsorted(grids[0], drive))


def _rows_of_each(place: np.ndarray, devices: int) -> list[np.ndarray]:
    """The rows of every device in the order of the file; one sort for all, as there may be thousands."""
    return np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place, minlength=devices))[:-1])


def _require_order(table: Table, quantity: str, rows: np.ndarray, grid: np.ndarray) -> None:
    drive = table.columns[quantity][rows]
    falls = np.flatnonzero(np.diff(drive) < 0)
    whole_sweeps = len(drive) % len(grid) == 0 and bool((drive.reshape(-1, len(grid)) == grid).all())
    if len(falls) and not whole_sweeps:
        row = rows[falls[0] + 1]
        raise InputError(
            f"{table.where(row, quantity)}: it falls from {drive[falls[0]]:g} to {drive[falls[0] + 1]:g}, "
            "it must increase within a sweep; sort the rows or pass sort=True (of a hysteresis loop keep one branch: "
            "up and down would be averaged)"
        )


def _require_equal(table: Table, quantity: str, names: tuple[str, ...], grids: list[np.ndarray]) -> None:
    for name, grid in zip(names, grids, strict=True):
        if not np.array_equal(grid, grids[0]):
            raise InputError(
                f"{table.path}{_of(name)} is measured at other values of {quantity} than{_of(names[0])}; "
                "measure or interpolate all devices at the same ones"
            )


def _of(name: str) -> str:
    return f" device {name!r}" if name else ""
