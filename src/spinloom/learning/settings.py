"""What a training is told: how images become inputs, how it goes, where it runs, and what it minimises."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.data import ImageSet
from spinloom.errors import InputError, as_whole, require_count, require_sign, unknown_name

if TYPE_CHECKING:
    from lightning_fabric import Fabric


MIRRORED = ("fashion-mnist", "cifar10", "cifar100")
"""Data sets whose images may be mirrored in training; digits may not."""


@dataclass(frozen=True)
class Augmentation:
    """What is done to a training batch.

    flip: mirror left-right with probability 1/2 (clothes and photographs; not digits). shift: move by up to so many
    pixels in each direction, black filled in. erase: blacken a square of so many pixels a side at a random place.
    Raises InputError unless shift and erase are whole numbers >= 0.
    """

    flip: bool = False
    shift: int = 0
    erase: int = 0

    def __post_init__(self) -> None:
        require_count(0, shift=self.shift, erase=self.erase)


def augment(images: torch.Tensor, how: Augmentation, source: torch.Generator) -> torch.Tensor:
    """Augmented copies of `images` (n, channels, height, width), any dtype; each image is drawn for by itself."""
    count, (height, width) = len(images), images.shape[-2:]
    if how.flip:
        mirror = torch.rand(count, generator=source) < 0.5
        images = torch.where(mirror[:, None, None, None], images.flip(-1), images)
    if how.shift:
        windows = F.pad(images, (how.shift,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        down, right = torch.randint(0, 2 * how.shift + 1, (2, count), generator=source)
        images = windows[torch.arange(count), :, down, right]
    if how.erase:
        row = torch.randint(0, height, (count, 1), generator=source)
        column = torch.randint(0, width, (count, 1), generator=source)
        in_rows = (torch.arange(height) - row + how.erase // 2).remainder(4 * height) < how.erase
        in_columns = (torch.arange(width) - column + how.erase // 2).remainder(4 * width) < how.erase
        images = images.masked_fill(in_rows[:, None, :, None] & in_columns[:, None, None, :], 0)
    return images


class Scaling:
    """Input = (pixel / 255 - mean) / deviation, per channel: the common convention, with the set's own figures."""

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        if len(mean) != len(deviation) or not mean:
            raise InputError(f"scaling needs one mean and one deviation per channel, got {mean} and {deviation}")
        require_sign("", "any", mean=torch.tensor(mean))
        require_sign("", "positive", deviation=torch.tensor(deviation))
        self._gain = torch.tensor([1 / (255 * d) for d in deviation])[:, None, None]
        self._shift = torch.tensor([-m / d for m, d in zip(mean, deviation, strict=True)])[:, None, None]

    @classmethod
    def of(cls, data: ImageSet) -> "Scaling":
        """The scaling of a data set, for its training and test images. Raises InputError for figures that cannot be.

        There must be one mean and one deviation > 0 for each channel, or for all.
        """
        if len(data.mean) not in (1, data.shape[0]):
            raise InputError(f"{data.name!r} has {data.shape[0]} channels, but means for {len(data.mean)}")
        return cls(data.mean, data.std)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (n, channels, height, width) to float32 inputs, channels last in memory (fast on CPUs)."""
        scaled = torch.addcmul(self._shift, images.float(), self._gain)
        return scaled.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    epochs: passes over the images. batch: images per step. rate: peak of the one-cycle learning rate.
    optimiser: "adam" (AdamW) or "sgd" (Nesterov momentum 0.9). weight_decay: as PyTorch's optimisers use it.
    smoothing: label smoothing, 0 to 1. seed: order of the images, augmentation and dropout.
    """

    epochs: int = 8
    batch: int = 128
    rate: float = 2e-3
    optimiser: str = "adam"
    weight_decay: float = 0.05
    smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0

    def __post_init__(self) -> None:
        require_count(epochs=self.epochs, batch=self.batch)
        if as_whole(self.seed) is None:
            raise InputError(f"seed must be a whole number, got {self.seed!r}")
        require_sign("", "positive", rate=self.rate)
        require_sign("", "non-negative", weight_decay=self.weight_decay)
        require_share(smoothing=self.smoothing)
        if self.optimiser not in ("adam", "sgd"):
            raise InputError(f"optimiser must be 'adam' or 'sgd', got {self.optimiser!r}")


@dataclass(frozen=True)
class Compute:
    """accelerator: "cpu", "cuda" or "auto" (a GPU where there is one). devices: processes, one per GPU; each takes its
    share of every batch. precision: "32-true", "bf16-mixed", "16-mixed" or another that lightning-fabric knows.

    Several processes take the same steps as one, to rounding, where a network treats each image by itself: gradients
    are averaged. Dropout, read noise and generators that modules hold draw a stream of their own in each. A batch norm
    normalises each share by itself; its running statistics are averaged after each epoch. Other buffers that a network
    changes are those of the first process. Every weight that is trained must have a part in the loss.

    Raises InputError for an unknown accelerator or devices < 1; an unknown precision shows in `fabric`.
    """

    accelerator: str = "cpu"
    devices: int = 1
    precision: str = "32-true"

    def __post_init__(self) -> None:
        require_count(devices=self.devices)
        if self.accelerator not in (known := ("cpu", "cuda", "auto")):
            raise unknown_name("accelerator", self.accelerator, known)

    @property
    def identity(self) -> dict[str, str | int]:
        """What the numbers depend on, for the names of kept stages: all that is not as in `ON_CPU`."""
        return {name: value for name, value in asdict(self).items() if value != getattr(ON_CPU, name)}

    def fabric(self) -> "Fabric":
        """The Fabric that carries it. Raises InputError for an unknown precision or a device that is not there."""
        from lightning_fabric import Fabric  # a second to import
        from lightning_fabric.strategies import DDPStrategy

        # buffers stay each process's own: the first one's in all would be statistics of a single share
        several = DDPStrategy(start_method="spawn", broadcast_buffers=False)
        try:
            return Fabric(**asdict(self), strategy=several if self.devices > 1 else "auto")
        except Exception as error:  # lightning-fabric has many kinds, of its own and of missing packages
            what, why = f"{self.devices} x {self.accelerator} in {self.precision}", " ".join(str(error).split())
            remedy = "choose cpu, fewer devices or another precision (32-true)"
            raise InputError(f"cannot train on {what}: {why}; {remedy}") from error


ON_CPU = Compute()
"""One process on the CPU, single precision."""


def require_share(**quantities: float) -> None:
    """Raise InputError unless every quantity is in 0 to 1."""
    for name, quantity in quantities.items():
        if not 0 <= quantity <= 1:  # NaN is in no range
            raise InputError(f"{name} must be in 0 to 1, got {quantity:g}")


class Objective(Protocol):
    """Called with inputs (n, ...), logits (n, classes) and labels (n,); returns the loss, a scalar."""

    def __call__(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor: ...


class Labels(nn.Module):
    """Cross-entropy with the labels; smoothing as in `torch.nn.functional.cross_entropy`."""

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        require_share(smoothing=smoothing)
        self.smoothing = smoothing

    def forward(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)


class Distillation(nn.Module):
    """Knowledge distillation (Hinton, Vinyals and Dean, arXiv 1503.02531).

    mixing * T^2 * KL(teacher || student), both softened by the temperature T, + (1 - mixing) * cross-entropy. T^2 keeps
    the gradients of both parts of one size when T changes. The teacher is used in evaluation mode and learns nothing.
    Raises InputError for a temperature <= 0 or mixing outside 0 to 1.
    """

    def __init__(self, teacher: nn.Module, temperature: float = 4.0, mixing: float = 0.7) -> None:
        super().__init__()
        require_sign("", "positive", temperature=temperature)
        require_share(mixing=mixing)
        self.teacher, self.temperature, self.mixing = teacher.eval(), temperature, mixing

    def forward(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            target = F.log_softmax(self.teacher(inputs).float() / self.temperature, dim=1)
        student = F.log_softmax(logits.float() / self.temperature, dim=1)
        soft = F.kl_div(student, target, reduction="batchmean", log_target=True)
        return self.mixing * self.temperature**2 * soft + (1 - self.mixing) * F.cross_entropy(logits, labels)

    def train(self, mode: bool = True) -> Self:
        """The teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def extra_repr(self) -> str:
        return f"temperature={self.temperature:g}, mixing={self.mixing:g}"
