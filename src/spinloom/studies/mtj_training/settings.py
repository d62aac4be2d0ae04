"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path

WAYS = ("software", "exact", "device", "spread", "difference")


@dataclass(frozen=True)
class Settings:
    """Train a network through the gradients of its own junctions, and tune a transferred one in place."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes Fashion-MNIST where it is found, else MNIST."""
    out: Path = Path("out/mtj-training")
    """Folder for result.json, figures and report.html; a run started again here goes on, also with more seeds."""
    seed: int = 0
    """Of the first network; the others count on from it."""
    full: bool = False
    """The published size: whole data set, larger network, more seeds (hours on two cores)."""
    ways: tuple[str, ...] = WAYS
    """Ways to train: software (tanh); on junctions with exact slopes, slopes of the device, the same with spread and
    read noise (spread), or finite differences."""
    seeds: int | None = None
    """Networks of each way (default: 5 if full, else 2)."""
    epochs: int | None = None
    """Passes over the training images (default: 8 if full, else 2)."""
    channels: tuple[int, ...] = ()
    """Convolution widths (default: 32 64 64 if full, else 16 32 32)."""
    spread: float = 0.05
    """Standard deviation of every physical parameter in the way "spread", as a fraction."""
    read_noise: float = 0.02
    """Noise added to both reads in the way "spread", as a fraction of full scale."""
    value_bits: int | None = None
    """Converter behind the forward read in the way "spread" (default: none)."""
    slope_bits: int | None = None
    """Converter behind the gradient read in the way "spread" (default: none)."""
    difference_step: float = 0.25
    """Step of the finite differences to each side, in network inputs."""
    chip_spread: float = 0.2
    """Standard deviation of every physical parameter of the instances that are tuned in place."""
    instances: int | None = None
    """Instances tuned in place (default: 5 if full, else 1); 0 leaves this part out."""
    temperature: float = 300.0
    """K."""
    junction: tuple[str, ...] = ()
    """Parameters of the simulated junction as name=value in SI units, for example diameter=80e-9 damping=0.02."""
    response: Path | None = None
    """Your own device curve (Spinloom safetensors or CSV) instead of the simulated junction; its spread, temperature
    and parameters are those of the file."""
    accelerator: str = "cpu"
    """cpu, cuda or auto, for training."""
