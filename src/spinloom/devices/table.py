"""A measured table as sweeps of SI numbers, every cell checked; errors name file, line and column.

Headers are `current_uA`, `current (mA)`, `resistance_in_plane [kOhm]`. Read line by line, not by pandas: it loses the
number of the line, which every error here names, and its fast parser of numbers may differ in the last digit.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spinloom.errors import InputError

PREFIXES = {"": 1.0, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
NUMBER = {"": ("", 1.0)}
Quantities = Mapping[str, Mapping[str, tuple[str, float]]]
"""Of a kind of table: quantity -> unit as spelled, without prefix -> (SI unit, factor)."""
WORDS: dict[str, tuple[str, float]] = {}
"""Of a quantity whose cells are text."""
MIN_POINTS = 5


class Header(NamedTuple):
    """One column: its text as written, its quantity, the SI unit and the factor into it."""

    text: str
    quantity: str
    unit: str
    factor: float


@dataclass(frozen=True)
class Table:
    """`columns` by quantity, SI numbers (rows,); `words`, (rows,) as text; `lines` (rows,) in the file."""

    path: Path
    headers: dict[str, Header]
    columns: dict[str, np.ndarray]
    words: dict[str, np.ndarray]
    lines: np.ndarray

    def where(self, row: int, quantity: str) -> str:
        """The cell in words, for an error."""
        return f"{self.path}, line {self.lines[row]}, column {self.headers[quantity].text!r}"

    def refuse(self, quantity: str, wrong: np.ndarray, text: str) -> None:
        """Raise InputError at the first row that is wrong, (rows,); `text` has {:g} where its number stands."""
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(f"{self.where(row, quantity)}: {text.format(self.columns[quantity][row])}")


@dataclass(frozen=True)
class Sweeps(Table):
    """drive: (points,), SI, increasing. names: of the devices. cell: (rows,), device * points + point of a row."""

    drive: np.ndarray
    names: tuple[str, ...]
    cell: np.ndarray

    def mean(self, column: np.ndarray) -> np.ndarray:
        """Mean over repeats, (devices, points)."""
        return (np.bincount(self.cell, column) / self.counts).reshape(len(self.names), -1)

    def deviation(self, column: np.ndarray) -> np.ndarray:
        """Standard deviation over repeats (n - 1), (devices, points); 0 where there is one row only."""
        spread = (column - self.mean(column).ravel()[self.cell]) ** 2
        variance = np.bincount(self.cell, spread) / np.maximum(self.counts - 1, 1)
        return np.sqrt(variance).reshape(len(self.names), -1)

    @property
    def counts(self) -> np.ndarray:
        """Rows of every point of every device."""
        return np.bincount(self.cell)


def read_table(path: Path, quantities: Quantities, example: str) -> Table:
    """Read a text table of these quantities: lines of `#` are comments, the first other line names the columns.

    Separated by comma, semicolon or tab, decimal point; columns without any text are left out. Raises InputError:
    unreadable, empty, binary, unknown or doubled column, a row of another length, a cell that is no finite number.
    `example` is a line of names, for the error of a file without one.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{path} is binary, not a text table in UTF-8; export it as CSV (UTF-8)")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip(" ,;\t")]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(f"{path} is empty: expected a line of column names and rows of numbers")
    separator = max(",;\t", key=lines[0][1].count)
    (first, names), *body = [(number, _cells(path, number, line, separator)) for number, line in lines]
    for line, cells in body:
        if len(cells) != len(names):
            found = f"{path}, line {line} has {len(cells)} cells, the header names {len(names)}"
            raise InputError(f"{found}; complete the row (is the file truncated, or does it write decimal commas?)")
    used = [place for place in range(len(names)) if any(cells[place].strip() for _, cells in [(first, names), *body])]
    named = [names[place] for place in used]
    if all(re.fullmatch(r"\s*[-+]?[\d.,]+(e[-+]?\d+)?\s*", cell, re.IGNORECASE) for cell in named):
        remedy = f"put a line such as '{example}' in front"
        raise InputError(f"{path}, line {first} holds numbers where the columns should be named; {remedy}")
    headers = [parse_header(cell, quantities, f"{path}, line {first}") for cell in named]
    for quantity, count in Counter(header.quantity for header in headers).items():
        if count > 1:
            raise InputError(f"{path}: column {quantity!r} stands there twice; remove one")
    columns, words = {}, {}
    for place, header in zip(used, headers, strict=True):
        if quantities[header.quantity] is WORDS:
            words[header.quantity] = np.array([cells[place].strip() for _, cells in body], dtype=str)
        else:
            columns[header.quantity] = np.array([_number(path, line, header, cells[place]) for line, cells in body])
    places = np.array([line for line, _ in body], dtype=int)
    return Table(path, {one.quantity: one for one in headers}, columns, words, places)


def arrange(table: Table, quantity: str, *, sort: bool = False) -> Sweeps:
    """Find the sweep of every device. Rows of one device with equal drive are repeats of one point.

    Repeats may stand together or as whole sweeps one after the other. Raises InputError: too few points, a
    drive that falls within a sweep (unless `sort`), devices measured at different drives.
    """
    drive, number = table.columns[quantity], dict[str, int]()
    devices = table.words["device"].tolist() if "device" in table.words else [""] * len(drive)
    place = np.array([number.setdefault(name, len(number)) for name in devices], dtype=int)
    names = tuple(f" device {name!r}" if name else "" for name in number)
    needed = f"at least {MIN_POINTS} are needed; add points"
    if not names:
        raise InputError(f"{table.path} has no rows of numbers, {needed}")
    # one sort for all, as there may be thousands of devices
    grids, starts = [], np.cumsum(np.bincount(place))[:-1]
    for name, rows in zip(names, np.split(np.argsort(place, kind="stable"), starts), strict=True):
        swept, grid = drive[rows], np.unique(drive[rows])
        if len(grid) < MIN_POINTS:
            raise InputError(f"{table.path}{name} has {len(grid)} different values of {quantity}, {needed}")
        falls = np.flatnonzero(np.diff(swept) < 0)
        whole_sweeps = len(swept) % len(grid) == 0 and bool((swept.reshape(-1, len(grid)) == grid).all())
        if len(falls) and not whole_sweeps and not sort:
            at, fallen = table.where(rows[falls[0] + 1], quantity), swept[falls[0] : falls[0] + 2]
            remedy = "sort the rows or pass sort=True (of a hysteresis loop keep one branch: both would be averaged)"
            rule = f"it falls from {fallen[0]:g} to {fallen[1]:g}, it must increase within a sweep"
            raise InputError(f"{at}: {rule}; {remedy}")
        grids.append(grid)
        if not np.array_equal(grid, grids[0]):
            other = f"{table.path}{name} is measured at other values of {quantity} than{names[0]}"
            raise InputError(f"{other}; measure or interpolate all devices at the same ones")
    cell = place * len(grids[0]) + np.searchsorted(grids[0], drive)
    return Sweeps(**vars(table), drive=grids[0], names=tuple(number), cell=cell)


def _cells(path: Path, number: int, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {number} is not a row of a text table ({error}); export it as CSV") from error


def _number(path: Path, line: int, header: Header, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        remedy = "write a decimal point" if "," in cell else "correct the cell or remove the row"
        place = f"{path}, line {line}, column {header.text!r}"
        raise InputError(f"{place}: {cell.strip()!r} is not a finite number; {remedy}")
    return number * header.factor


def parse_header(text: str, quantities: Quantities, culprit: str) -> Header:
    """What a column of `quantities` holds. `culprit`: the file. Raises InputError: unknown name, wrong or no unit."""
    name, spelled = _split(text, quantities)
    if name not in quantities:
        first = next(iter(quantities))
        known = f"known are {', '.join(quantities)}, with a unit as in {first} ({next(iter(quantities[first]))})"
        raise InputError(f"{culprit}: unknown column {text!r}; {known}")
    units = quantities[name] or NUMBER
    if not spelled and "" not in units and name != "drive":
        raise InputError(f"{culprit}: column {text!r} names no unit; write for example '{name} ({next(iter(units))})'")
    if not spelled:
        return Header(text, name, "", 1.0)
    for base, (unit, factor) in units.items():
        if base and spelled.endswith(base) and spelled.removesuffix(base) in PREFIXES:
            return Header(text, name, unit, factor * PREFIXES[spelled.removesuffix(base)])
    allowed = ", ".join(unit for unit in units if unit) if "" not in units else "no unit"
    remedy = "correct the header (prefixes are p, n, u, m, k, M, G)"
    raise InputError(f"{culprit}: column {text!r} has unit {spelled!r}, {name} takes {allowed}; {remedy}")


def _split(text: str, quantities: Quantities) -> tuple[str, str]:
    """Name (lower case, underscores) and unit (as spelled) of `name (unit)`, `name [unit]` or `name_unit`."""
    bracketed = re.fullmatch(r"\s*(.+?)\s*[(\[]\s*(.*?)\s*[)\]]\s*", text)
    if bracketed:
        return _normal(bracketed[1]), bracketed[2]
    plain = text.strip()
    for name in sorted(quantities, key=len, reverse=True):  # slope_noise is no slope in the unit "noise"
        head, tail = _normal(plain[: len(name)]), plain[len(name) :]
        if head == name and (not tail or tail[0] in "_ "):
            return name, tail[1:].strip()
    return _normal(plain), ""


def _normal(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip()).lower()
