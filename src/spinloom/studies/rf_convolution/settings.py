"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Train a convolutional network of resonators and oscillators, and its twin in software."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes MNIST and Fashion-MNIST where they are found, else the
    packaged sample of MNIST."""
    out: Path = Path("out/rf-convolution")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    full: bool = False
    """Whole data sets, a wider network, longer training, more seeds (hours on two cores)."""
    seeds: int | None = None
    """Networks of each kind to train (default: 5 if full, else 3)."""
    damping: float = 0.003
    """Of the resonators: half linewidth over frequency."""
    layout: str = "sequential"
    """Layout whose accuracy is compared with software: sequential, or parallel, into which the trained network is
    carried over."""
    spacing: float = 100.0
    """Linewidths between neighbouring pixels of the parallel layout, where that is asked for."""
    spread: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.05)
    """Relative spreads of frequencies and oscillator powers for the fabricated networks."""
