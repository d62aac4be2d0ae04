"""The two-polarizer junction: one free layer whose m_x is the activation and whose m_z^2 is its gradient.

A voltage pulse through the junction with the in-plane reference layer (p = x) turns m from +z. For a pure damping-like
torque a_J the pulse of length tau ends at m_x = tanh(a_J tau), m_z = sech(a_J tau), so that m_z^2 is the derivative of
tanh. A pulse through the junction with the perpendicular reference layer (p = z) then brings m back to +z.

Published idea: Rodrigues et al., arXiv 2409.02528; no geometry or material is published: all of these are our choice,
for which `docs/device.md` gives reasons and figures.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom import units
from spinloom.devices.contract import Device, OperatingCost
from spinloom.devices.mtj.design import JunctionDesign, shapes
from spinloom.devices.mtj.simulation import read_population
from spinloom.devices.parameters import Spread, as_spread, require_plausible
from spinloom.devices.response.response import Response
from spinloom.errors import InputError, as_whole, require_count, require_finite, require_number
from spinloom.magnetism import double
from spinloom.seeding import child_seed, generator

_INSTANTS = 64
READS, MESH_READS = 1024, 64
"""Thermal realisations shared among the devices when the number is left open, of macrospins (at least 16 for each) and
of devices resolved in space (at least 4)."""


@dataclass(frozen=True)
class TwoPolarizerMTJ(JunctionDesign, Device):
    """Parameters of one device, SI. Numbers or tensors that broadcast over the devices (shape (devices, 1)).

    diameter, thickness: of the free layer, m. saturation_magnetization: A/m. damping: Gilbert.
    residual_field: what the perpendicular anisotropy leaves over the shape anisotropy, T (2 K_eff / Ms); the
        interfacial anisotropy follows from it and the geometry.
    interface_anisotropy: J/m^2; None derives it as said. polarization, reset_polarization: of the in-plane and of the
        perpendicular reference layer. field_like: ratio to the damping-like torque.
    operation: "bipolar" (pulse and opposite pulse, half the difference is read) or "single".
    source: "voltage" (torque independent of angle) or "current" (MTJ angular factor).
    pulse: write pulse, s. reset: reset pulse, s; reset_drive: its strength in units of the drive that stands for 1.
    reset_current_density: A/m^2; None derives it from reset_drive. Fabricated devices share that of their design.
    barrier: junction at the in-plane reference layer; reset_barrier: at the perpendicular one.
    read_voltage: V, bipolar so that reading exerts no net torque. read: s. readout: conductance or resistance.
    amplifier_noise: of each read, fraction of full scale, on top of the tunnel noise.
    in_plane_tilt, perpendicular_tilt: errors of direction of the polarizers, (first, second) angle in rad.
    resolution: length of a cell in m; the free layer is then resolved in space (`magnet`), with modes of motion
        that a macrospin cannot have. None: a macrospin. exchange_stiffness: A, J/m, of the resolved layer.
    """

    noun: ClassVar[str] = "junction"

    def simulate(
        self,
        drive: torch.Tensor | None = None,
        *,
        spread: float | Spread | None = None,
        devices: int = 1,
        temperature: float = units.ROOM_TEMPERATURE,
        realizations: int | None = None,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> Response:
        """The response of `devices` fabricated devices, drives x devices x realisations in one batch.

        drive: (points,), A/m^2, None takes `drives()`. Each realisation starts in a random earlier output of the same
        device, is reset, written and read, so what the reset leaves counts as noise. At 0 K there is one realisation
        and it starts at +z. A bipolar operation is two such cycles.

        value: mean of m_x as read; slope: mean of the square of m_z as read; noise and slope_noise: standard deviations
        of one read of m_x and of m_z^2, thermal motion, tunnel (Johnson and shot) and amplifier noise together.

        Differentiable at 0 K in every parameter and in `drive`. The same seed gives the same response.
        Raises InputError for impossible counts, temperatures or drives (SpinloomWarning where one looks like a slip of
        the unit) and PhysicsError where the dynamics leave the step.
        """
        if self.unit_drive.numel() != 1:
            raise InputError("thickness, polarization and saturation_magnetization of a design must be single numbers")
        if dtype not in (torch.float32, torch.float64):
            raise InputError(f"dtype must be torch.float32 or torch.float64, got {dtype!r}")
        require_count(devices=devices)
        require_number("K", "non-negative", temperature=temperature)
        require_plausible(temperature=temperature)
        if drive is not None:
            require_finite("A/m^2", drive=drive)
            given = double(drive).detach()
            if given.ndim != 1 or len(given) < 2 or not bool((given.diff() > 0).all()):
                found = f"got shape {tuple(given.shape)}, {float(given.min()):g} to {float(given.max()):g} A/m^2"
                raise InputError(f"drive must be (points,), 2 or more that increase strictly, in A/m^2; {found}")
            require_plausible(current_density=given.abs().max())
        drive = self.drives(121 if self.resolution is None else 61) if drive is None else torch.as_tensor(drive)
        least, shared = (16, READS) if self.resolution is None else (4, MESH_READS)
        count = realizations if realizations is not None else max(least, shared // max(devices, 1))
        if temperature == 0:
            count = 1
        elif (as_whole(count) or 0) < 2:
            needed = f"a whole number >= 2 at {temperature:g} K (a spread needs two)"
            raise InputError(f"realizations must be {needed}, got {count!r}")
        spread, source = as_spread(spread), generator(seed)
        made, signs = self.fabricate(devices, spread, source), self.polarities
        cycles = [read_population(made, sign * drive, count, temperature, child_seed(source), dtype) for sign in signs]
        value = torch.as_tensor(sum(sign * reads[0] for sign, reads in zip(signs, cycles, strict=True)))
        gradient = torch.as_tensor(sum(reads[1].square() for reads in cycles))
        value, gradient = value / len(cycles), gradient / len(cycles)
        noise = torch.zeros(devices, 2, dtype=dtype)  # variance of the value and the gradient read; none at 0 K
        if temperature:
            how = (made.area, self.read_voltage, self.read, temperature)
            tunnel = [barrier.read_noise(*how).detach().reshape(-1) for barrier in (made.barrier, made.reset_barrier)]
            noise = torch.stack([each.expand(devices) for each in tunnel], dim=-1).to(dtype).square()
            noise = noise + self.amplifier_noise**2
        thermal, slope_thermal = (reads.var(-1) if count > 1 else 0 * reads[..., 0] for reads in (value, gradient))
        # (m_z + n)^2 of one cycle varies by 4 m_z^2 n^2 + 2 n^4 for a normal n
        squared = (4 * gradient.mean(-1) * noise[:, 1] + 2 * noise[:, 1].square()) / len(cycles)
        metadata = {"device": "mtj-neuron", "temperature": f"{temperature:g} K", "realizations": str(count)}
        metadata |= {"seed": str(seed), "spread": str(spread)}
        metadata["resolution"] = "macrospin" if self.resolution is None else f"{self.resolution * 1e9:g} nm"
        value, slope = value.mean(-1).T, (gradient.mean(-1) + noise[:, 1]).T
        variances = (thermal + noise[:, 0] / len(cycles), slope_thermal + squared)
        read, read_slope = (variance.detach().sqrt().T for variance in variances)
        unit = float(self.unit_drive.detach())
        return Response(drive.to(dtype), value, slope, read, unit, "A/m^2", metadata, read_slope)

    def cost(self, drive: torch.Tensor | None = None) -> OperatingCost:
        """Joule heat in the two barriers of one design; drive (points,) in A/m^2, None takes `drives()`."""
        drive = self.drives() if drive is None else drive
        require_finite("A/m^2", drive=drive)
        drive = double(drive)
        if drive.ndim != 1:
            raise InputError(f"drive must be (points,) in A/m^2, got shape {tuple(drive.shape)}")
        several = {name: shape for name, shape in shapes(self).items() if shape not in ((), (1, 1))}
        if several:
            raise InputError(f"the cost is that of one design; these hold several devices: {', '.join(several)}")
        cycles = len(self.polarities)
        written = write_energy(self, drive).detach()
        reset, read = (float(energy(self).detach()) for energy in (reset_energy, read_energy))
        cycle_time = cycles * (float(self.reset) + float(self.pulse) + self.read)
        assumptions = (
            f"{self.operation} operation: {cycles} cycle(s) of reset, pulse and read per activation",
            f"write: Joule heat of a {self.pulse * 1e12:.0f} ps {self.source} pulse in the in-plane junction, "
            "conductance followed along the ideal tanh trajectory",
            f"reset: {self.reset * 1e12:.0f} ps at {float(self.reset_density) / 1e10:.1f} MA/cm^2 through the "
            "perpendicular junction, taken in its parallel state (upper bound)",
            f"read: {self.read_voltage * 1e3:.0f} mV (bipolar) for {self.read * 1e12:.0f} ps, mean conductance",
            "transistors, wires, drivers, amplifiers and converters are not included",
        )
        return OperatingCost(drive, written, reset, read, cycle_time, assumptions)


def write_energy(device: JunctionDesign, drive: torch.Tensor) -> torch.Tensor:
    """Joule heat of the write pulses of one operation, J, (points,); drive in A/m^2. These are differentiable."""
    time, powers = (torch.arange(_INSTANTS, dtype=torch.float64) + 0.5) / _INSTANTS, []
    for given in (sign * drive for sign in device.polarities):
        share = 1 + device.barrier.contrast * torch.tanh(given.unsqueeze(-1) / device.unit_drive * time)
        angle = share.mean(-1) if device.source == "voltage" else (1 / share).mean(-1)
        powers.append(given**2 / device.barrier.mean_conductance * angle)  # W/m^2
    return torch.stack(powers).sum(0) * device.area * device.pulse


def reset_energy(device: JunctionDesign) -> torch.Tensor:
    """Joule heat of the reset pulses of one operation, J, in the parallel state (upper bound)."""
    power = device.reset_density**2 / device.reset_barrier.mean_conductance * (1 + device.reset_barrier.contrast)
    return len(device.polarities) * power * device.area * device.reset


def read_energy(device: JunctionDesign) -> torch.Tensor:
    """Joule heat of the reads of one operation, J, at a right angle."""
    return len(device.polarities) * device.read_voltage**2 * device.barrier.mean_conductance * device.area * device.read
