"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Train a radio-frequency spintronic network on drone spectra and measure what imperfect devices cost."""

    dataset: str = "drone-rf"
    """Set of spectra by name (see `spinloom data list`); `spinloom data fetch drone-rf` brings it."""
    out: Path = Path("out/rf-drones")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """The first of the seeds: of initial values, order of examples, fabrication and noise."""
    full: bool = False
    """The published size: 100 seeds instead of 20, more levels of spread (tens of minutes)."""
    seeds: int | None = None
    """Networks trained with different seeds, at least 2 (default: 100 if full, else 20)."""
    spread_seeds: int | None = None
    """Networks trained at every level of spread, at most `seeds` (default: 20 if full, else 8)."""
    epochs: int = 100
    """Passes over the training spectra."""
    batch: int = 256
    """Spectra per training step."""
    spreads: tuple[float, ...] = ()
    """Relative spreads that are trained with (default: 0.002 0.01 0.05, more if full); must contain 0.01."""
    damping: float = 0.01
    """Half linewidth of a resonator over its frequency."""
    temperature: float = 300.0
    """K, of the resonators' voltage noise in the test with noise."""
    bandwidth: float = 1e6
    """Hz, of the same noise: how fast a voltage is read."""
    measured_to: float = 0.001
    """Relative error of the frequencies and powers that the twin of the measured devices is made from."""
    rate: float = 0.04
    """Adam's largest rate of the spintronic network, in half linewidths."""
    software_rate: float = 0.0357
    """Adam's largest rate of the software network."""
    readout: float = 300.0
    """Logits per volt of the last layer."""
    transconductance: float = 0.5e-3
    """A/V, from a chain's voltage to an oscillator's current."""
    bias: float = 40e-3
    """V, added to the voltage of every hidden chain."""
