"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Design a tunnel junction neuron by gradient descent, check it by micromagnetics, and move a network onto it."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes Fashion-MNIST where it is found, else MNIST."""
    out: Path = Path("out/mtj-design")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of training, fabrication and noise; the descent draws nothing at random."""
    full: bool = False
    """Descent on a mesh, finer cells, more devices (about an hour on two cores)."""
    weights: Path | None = None
    """Trained weights (safetensors or state dict) instead of training here."""
    junction: tuple[str, ...] = ()
    """The design to start from and to compare with, as name=value in SI units, for example diameter=80e-9."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction; 0 designs without it."""
    temperature: float = 300.0
    """K."""
    energy_weight: float = 1.0
    """What the energy counts beside distance, spread and noise, each relative to the starting design."""
    instances: int | None = None
    """Fabricated networks to average over (default: 20 if full, else 5)."""
