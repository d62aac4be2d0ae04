"""Tables for people, printed and in the report."""

from dataclasses import dataclass

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """A titled table; every row has one cell per column. note: sentences below it, in lines.

    in_print: whether it is printed too, or stands in the report only.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    in_print: bool = True


def is_number(value: Cell) -> bool:
    """Whether a cell is a number, or a text that reads as one (a rounded figure)."""
    try:
        float(value if value is not None else "none")
    except ValueError:
        return False
    return True


def cell(value: Cell) -> str:
    """A table cell as text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value
