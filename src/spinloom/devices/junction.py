"""The electrical side of a magnetic tunnel junction: conductance against angle, reading, noise of a reading."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from spinloom import units
from spinloom.devices.contract import Design
from spinloom.devices.parameters import known
from spinloom.errors import InputError, require_non_negative, require_number, require_quantity
from spinloom.magnetism import Quantity

Readout = Literal["conductance", "resistance"]


@dataclass(frozen=True)
class TunnelJunction(Design):
    """Barrier between the free layer and one reference layer.

    resistance_area: R_P A of the parallel state, ohm m^2 (1e-12 is 1 ohm um^2; read heads reach 0.5e-12, memories use
        5e-12 to 20e-12); from the slope of resistance against 1 / area.
    tmr: (R_AP - R_P) / R_P, 0.5 to 2 at room temperature for CoFeB/MgO; falls with thinner barriers.
    """

    parameters: ClassVar = known("resistance_area", "tmr", spread=True)

    resistance_area: Quantity = 1.5e-12
    tmr: Quantity = 1.0

    @property
    def contrast(self) -> Quantity:
        """(G_P - G_AP) / (G_P + G_AP) = P^2, Julliere."""
        return self.tmr / (2 + self.tmr)

    @property
    def mean_conductance(self) -> Quantity:
        """(G_P + G_AP) / 2 per area, S/m^2: the conductance at a right angle."""
        return (1 + 1 / (1 + self.tmr)) / (2 * self.resistance_area)

    def conductance(self, cosine: torch.Tensor) -> torch.Tensor:
        """Per area, S/m^2; linear in the cosine (J. C. Slonczewski, Phys. Rev. B 39, 6995 (1989))."""
        require_quantity(cosine=cosine)
        return self.mean_conductance * (1 + self.contrast * cosine)

    def read(self, cosine: torch.Tensor, readout: Readout) -> torch.Tensor:
        """What a reader calibrated at P and AP takes for the cosine.

        Reading the conductance (fixed voltage, current measured) is exact; reading the resistance (fixed current,
        voltage measured) as if it were linear bends the curve, by up to 0.34 at TMR = 1.
        """
        if readout == "conductance":
            return cosine
        if readout != "resistance":
            raise InputError(f"readout must be 'conductance' or 'resistance', got {readout!r}")
        parallel, antiparallel = self.resistance_area, self.resistance_area * (1 + self.tmr)
        resistance = 1 / self.conductance(cosine)
        return (antiparallel + parallel - 2 * resistance) / (antiparallel - parallel)

    def read_noise(self, area: Quantity, voltage: float, length: float, temperature: Quantity) -> torch.Tensor:
        """Standard deviation of the cosine from Johnson and shot noise, read for `length` (s) at `voltage` (V).

        Spectrum of a tunnel current 2 e V G coth(e V / 2 kB T): 4 kB T G at low voltage, 2 e I at high. area in m^2;
        the bandwidth is 1 / (2 length), the conductance that at a right angle. The amplifier adds its own noise.
        """
        require_quantity(area=area)
        require_number("V", "positive", voltage=voltage)
        require_number("s", "positive", length=length)
        require_non_negative("K", temperature=temperature)
        conductance = torch.as_tensor(self.mean_conductance * area, dtype=torch.float64)
        thermal = 2 * units.KB * torch.as_tensor(temperature, dtype=torch.float64)
        spectrum = 2 * units.E * voltage * conductance / torch.tanh(units.E * voltage / thermal)
        current = (spectrum / (2 * length)).sqrt()
        return current / (voltage * conductance * self.contrast)
