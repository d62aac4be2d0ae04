"""One look for everything that takes time: a bar with what is done and what remains, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

Report = Callable[[int, int, str], None]
"""Called as report(done, total, note) by anything that takes time."""


def silent(done: int, total: int, note: str = "") -> None:
    """A Report that shows nothing."""


@contextmanager
def bar(title: str, console: Console | None = None) -> Iterator[Report]:
    """Show a progress bar on stderr while the block runs; yields the Report that moves it."""
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=14),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as shown:
        task = shown.add_task(title, total=None, note="")

        def report(done: int, total: int, note: str = "") -> None:
            shown.update(task, completed=done, total=total, note=note)

        yield report
