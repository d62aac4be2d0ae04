"""What a ferromagnet is made of."""

from dataclasses import dataclass

from spinloom import units
from spinloom.errors import require_non_negative, require_positive
from spinloom.magnetism.drives import Quantity


@dataclass(frozen=True)
class Material:
    """Constants of a ferromagnet; each may be a tensor that broadcasts over the batch.

    saturation_magnetization: A/m, 1e5 (ferrimagnet, doped CoFeB) to 1.7e6 (Fe); from magnetometry.
    damping: Gilbert damping, 0.003 to 0.05 in thin CoFeB; from the ferromagnetic-resonance linewidth.
    gamma: gyromagnetic ratio, rad/(s T). At 0 K every rate is proportional to it, so it also stretches time: a duration
        gets a gradient by a gamma proportional to it (`devices/mtj/gradient.py`).
    """

    saturation_magnetization: Quantity
    damping: Quantity
    gamma: Quantity = units.GAMMA

    def __post_init__(self) -> None:
        require_positive("A/m", saturation_magnetization=self.saturation_magnetization)
        require_non_negative("", damping=self.damping)
        require_positive("rad/(s T)", gamma=self.gamma)
