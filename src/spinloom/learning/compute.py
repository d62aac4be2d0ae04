"""Where a training runs: CPU, one GPU or several, in which precision."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinloom.errors import InputError, require_positive, unknown_name

if TYPE_CHECKING:
    from lightning_fabric import Fabric

ACCELERATORS = ("cpu", "cuda", "auto")


@dataclass(frozen=True)
class Compute:
    """accelerator: "cpu", "cuda" or "auto" (a GPU where there is one). devices: processes, one per GPU; each takes its
    share of every batch. precision: "32-true", "bf16-mixed", "16-mixed" or another that lightning-fabric knows.

    Raises InputError for an unknown accelerator or devices < 1; an unknown precision shows in `fabric`.
    """

    accelerator: str = "cpu"
    devices: int = 1
    precision: str = "32-true"

    def __post_init__(self) -> None:
        require_positive("", devices=self.devices)
        if self.accelerator not in ACCELERATORS:
            raise unknown_name("accelerator", self.accelerator, ACCELERATORS)

    @property
    def identity(self) -> dict[str, str]:
        """What the numbers depend on beyond rounding, for the names of kept stages; nothing in single precision."""
        return {} if self.precision == ON_CPU.precision else {"precision": self.precision}

    def fabric(self) -> "Fabric":
        """The Fabric that carries it. Raises InputError for an unknown precision or a device that is not there."""
        from lightning_fabric import Fabric  # a second to import

        strategy = "ddp_spawn" if self.devices > 1 else "auto"
        try:
            return Fabric(
                accelerator=self.accelerator,
                devices=self.devices,
                strategy=strategy,
                precision=self.precision,  # type: ignore[arg-type]
            )
        except Exception as error:  # lightning-fabric has many kinds, of its own and of missing packages
            raise InputError(
                f"cannot train on {self.devices} x {self.accelerator} in {self.precision}: "
                f"{' '.join(str(error).split())}; choose cpu, fewer devices or another precision (32-true)"
            ) from error


ON_CPU = Compute()
"""One process on the CPU, single precision."""
