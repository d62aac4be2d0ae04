"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Train a small network on junctions, with and without a large teacher in software."""

    dataset: str = "auto"
    """Data set by name (see `spinloom data list`); auto takes Fashion-MNIST where it is found, else MNIST. Colour
    images get residual networks, others plain convolutional ones."""
    out: Path = Path("out/mtj-distillation")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of the teacher and the devices; students take this and the following ones."""
    full: bool = False
    """Whole data set, longer training (half an hour on two cores)."""
    seeds: int | None = None
    """Pairs of students (default: 3 if full, else 2)."""
    images: tuple[int, ...] = ()
    """Training images of the students, one comparison for each number (default: 2000 6000 if full, else 1000); a
    teacher that is trained here learns from all."""
    epochs: int | None = None
    """Passes of a student over its images (default: 120,000 images in all if full, else 60,000)."""
    teacher: str = ""
    """Trained weights of the teacher instead of training it here: a file (safetensors or state dict) or the name of a
    shipped checkpoint (see `spinloom weights`)."""
    temperature: float = 4.0
    """Of the softened outputs."""
    mixing: float = 0.9
    """Weight of the teacher beside the labels, 0 to 1."""
    noise_aware: bool = False
    """Draw anew at every step of training which device serves which neuron, and measure on draws of their own."""
    junction: tuple[str, ...] = ()
    """Parameters of the simulated junction as name=value in SI units, for example diameter=80e-9 damping=0.02."""
    response: Path | None = None
    """Your own device curve (Spinloom safetensors or CSV) instead of the simulated junction; its spread, temperature
    and parameters are those of the file."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction."""
    kelvin: float = 300.0
    """Temperature of the junctions, K."""
