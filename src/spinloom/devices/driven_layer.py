"""A free layer with one fixed layer and a current through both: what the radio devices have in common."""

from dataclasses import dataclass

import torch

from spinloom.devices.macrospin_mode import Mode, find_mode, require_still
from spinloom.devices.plausible import require_plausible
from spinloom.errors import InputError, require_positive
from spinloom.magnetism import (
    AngularFactor,
    Constant,
    Direction,
    Drive,
    Magnet,
    Quantity,
    SpinTransfer,
    X,
    Z,
    double,
    rate_per_current,
    unit,
)


@dataclass(frozen=True)
class DrivenLayer:
    """magnet: the free layer, a macrospin with its constant fields, without the torque of the current.

    thickness: of the free layer, m; its area is volume / thickness. polarizer: magnetisation of the fixed layer.
    start: direction from which the free layer relaxes to its equilibrium. polarization, field_like, angular_factor: of
    the torque, as in `SpinTransfer`.

    Parameters may be tensors that broadcast with what the methods take. Raises InputError for a mesh, for fields that
    change in time, for a magnet with torques, and for what `SpinTransfer` refuses.
    """

    magnet: Magnet
    thickness: Quantity
    polarizer: Direction = X
    start: Direction = Z
    polarization: Quantity = 0.6
    field_like: Quantity = 0.0
    angular_factor: AngularFactor = "constant"

    def __post_init__(self) -> None:
        require_still(self.magnet)
        require_positive("m", thickness=self.thickness)
        require_positive("", polarization=self.polarization)
        require_plausible(thickness=self.thickness, polarization=self.polarization)
        if self.magnet.torques:
            raise InputError("the device adds the torque of its current itself: give the magnet no torques")
        self.torque(Constant(0.0))
        self.fixed_layer()

    @property
    def area(self) -> torch.Tensor:
        """m^2."""
        return double(self.magnet.cell_volume) / self.thickness

    def mode(self) -> Mode:
        """Equilibrium, resonance and width of the free layer without current, closed form."""
        return find_mode(self.magnet, self.start)

    def torque(self, density: Drive) -> SpinTransfer:
        """Of a current density in A/m^2."""
        return SpinTransfer(
            density, self.thickness, self.polarization, self.polarizer, self.field_like, self.angular_factor
        )

    def fixed_layer(self) -> torch.Tensor:
        """Unit vector of the polarizer, (3, *batch)."""
        return torch.stack(torch.broadcast_tensors(*unit(self.polarizer, "polarizer")))

    def cosine(self, mode: Mode) -> torch.Tensor:
        """Between the polarizer and the free layer at rest."""
        return mode.components(self.fixed_layer())[0]

    def rate(self, cosine: Quantity) -> torch.Tensor:
        """Damping-like torque per ampere at this cosine to the polarizer, rad/(s A)."""
        a, b = self.torque(Constant(0.0)).coefficients()
        return rate_per_current(self.magnet.material, self.thickness) / (self.area * (a + b * cosine))
