"""Where a training runs: CPU, one GPU or several, in which precision."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from spinloom.errors import InputError, require_count, unknown_name

if TYPE_CHECKING:
    from lightning_fabric import Fabric

ACCELERATORS = ("cpu", "cuda", "auto")


@dataclass(frozen=True)
class Compute:
    """accelerator: "cpu", "cuda" or "auto" (a GPU where there is one). devices: processes, one per GPU; each takes its
    share of every batch. precision: "32-true", "bf16-mixed", "16-mixed" or another that lightning-fabric knows.

    Several processes take the same steps as one, to rounding, where a network treats each image by itself: gradients
    are averaged. Dropout, read noise and the generators that modules hold draw a stream of their own in each process,
    which therefore differ from the draws of one. A batch norm normalises each share by itself; its running statistics
    are averaged over the processes after each epoch (see `average_norms`). Other buffers that a network changes are
    those of the first process. Every weight that is trained must have a part in the loss.

    Raises InputError for an unknown accelerator or devices < 1; an unknown precision shows in `fabric`.
    """

    accelerator: str = "cpu"
    devices: int = 1
    precision: str = "32-true"

    def __post_init__(self) -> None:
        require_count(devices=self.devices)
        if self.accelerator not in ACCELERATORS:
            raise unknown_name("accelerator", self.accelerator, ACCELERATORS)

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
            return Fabric(
                accelerator=self.accelerator,
                devices=self.devices,
                strategy=several if self.devices > 1 else "auto",
                precision=self.precision,  # type: ignore[arg-type]
            )
        except Exception as error:  # lightning-fabric has many kinds, of its own and of missing packages
            raise InputError(
                f"cannot train on {self.devices} x {self.accelerator} in {self.precision}: "
                f"{' '.join(str(error).split())}; choose cpu, fewer devices or another precision (32-true)"
            ) from error


ON_CPU = Compute()
"""One process on the CPU, single precision."""
