"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Move a tanh network onto simulated magnetic tunnel junctions and measure what is lost."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes Fashion-MNIST where it is found, else MNIST."""
    out: Path = Path("out/mtj-transfer")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of training, fabrication and noise."""
    full: bool = False
    """The published size: whole data set, longer training, more instances (about a quarter of an hour on two cores)."""
    weights: Path | None = None
    """Trained weights instead of training here: a file (safetensors or state dict) or the name of a shipped checkpoint
    (see `spinloom weights`)."""
    response: Path | None = None
    """Your own device curve (Spinloom safetensors or CSV) instead of the simulated junction; its spread, temperature
    and parameters are those of the file."""
    junction: tuple[str, ...] = ()
    """Parameters of the simulated junction as name=value in SI units, for example diameter=80e-9 damping=0.02."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction."""
    temperature: float = 300.0
    """K."""
    instances: int | None = None
    """Fabricated instances to average over (default: 20 if full, else 5)."""
    mac_energy: float = 0.23e-12
    """J per multiply-accumulate of the weights, for the estimate beside the junctions' energy."""
