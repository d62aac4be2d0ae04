"""Energy and time of one operation of the two-polarizer junction."""

import torch

from spinloom.devices.contract import OperatingCost
from spinloom.devices.mtj_bounds import shapes
from spinloom.devices.mtj_neuron import TwoPolarizerMTJ
from spinloom.errors import InputError, require_finite
from spinloom.magnetism import double

_INSTANTS = 64


def operating_cost(device: TwoPolarizerMTJ, drive: torch.Tensor | None = None) -> OperatingCost:
    """Joule heat in the two barriers of a nominal device; drive (points,) in A/m^2, None takes `device.drives()`."""
    if drive is None:
        drive = device.drives()
    require_finite("A/m^2", drive=drive)
    drive = double(drive)
    if drive.ndim != 1:
        raise InputError(f"drive must be (points,) in A/m^2, got shape {tuple(drive.shape)}")
    several = {name: shape for name, shape in shapes(device).items() if shape not in ((), (1, 1))}
    if several:
        raise InputError(f"the cost is that of one design; these hold several devices: {', '.join(several)}")
    cycles = len(device.polarities)
    return OperatingCost(
        drive=drive,
        write_energy=write_energy(device, drive).detach(),
        reset_energy=float(reset_energy(device).detach()),
        read_energy=float(read_energy(device).detach()),
        cycle_time=cycles * (float(device.reset) + float(device.pulse) + device.read),
        assumptions=(
            f"{device.operation} operation: {cycles} cycle(s) of reset, pulse and read per activation",
            f"write: Joule heat of a {device.pulse * 1e12:.0f} ps {device.source} pulse in the in-plane junction, "
            "conductance followed along the ideal tanh trajectory",
            f"reset: {device.reset * 1e12:.0f} ps at {float(device.reset_density) / 1e10:.1f} MA/cm^2 through the "
            "perpendicular junction, taken in its parallel state (upper bound)",
            f"read: {device.read_voltage * 1e3:.0f} mV (bipolar) for {device.read * 1e12:.0f} ps, mean conductance",
            "transistors, wires, drivers, amplifiers and converters are not included",
        ),
    )


def write_energy(device: TwoPolarizerMTJ, drive: torch.Tensor) -> torch.Tensor:
    """Joule heat of the write pulses of one operation, J, (points,); drive in A/m^2. These are differentiable."""
    power = torch.stack([_write_power(device, sign * drive) for sign in device.polarities]).sum(0)
    return power * device.area * device.pulse


def reset_energy(device: TwoPolarizerMTJ) -> torch.Tensor:
    """Joule heat of the reset pulses of one operation, J, in the parallel state (upper bound)."""
    barrier = device.reset_barrier
    power = device.reset_density**2 / barrier.mean_conductance * (1 + barrier.contrast)
    return len(device.polarities) * power * device.area * device.reset


def read_energy(device: TwoPolarizerMTJ) -> torch.Tensor:
    """Joule heat of the reads of one operation, J, at a right angle."""
    return len(device.polarities) * device.read_voltage**2 * device.barrier.mean_conductance * device.area * device.read


def _write_power(device: TwoPolarizerMTJ, drive: torch.Tensor) -> torch.Tensor:
    """Mean power density over the pulse, W/m^2, (points,)."""
    time = (torch.arange(_INSTANTS, dtype=torch.float64) + 0.5) / _INSTANTS
    path = torch.tanh(drive.unsqueeze(-1) / device.unit_drive * time)
    share = 1 + device.barrier.contrast * path
    angle = share.mean(-1) if device.source == "voltage" else (1 / share).mean(-1)
    return drive**2 / device.barrier.mean_conductance * angle
