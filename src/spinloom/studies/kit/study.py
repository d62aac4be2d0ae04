"""A function becomes a study. Imports nothing heavy, so that --help is quick."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from spinloom.studies.kit.parts import Sizes

if TYPE_CHECKING:
    from spinloom.report import StudyResult

Body = Callable[..., None]


def study(title: str, sizes: Sizes | None = None, name: str = "") -> Callable[[Body], "Callable[[Any], StudyResult]"]:
    """Make `body(run, settings, size)` a study: a function of its settings that writes, prints and returns the result.

    title: of the report. name: as typed on the command line; without it that of the module (mtj_transfer.py is
    mtj-transfer). sizes: what has a reduced and a full size.

    The study raises InputError for settings, weights or devices that cannot be used, OutputError if `out` cannot be
    written.
    """

    def made(body: Body) -> "Callable[[Any], StudyResult]":
        @wraps(body)
        def run(settings: Any) -> "StudyResult":
            from spinloom.studies.kit.run import Run  # imports torch: not needed for --help

            named = name or body.__module__.rpartition(".")[2].replace("_", "-")
            return Run(body, named, title, settings, sizes or Sizes()).carry_out()

        return run

    return made
