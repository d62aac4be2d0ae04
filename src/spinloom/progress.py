"""One look for everything that takes time: what is done and what remains, on stderr; plain lines in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_EVERY = 60.0
"""s between two lines in a log."""

Report = Callable[[int, int, str], None]
"""Called as report(done, total, note) by anything that takes time."""


def silent(done: int, total: int, note: str = "") -> None:
    """A Report that shows nothing."""


@contextmanager
def bar(title: str, console: Console | None = None) -> Iterator[Report]:
    """Show how far the block is, on stderr; yields the Report that moves it.

    A bar on a terminal; elsewhere, in a log say, a plain line every minute and one for the last step.
    """
    console = console or Console(stderr=True)
    if console.is_interactive or console.is_jupyter:
        name, notes = TextColumn("{task.description:<24}"), TextColumn("{task.fields[note]}")
        way = BarColumn(bar_width=14), TaskProgressColumn(), TimeRemainingColumn(elapsed_when_finished=True)
        with Progress(name, *way, notes, console=console) as shown:
            task = shown.add_task(title, total=None, note="")

            def move(done: int, total: int, note: str = "") -> None:
                shown.update(task, completed=done, total=total, note=note)

            yield move
        return
    last, waiting = monotonic(), ""

    def report(done: int, total: int, note: str = "") -> None:
        nonlocal last, waiting
        waiting = f"{title}: {done} of {total}" + (f", {note}" if note else "")
        if monotonic() - last >= LINE_EVERY:
            console.out(waiting, highlight=False)
            last, waiting = monotonic(), ""

    try:
        yield report
    finally:
        if waiting:
            console.out(waiting, highlight=False)
