"""A bar for downloads: rich's, in the form pooch drives (total, update, reset, close)."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class Bar:
    """One file's bar. pooch sets `total` (bytes), then calls update for every chunk."""

    def __init__(self, progress: Progress, label: str, size: int) -> None:
        self._progress = progress
        self._size = size
        self._task = progress.add_task(label, total=size)

    @property
    def total(self) -> int:
        return self._size

    @total.setter
    def total(self, size: int) -> None:
        # A server that announces no length says 0; the catalogue's size is better than that.
        # A second mirror begins again.
        self._progress.update(self._task, total=size or self._size, completed=0)

    def update(self, amount: int) -> None:
        self._progress.advance(self._task, amount)

    def reset(self) -> None:
        self._progress.reset(self._task)

    def close(self) -> None:
        self._progress.refresh()


@contextmanager
def bars() -> Iterator[Progress]:
    """Bars on standard error, so that standard output stays for results."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress
