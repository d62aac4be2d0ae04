"""What a study returns, its page and its folder: claims, tables, figures, and all that is needed to repeat it."""

import base64
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from spinloom import __version__
from spinloom.errors import InputError
from spinloom.files import write_bytes, write_text
from spinloom.quantities import duration
from spinloom.report.claims import Claim, claims_table
from spinloom.report.style import png
from spinloom.report.tables import Table, cell, is_number


@dataclass(frozen=True)
class Plot:
    """A figure with the name of its PNG file (without suffix) and a caption that can be read without it."""

    name: str
    caption: str
    figure: Figure = field(repr=False)


@dataclass(frozen=True)
class StudyResult:
    """One run of a study.

    scale: "reduced" or "full" size of a study; "own" for what is none. summary: a few sentences, the outcome first.
    settings: everything chosen.
    data: raw numbers for machines, beside the tables for people. command: repeats this run exactly.
    seconds: wall-clock time of all the work, in this run and, `earlier`, in those whose kept stages it took.
    resumed: whether it took any.
    """

    name: str
    title: str
    scale: Literal["reduced", "full", "own"]
    summary: str
    settings: Mapping[str, Any]
    claims: tuple[Claim, ...]
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...]
    assumptions: tuple[str, ...]
    command: str
    seconds: float
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: versions())
    resumed: bool = False
    earlier: float = 0.0

    @property
    def took(self) -> str:
        """The time in words, and what of it was in earlier runs."""
        part = f"{duration(self.earlier)} of it in an earlier run whose results were kept"
        words = part if self.earlier else "with results kept by an earlier run"
        return duration(self.seconds) + (f", {words}" if self.resumed else "")

    def as_dict(self) -> dict[str, Any]:
        """Everything but the pictures, ready for JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "plots"}
        plain["claims"] = [asdict(claim) for claim in self.claims]
        plain["tables"] = [asdict(table) for table in self.tables]
        plain["figures"] = {plot.name: plot.caption for plot in self.plots}
        return plain


def versions() -> dict[str, str]:
    """Of Spinloom and of what can change its numbers."""
    found = {"spinloom": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for package in ("torch", "numpy", "scipy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a vendored build without metadata
            found[package] = "unknown"
    return found


def page(result: StudyResult, pictures: Mapping[str, bytes]) -> str:
    """The whole page; pictures: PNG bytes by name of plot."""
    loader = PackageLoader("spinloom", "report")
    made = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    made.filters["cell"], made.tests["figure"] = cell, is_number
    return made.get_template("page.html").render(
        result=result,
        claims=claims_table(result.claims) if result.claims else None,
        pictures={name: base64.b64encode(content).decode() for name, content in pictures.items()},
    )


def reserve(out: Path, study: str, command: str) -> Path:
    """Keep the command in the folder of stages, which is returned. study: its name.

    Raises InputError if `out` holds a result or stages of another study, OutputError if it cannot be written.
    """
    _require_own(out / "result.json", study)
    stages = out / ".cache"
    path = stages / "command.txt"  # a run that has no result yet, killed or still at work, has left it
    words = path.read_text(errors="replace").split() if os.path.isfile(path) else []
    if words[:2] == ["spinloom", "run"] and words[2:3] != [study]:
        raise InputError(f"{stages} holds stages of {' '.join(words[2:3])}; give {study} another --out")
    write_text(path, f"{command}\n")
    return stages


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
    pictures = {}
    for plot in result.plots:
        pictures[plot.name] = png(plot.figure)
        write_bytes(out / f"{plot.name}.png", pictures[plot.name])
    try:
        earlier = set(json.loads((out / "result.json").read_bytes())["figures"])
    except (OSError, ValueError, TypeError, KeyError):
        earlier = set()  # no result, or one that names no pictures
    for name in earlier - pictures.keys():
        (out / Path(f"{name}.png").name).unlink(missing_ok=True)
    write_text(out / "result.json", json.dumps(result.as_dict(), indent=2, default=str) + "\n")
    report = out / "report.html"
    write_text(report, page(result, pictures))
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
    grid = Grid(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for number, name in enumerate(table.columns):
        numeric = all(is_number(row[number]) or row[number] is None for row in table.rows)
        grid.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*(cell(value) for value in row))
    console.print(grid)
    if table.note:
        console.print(f"{table.note}\n", style="dim", highlight=False, markup=False)
