"""A magnet: material, volume, terms of its effective field, torques on it."""

from dataclasses import dataclass

import torch

from spinloom.errors import require_positive
from spinloom.magnetism.drives import Drive, Quantity
from spinloom.magnetism.fields import Applied, FieldTerm, Uniaxial
from spinloom.magnetism.material import Material
from spinloom.magnetism.torques import Torque


@dataclass(frozen=True)
class Magnet:
    """One free layer, or a batch of them: every parameter may be a tensor that broadcasts over the batch.

    volume: m^3, of the magnet (of one cell on a mesh); it sets the thermal field and the total energy.
    """

    material: Material
    volume: Quantity
    fields: tuple[FieldTerm, ...] = ()
    torques: tuple[Torque, ...] = ()

    def __post_init__(self) -> None:
        require_positive("m^3", volume=self.volume)

    def energy(self, m: torch.Tensor, t: float = 0.0) -> torch.Tensor:
        """Total energy in J of the state m (3, *batch) at time t (s); shape (*batch)."""
        time = torch.tensor(t, dtype=torch.float64)
        density = torch.zeros_like(m[0])
        for term in self.fields:
            density = density + term.energy(m, self.material, time)
        return density * self.volume

    def drives(self) -> tuple[Drive, ...]:
        """Every drive, in the order in which the solvers number them: voltages, currents, fields."""
        voltages = [term.voltage for term in self.fields if isinstance(term, Uniaxial)]
        applied = [term.field for term in self.fields if isinstance(term, Applied)]
        return (*voltages, *(torque.current_density for torque in self.torques), *applied)
