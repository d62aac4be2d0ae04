"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Measure how much of each imperfection a network on tunnel junctions bears, over many fabricated networks."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes Fashion-MNIST where it is found, else MNIST."""
    out: Path = Path("out/mtj-robustness")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of training, fabrication and noise."""
    full: bool = False
    """100 fabricated networks per point on all test images, longer training (several hours on two cores)."""
    weights: Path | None = None
    """Trained weights instead of training here, as for mtj-transfer."""
    response: Path | None = None
    """Your own device curve (Spinloom safetensors or CSV) instead of the simulated junction; without the sweeps of
    spread and temperature, which need a simulation."""
    junction: tuple[str, ...] = ()
    """Parameters of the simulated junction as name=value in SI units, for example diameter=80e-9 damping=0.02."""
    temperature: float = 300.0
    """K, of all sweeps but that of temperature."""
    instances: int | None = None
    """Fabricated networks per point (default: 100 if full, else 30)."""
    tolerance: float = 1.0
    """Points of mean accuracy that may be lost where the report says how much of an imperfection is borne."""
