"""What a design is worth: distance to tanh and its gradient, spread, noise and energy, as one differentiable number.

In the hand-chosen junction the curves are so good that their error is 1/200 of that of fabricated devices, so a plain
sum would not see it. Each part is therefore taken relative to the starting design:

    curves / curves_0 + spread / spread_0 + noise / noise_0 + energy_weight energy / energy_0 + wall

which is 3 + energy_weight at the start.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from spinloom.devices import TwoPolarizerMTJ, design_curves, read_energy, reset_energy, write_energy
from spinloom.studies.mtj_design.corners import corners
from spinloom.studies.mtj_design.noise import electrical_variance, thermal_variance

LARGEST_INPUT = 3.5
LARGEST_VOLTAGE = 0.7
"""V on a barrier, in the pulse for the largest input and in the reset."""
MARGIN, STIFFNESS = 0.01, 200.0
"""A wall rises from 1 % below the largest voltage, where it costs nothing, and costs 0.02 there."""
STARTS = (-3 / math.sqrt(2), 0.0, 3 / math.sqrt(2))
"""Network inputs whose outputs the reset finds: their mean is that over -3 to 3 for polynomials of degree 3."""


@dataclass(frozen=True)
class Goal:
    """What stays the same during a descent.

    start: the design to compare with. thermal: variance of one read of `start` by thermal motion, mean over the inputs,
    simulated at `temperature` (K). points: inputs from 0 to the largest; in bipolar operation the other half follows by
    symmetry.
    spread: relative, of every parameter. energy_weight: see the module.
    """

    start: TwoPolarizerMTJ
    thermal: float
    temperature: float
    points: int
    spread: float
    energy_weight: float

    @property
    def inputs(self) -> torch.Tensor:
        """Network inputs (points,)."""
        if self.start.operation == "single":
            return torch.linspace(-LARGEST_INPUT, LARGEST_INPUT, 2 * self.points - 1, dtype=torch.float64)
        return torch.linspace(0, LARGEST_INPUT, self.points, dtype=torch.float64)


def parts(device: TwoPolarizerMTJ, goal: Goal) -> dict[str, torch.Tensor]:
    """Mean square of a read's error by cause, and the energy in J; differentiable.

    curves: (value - tanh)^2 + (slope - sech^2)^2 of the nominal device, mean over inputs and earlier outputs.
    spread: the same of fabricated devices (macrospins), every parameter a standard deviation off. noise: variance of a
    read.
    """
    point = replace(device, resolution=None)
    made = corners(point, goal.spread) if goal.spread else point
    errors = curve_errors(made, device.unit_drive, goal.inputs)
    resolved = device.resolution is not None
    curves = curve_errors(device, device.unit_drive, goal.inputs)[0] if resolved else errors[0]
    ratio = thermal_variance(device, goal.inputs, 1.0) / thermal_variance(goal.start, goal.inputs, 1.0)
    return {
        "curves": curves,
        "spread": errors[1:].mean() if goal.spread else torch.zeros((), dtype=torch.float64),
        "noise": goal.thermal * ratio + electrical_variance(device, goal.temperature),
        "energy": energy(device),
    }


def relative(
    device: TwoPolarizerMTJ, found: Mapping[str, torch.Tensor], before: Mapping[str, float], weight: float
) -> dict[str, torch.Tensor]:
    """The terms of the objective of `device` with the parts `found`; before: the parts of the starting design."""
    terms = {name: found[name] / before[name] for name in ("curves", "spread", "noise") if before[name] > 0}
    terms["energy"] = weight * found["energy"] / before["energy"]
    terms["voltage"] = STIFFNESS * (largest_voltage(device) / LARGEST_VOLTAGE - 1 + MARGIN).clamp(min=0).square()
    return terms


def curve_errors(made: TwoPolarizerMTJ, unit_drive: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Mean square error of value and slope together, (devices,); unit_drive: of the design that the devices share."""
    value, slope = design_curves(made, inputs * unit_drive, torch.tensor(STARTS, dtype=torch.float64))
    ideal = inputs.tanh()[:, None]
    return ((value - ideal).square() + (slope - 1 + ideal.square()).square()).mean((-2, -1))


def energy(device: TwoPolarizerMTJ) -> torch.Tensor:
    """J of one operation at a network input of 1 (for inputs of standard deviation 1 the mean, but for saturation)."""
    write = write_energy(device, device.unit_drive.reshape(1))[0]
    return write + reset_energy(device) + read_energy(device)


def largest_voltage(device: TwoPolarizerMTJ) -> torch.Tensor:
    """V on the more loaded barrier at a right angle."""
    write = device.write_voltage(LARGEST_INPUT * device.unit_drive)
    reset = torch.as_tensor(device.reset_density / device.reset_barrier.mean_conductance)
    return torch.maximum(write, reset)
