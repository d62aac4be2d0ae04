"""A measured table as columns of SI numbers, every cell checked; errors name file, line and column."""

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinloom.devices.csv_units import Header, parse_header
from spinloom.errors import InputError


@dataclass(frozen=True)
class Table:
    """`columns` by quantity, SI numbers (rows,); `devices` (rows,) as text; `lines` (rows,) in the file."""

    path: Path
    headers: dict[str, Header]
    columns: dict[str, np.ndarray]
    devices: np.ndarray
    lines: np.ndarray

    def where(self, row: int, quantity: str) -> str:
        """The cell in words, for an error."""
        return f"{self.path}, line {self.lines[row]}, column {self.headers[quantity].text!r}"


def read_table(path: Path) -> Table:
    """Read a text table: lines of `#` are comments, the first other line names the columns.

    Separated by comma, semicolon or tab, decimal point; columns without any text are left out. Raises InputError:
    unreadable, empty, binary, unknown or doubled column, a row of another length, a cell that is no finite number.
    """
    rows = _rows(path)
    if not rows:
        raise InputError(f"{path} is empty: expected a line of column names and rows of numbers")
    first, body = rows[0], rows[1:]
    for line, cells in body:
        if len(cells) != len(first[1]):
            raise InputError(
                f"{path}, line {line} has {len(cells)} cells, the header names {len(first[1])}; "
                "complete the row (is the file truncated, or does it write decimal commas?)"
            )
    used = [place for place in range(len(first[1])) if any(cells[place].strip() for _, cells in rows)]
    body = [(line, [cells[place] for place in used]) for line, cells in body]
    headers = _headers(path, first[0], [first[1][place] for place in used])
    columns = {
        header.quantity: np.array([_number(path, line, header, cells[place]) for line, cells in body])
        for place, header in enumerate(headers)
        if header.quantity != "device"
    }
    place = next((place for place, header in enumerate(headers) if header.quantity == "device"), None)
    devices = np.array(["" if place is None else cells[place].strip() for _, cells in body], dtype=str)
    lines = np.array([line for line, _ in body], dtype=int)
    return Table(path, {header.quantity: header for header in headers}, columns, devices, lines)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of every row that is neither blank nor a comment."""
    lines = [
        (number, line)
        for number, line in enumerate(_text(path).splitlines(), start=1)
        if line.strip(" ,;\t") and not line.lstrip().startswith("#")
    ]
    if not lines:
        return []
    separator = max(",;\t", key=lines[0][1].count)
    return [(number, _cells(path, number, line, separator)) for number, line in lines]


def _cells(path: Path, number: int, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {number} is not a row of a text table ({error}); export it as CSV") from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is binary, not a text table in UTF-8; export it as CSV (UTF-8)") from error
    if "\0" in text:
        raise InputError(f"{path} is binary, not a text table in UTF-8; export it as CSV (UTF-8)")
    return text


def _headers(path: Path, line: int, cells: list[str]) -> list[Header]:
    if all(re.fullmatch(r"\s*[-+]?[\d.,]+(e[-+]?\d+)?\s*", cell, re.IGNORECASE) for cell in cells):
        raise InputError(
            f"{path}, line {line} holds numbers where the columns should be named; put a line such as "
            "'drive (A),value' in front"
        )
    headers = [parse_header(cell, f"{path}, line {line}") for cell in cells]
    quantities = [header.quantity for header in headers]
    for header in headers:
        if quantities.count(header.quantity) > 1:
            raise InputError(f"{path}: column {header.quantity!r} stands there twice; remove one")
    return headers


def _number(path: Path, line: int, header: Header, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        remedy = "write a decimal point" if "," in cell else "correct the cell or remove the row"
        raise InputError(
            f"{path}, line {line}, column {header.text!r}: {cell.strip()!r} is not a finite number; {remedy}"
        )
    return number * header.factor
