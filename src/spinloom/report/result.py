"""What a study returns: claims, tables, figures, and all that is needed to repeat it."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from matplotlib.figure import Figure

from spinloom import __version__
from spinloom.quantities import duration
from spinloom.report.claims import Claim
from spinloom.report.tables import Table


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
