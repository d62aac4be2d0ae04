"""A study's folder: kept for it before the long work, its result (JSON, PNG, one HTML page) written and printed."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from spinloom.errors import InputError
from spinloom.files import write_text
from spinloom.report.claims import claims_table
from spinloom.report.page import page
from spinloom.report.result import StudyResult
from spinloom.report.style import save
from spinloom.report.tables import Table, cell, is_number


def reserve(out: Path, study: str, command: str) -> Path:
    """Keep the command in the folder of stages, which is returned. study: its name.

    Raises InputError if `out` holds a result or stages of another study, OutputError if it cannot be written.
    """
    _require_own(out / "result.json", study)
    stages = out / ".cache"
    _require_free(stages / "command.txt", study)
    write_text(stages / "command.txt", f"{command}\n")
    return stages


def _require_free(path: Path, study: str) -> None:
    """A run that has no result yet, killed or still at work, has left its command."""
    words = path.read_text(errors="replace").split() if os.path.isfile(path) else []
    if words[:2] == ["spinloom", "run"] and words[2:3] != [study]:
        other = " ".join(words[2:3])
        raise InputError(f"{path.parent} holds stages of {other}; give {study} another --out")


def _require_own(path: Path, study: str) -> None:
    if not os.path.exists(path):  # unlike Path.exists, false for a place that cannot be looked at: writing says why
        return
    try:
        found = json.loads(path.read_bytes())
        name = found["name"] if {"name", "claims", "versions"} <= found.keys() else None
    except (OSError, ValueError, AttributeError):
        name = None
    if name != study:
        what = "no result of Spinloom" if name is None else f"a result of {name}"
        raise InputError(
            f"{path} is {what}, which {study} would replace; choose another --out, for example {path.parent / study}"
        )


def write(out: Path, result: StudyResult) -> Path:
    """Write figures, `result.json` and `report.html` into `out`, each whole or not at all; returns the report.

    Figures of the result that was there before and that this one does not have are removed.

    Raises OutputError naming the file (disk full, no permission).
    """
    pictures = {plot.name: out / f"{plot.name}.png" for plot in result.plots}
    for plot in result.plots:
        save(pictures[plot.name], plot.figure)
    _remove_figures(out, pictures)
    write_text(out / "result.json", json.dumps(result.as_dict(), indent=2, default=str) + "\n")
    report = out / "report.html"
    write_text(report, page(result, {name: path.read_bytes() for name, path in pictures.items()}))
    return report


def publish(out: Path, result: StudyResult) -> None:
    """Write the result into `out`, print it and say where the report lies. Raises OutputError as `write` does."""
    report = write(out, result)
    show(result)
    Console().print(f"\nreport: {report}", highlight=False, soft_wrap=True)


def show(result: StudyResult, console: Console | None = None) -> None:
    """Print summary, claims, tables and assumptions."""
    console = console or Console()
    console.print(f"\n[bold]{result.title}[/] ({result.scale}, {result.took})")
    console.print(result.summary, highlight=False, markup=False)
    if result.claims:
        _print(claims_table(result.claims), console)
    for table in filter(lambda table: table.in_print, result.tables):
        _print(table, console)
    console.print("\n[bold]Assumptions[/]")
    for assumption in result.assumptions:
        console.print(f"- {assumption}", highlight=False, markup=False)


def _print(table: Table, console: Console) -> None:
    console.print(_grid(table))
    if table.note:
        console.print(f"{table.note}\n", style="dim", highlight=False, markup=False)


def _grid(table: Table) -> Grid:
    grid = Grid(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for number, name in enumerate(table.columns):
        numeric = all(is_number(row[number]) or row[number] is None for row in table.rows)
        grid.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*(cell(value) for value in row))
    return grid


def _remove_figures(out: Path, kept: Collection[str]) -> None:
    """Remove the pictures of an earlier result in `out` (of other settings) that are not among `kept`, by name."""
    try:
        earlier = set(json.loads((out / "result.json").read_bytes())["figures"])
    except (OSError, ValueError, TypeError, KeyError):
        return  # no result, or one that names no pictures
    for name in earlier - set(kept):
        (out / Path(f"{name}.png").name).unlink(missing_ok=True)
