"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Train nine radio-frequency junctions on a problem that is not linearly separable."""

    out: Path = Path("out/rf-xor")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of the first of five layouts of seeds: points, fabrication, starts, order and noise; the others follow it."""
    full: bool = False
    """More devices, restarts, epochs and test points (about ten minutes on two cores)."""
    spread: float = 0.05
    """Standard deviation of frequencies, linewidths, sensitivities and powers of the devices, as a fraction."""
    temperature: float = 300.0
    """K, of the noise of chains and oscillators."""
    damping: float = 0.01
    """Half linewidth of the resonators over their frequency."""
    diameter: float = 20e-9
    """m, of all junctions, for the energies."""
