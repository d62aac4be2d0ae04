"""What can be chosen. This file imports nothing heavy, so that --help is quick."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Move a deep image network onto magnetic tunnel junctions, and tune it there for one pass."""

    dataset: str = "auto"
    """cifar10, cifar100 or another data set of images (see `spinloom data list`); auto takes CIFAR-10 where it is
    found, else the packaged digits."""
    out: Path = Path("out/mtj-deep")
    """Folder for result.json, figures and report.html; a killed run started again here resumes."""
    seed: int = 0
    """Of training, fabrication and noise."""
    full: bool = False
    """Whole data set, the published kind of network, more instances (hours on two cores)."""
    network: str = "resnet20"
    """resnet20 or densenet."""
    weights: str = ""
    """Trained weights instead of training here: a file (safetensors or state dict) or the name of a shipped checkpoint
    (see `spinloom weights`)."""
    start: Path | None = None
    """Weights of a ReLU ResNet-20 (names as in He's layout) to start from: its activations slide to tanh while it
    teaches the new network."""
    start_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Mean of the pixels (0 to 1) that the start network was trained with."""
    start_std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Standard deviation of the pixels (0 to 1) that the start network was trained with."""
    epochs: int | None = None
    """Passes over the training images (default: 10 with a start network, else 60, if full; 8 if not)."""
    junction: tuple[str, ...] = ()
    """Parameters of the simulated junction as name=value in SI units, for example diameter=80e-9 damping=0.02."""
    response: Path | None = None
    """Your own device curve (Spinloom safetensors or CSV) instead of the simulated junction; its spread, temperature
    and parameters are those of the file."""
    spread: float = 0.05
    """Standard deviation of every physical parameter of the fabricated devices, as a fraction."""
    temperature: float = 300.0
    """K."""
    instances: int | None = None
    """Fabricated instances to average over (default: 5 if full, else 2)."""
    tuned: int | None = None
    """Instances tuned in place for one pass, the first of the fabricated ones (default: 2 if full, else 1); 0 leaves
    this part out."""
    accelerator: str = "cpu"
    """cpu, cuda or auto, for training."""
    devices: int = 1
    """GPUs (or processes) to train on."""
    precision: str = "32-true"
    """Of training, as lightning-fabric names it: 32-true, bf16-mixed, 16-mixed."""
