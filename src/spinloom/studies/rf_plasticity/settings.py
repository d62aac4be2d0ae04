"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Sparse perceptrons of resonators that find their inputs, against sparse software perceptrons."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes MNIST where it is found, else its packaged sample."""
    out: Path = Path("out/rf-plasticity")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of the first network; the others count on from it."""
    full: bool = False
    """All images, all points of the curves, more seeds (about half an hour on two cores)."""
    damping: float = 0.01
    """Of the resonators, where input frequencies are trained."""
    fixed_damping: float = 0.004
    """Of the resonators, where they are not: a linewidth of about two neighbouring inputs does best."""
    low: float = 20e6
    """Lower end of the band, Hz."""
    high: float = 120e6
    """Upper end of the band, Hz."""
    resonators: tuple[int, ...] = ()
    """Of one chain, the points of the curves, such as 10 39 157 (default: six from 10 to 784 if full, else three)."""
    seeds: int | None = None
    """Networks of every kind (default: 3 if full, else 2)."""
