"""The torque of a current that flows through a texture."""

from dataclasses import dataclass

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite, require_positive
from spinloom.magnetism.drives import Drive, Quantity, double, require_drive
from spinloom.magnetism.magnet import Torque
from spinloom.magnetism.material import Material
from spinloom.magnetism.vectors import Direction, Triple, X, unit


@dataclass(frozen=True)
class ZhangLi(Torque):
    """Torque of a current that flows through the texture itself, in Gilbert's equation

        dm/dt = ... - (u.grad) m + xi m x (u.grad) m,     u = -P mu_B J / (e Ms (1 + xi^2))

    (S. Zhang and Z. Li, Phys. Rev. Lett. 93, 127204 (2004)). Textures move along u, with the electrons, that is against
    the current. Needs a mesh.

    current_density: Drive, A/m^2. direction: of the current, normalised here. polarization: P in (0, 1].
    nonadiabaticity: xi, 0 to 0.1.
    """

    ORDER = 5

    current_density: Drive
    polarization: Quantity
    nonadiabaticity: Quantity = 0.0
    direction: Direction = X

    def __post_init__(self) -> None:
        require_drive(current_density=self.current_density)
        require_positive("", polarization=self.polarization)
        require_finite("", nonadiabaticity=self.nonadiabaticity)
        if bool((torch.as_tensor(self.polarization) > 1).any()):
            raise InputError("polarization must be at most 1 (0.6 means 60 %)")

    @property
    def drive(self) -> Drive:
        return self.current_density

    @property
    def couples(self) -> bool:
        return True

    def velocity(self, material: Material) -> Triple:
        """u in m/s for a drive of 1 times its amplitude."""
        xi, ms = double(self.nonadiabaticity), double(material.saturation_magnetization)
        speed = -double(self.polarization) * units.MU_B * double(self.current_density.amplitude)
        speed = speed / (units.E * ms * (1 + xi**2))
        x, y, z = unit(self.direction, "direction of the current")
        return speed * x, speed * y, speed * z
