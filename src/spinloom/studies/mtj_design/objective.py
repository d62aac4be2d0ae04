"""What a design is worth: distance to tanh and its gradient, spread, noise and energy, as one differentiable number."""

import math
from dataclasses import dataclass, replace

import torch

from spinloom.devices.mtj_cost import read_energy, reset_energy, write_energy
from spinloom.devices.mtj_gradient import design_curves
from spinloom.devices.mtj_neuron import TwoPolarizerMTJ
from spinloom.studies.mtj_design.noise import electrical_variance, thermal_variance

LARGEST_INPUT = 3.5
LARGEST_VOLTAGE = 0.7
"""V on a barrier, in the pulse for the largest input and in the reset."""
STIFFNESS = 10.0
"""Of the wall at the largest voltage: an excess of 1 % costs 0.001."""
STARTS = (-3 / math.sqrt(2), 0.0, 3 / math.sqrt(2))
"""Network inputs whose outputs the reset finds: their mean is that over -3 to 3 for polynomials of degree 3."""
SCALED = ("diameter", "thickness", "interface_anisotropy", "damping", "polarization", "reset_polarization")
TILTED = ("in_plane_tilt", "perpendicular_tilt")


@dataclass(frozen=True)
class Goal:
    """What stays the same during a descent.

    start: the design that energies are compared with. thermal: variance of a read of `start` by thermal motion, mean
    over the inputs, simulated. points: inputs from 0 to the largest (the other half follows by symmetry).
    spread: relative, of every parameter. energy_weight: of the energy in units of that of `start`.
    """

    start: TwoPolarizerMTJ
    thermal: float
    temperature: float
    points: int
    spread: float
    energy_weight: float

    @property
    def inputs(self) -> torch.Tensor:
        return torch.linspace(0, LARGEST_INPUT, self.points, dtype=torch.float64)


def terms(device: TwoPolarizerMTJ, goal: Goal) -> dict[str, torch.Tensor]:
    """The parts of the objective, all dimensionless, which add up to it.

    curves: mean square of (value - tanh, slope - sech^2) of the nominal device, over inputs and earlier outputs.
    spread: what the spread of every parameter adds to it, to second order, from a macrospin.
    noise: variance of a read. energy: weighted. voltage: wall.
    """
    errors = curve_errors(replace(device, resolution=None) if goal.spread else device, goal)
    curves = errors[0]
    if goal.spread and device.resolution is not None:
        curves = curve_errors(device, replace(goal, spread=0.0))[0]
    per_kelvin = thermal_variance(device, goal.inputs, 1.0) / thermal_variance(goal.start, goal.inputs, 1.0)
    return {
        "curves": curves,
        "spread": errors[1:].mean() - errors[0] if goal.spread else torch.zeros(()),
        "noise": goal.thermal * per_kelvin + electrical_variance(device, goal.temperature),
        "energy": goal.energy_weight * energy(device) / energy(goal.start),
        "voltage": STIFFNESS * (largest_voltage(device) / LARGEST_VOLTAGE - 1).clamp(min=0).square(),
    }


def curve_errors(device: TwoPolarizerMTJ, goal: Goal) -> torch.Tensor:
    """Mean square error of the curves: the nominal device and, with spread, each parameter up and down, (devices,)."""
    made = corners(device, goal.spread) if goal.spread else device
    starts = torch.tensor(STARTS, dtype=torch.float64)
    value, slope = design_curves(made, goal.inputs * device.unit_drive, starts)
    ideal = goal.inputs.tanh()[:, None]
    return ((value - ideal).square() + (slope - 1 + ideal.square()).square()).mean((-2, -1))


def corners(device: TwoPolarizerMTJ, sigma: float) -> TwoPolarizerMTJ:
    """The nominal device and 24 fabricated ones, (25, 1), every spread parameter a standard deviation up or down.

    The signs are the design of R. L. Plackett and J. P. Burman, Biometrika 33, 305 (1946) for 11 factors, and its
    mirror image: over them every parameter, and every product of two or three, averages to zero, as in a large random
    population, but without the chance of a draw that a descent would adapt to.
    """
    signs = iter(_SIGNS[:, :, None] * sigma)
    changed: dict[str, object] = {"reset_current_density": device.reset_density}
    for name in SCALED:
        value = device.anisotropy if name == "interface_anisotropy" else getattr(device, name)
        changed[name] = value * (1 + next(signs))
    for name in TILTED:
        first, second = getattr(device, name)
        changed[name] = first + math.pi / 2 * next(signs), second + math.pi / 2 * next(signs)
    return replace(device, **changed)  # type: ignore[arg-type]


def _plackett_burman() -> torch.Tensor:
    """(11, 25): a column of zeros, the design, its mirror image."""
    row = torch.tensor([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1], dtype=torch.float64)
    design = torch.stack([row.roll(k) for k in range(11)] + [-torch.ones(11, dtype=torch.float64)], dim=1)
    return torch.cat([torch.zeros(11, 1, dtype=torch.float64), design, -design], dim=1)


_SIGNS = _plackett_burman()


def energy(device: TwoPolarizerMTJ) -> torch.Tensor:
    """J of one operation at a network input of 1 (for inputs of standard deviation 1 the mean, but for saturation)."""
    write = write_energy(device, device.unit_drive.reshape(1))[0]
    return write + reset_energy(device) + read_energy(device)


def largest_voltage(device: TwoPolarizerMTJ) -> torch.Tensor:
    """V on the more loaded barrier at a right angle."""
    write = device.write_voltage(LARGEST_INPUT * device.unit_drive)
    reset = torch.as_tensor(device.reset_density / device.reset_barrier.mean_conductance)
    return torch.maximum(write, reset)
