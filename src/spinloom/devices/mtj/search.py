"""What a two-polarizer junction is worth as a neuron, as one differentiable number, and what a descent may change.

In the hand-chosen junction the curves are so good that their error is 1/200 of that of fabricated devices, so a plain
sum would not see it. Each part is therefore taken relative to the starting design:

    curves / curves_0 + spread / spread_0 + noise / noise_0 + energy_weight energy / energy_0 + wall

which is 3 + energy_weight at the start.

The noise of a read is in closed form, so that a descent can follow it. At small angles nothing but the torque acts on
m: in the coordinate u = atanh(m_x) the pulse shifts u, and a thermal kick of the angle is a kick of u that is cosh(u)
times as large. Brownian motion of an angle has the diffusion constant D = alpha gamma kB T / (Ms V (1 + alpha^2))
(W. F. Brown, Phys. Rev. 130, 1677 (1963)), so with x the network input

    var m_x = sech(x)^4 [ v0 + D tau (1 + sinh(2 x) / (2 x)) ] + sech(x)^2 2 D t_read / 3
    v0 = D tau / r (1 - exp(-2 r t_reset / tau)),   r: reset drive

where v0 is what the reset leaves of thermal motion. Against simulations at 300 K it is 3 to 6 % low in the standard
deviation for 70 to 125 ps, 80 to 120 nm, damping 0.01 to 0.03; only ratios of it are used.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch

from spinloom import units
from spinloom.devices.mtj.neuron import TwoPolarizerMTJ, read_energy, reset_energy, write_energy
from spinloom.devices.mtj.simulation import curves_and_pulse, design_curves
from spinloom.devices.response.response import Response
from spinloom.errors import InputError
from spinloom.magnetism import double, exchange_length

LARGEST_INPUT = 3.5
LARGEST_VOLTAGE = 0.7
"""V on a barrier, in the pulse for the largest input and in the reset."""
MARGIN, STIFFNESS = 0.01, 200.0
"""A wall rises from 1 % below the largest voltage, where it costs nothing, and costs 0.02 there."""
STARTS = (-3 / math.sqrt(2), 0.0, 3 / math.sqrt(2))
"""Network inputs whose outputs the reset finds: their mean is that over -3 to 3 for polynomials of degree 3."""
THERMAL_POINTS, THERMAL_READS = 29, 512
MESH_POINTS, LEAST_CELLS = 6, 10


@dataclass(frozen=True)
class Free:
    """A parameter and its bounds, SI. name: a field of the device, or "field.0" for one of a pair; title: for people.

    logarithmic: whether equal steps are equal ratios.
    """

    name: str
    unit: str
    low: float
    high: float
    title: str
    logarithmic: bool = True

    def share(self, value: float) -> float:
        """Where between the bounds a value lies. Raises InputError outside of them."""
        if not self.low <= value <= self.high:
            bounds = f"must lie between {self.low:g} and {self.high:g} {self.unit}, got {value:g} {self.unit}"
            raise InputError(f"{self.name} of the design that the descent starts from {bounds}")
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value(self, share: torch.Tensor) -> torch.Tensor:
        """The value at a share."""
        if self.logarithmic:
            return self.low * (share * math.log(self.high / self.low)).exp()
        return self.low + (self.high - self.low) * share

    def of(self, device: TwoPolarizerMTJ) -> float:
        """The value in a design with plain numbers."""
        name, _, place = self.name.partition(".")
        value = getattr(device, name)
        return float(value[int(place)] if place else value)


TILT = 20 * units.DEGREE
FREE = (
    Free("diameter", "m", 60e-9, 160e-9, "diameter"),
    Free("thickness", "m", 1e-9, 2.5e-9, "thickness"),
    Free("residual_field", "T", -20e-3, 20e-3, "residual field", logarithmic=False),
    Free("pulse", "s", 50e-12, 400e-12, "pulse"),
    Free("reset", "s", 0.1e-9, 0.6e-9, "reset"),
    Free("reset_drive", "", 1.0, 4.0, "reset drive"),
    Free("in_plane_tilt.0", "rad", -TILT, TILT, "in-plane polarizer, towards z", logarithmic=False),
    Free("in_plane_tilt.1", "rad", -TILT, TILT, "in-plane polarizer, azimuth", logarithmic=False),
    Free("perpendicular_tilt.0", "rad", -TILT, TILT, "perp. polarizer, towards x", logarithmic=False),
    Free("perpendicular_tilt.1", "rad", -TILT, TILT, "perp. polarizer, towards y", logarithmic=False),
)
"""What a descent may change, each as a share of its way between two bounds."""


@dataclass(frozen=True)
class DesignSearch:
    """What stays the same during a search for a better junction.

    start: the design to begin with and to compare with. temperature: K. points: inputs from 0 to the largest; in
    bipolar operation the other half follows by symmetry. spread: relative, of every parameter. energy_weight: what the
    energy counts beside the other parts. seed: of the one simulation that calibrates the noise.
    """

    free: ClassVar[tuple[Free, ...]] = FREE
    largest_input: ClassVar[float] = LARGEST_INPUT

    start: TwoPolarizerMTJ
    temperature: float = units.ROOM_TEMPERATURE
    points: int = 11
    spread: float = 0.05
    energy_weight: float = 1.0
    seed: int = 0

    @property
    def inputs(self) -> torch.Tensor:
        """Network inputs (points,)."""
        least, points = (-LARGEST_INPUT, 2 * self.points - 1) if self.start.operation == "single" else (0, self.points)
        return torch.linspace(least, LARGEST_INPUT, points, dtype=torch.float64)

    @cached_property
    def thermal(self) -> float:
        """Variance of one read of `start` by thermal motion alone, mean over the inputs; simulated, as a macrospin."""
        if self.temperature == 0:
            return 0.0
        drive = self.start.drives(THERMAL_POINTS, LARGEST_INPUT)
        settings: dict[str, Any] = {"temperature": self.temperature, "realizations": THERMAL_READS, "seed": self.seed}
        found = float(self.start.simulate(drive, **settings).noise.double().square().mean())
        return max(found - float(electrical_variance(self.start, self.temperature)), 0.0)

    def shares(self) -> list[float]:
        """The free parameters of `start`. Raises InputError for a design that cannot be started from."""
        for name in ("interface_anisotropy", "reset_current_density"):
            if getattr(self.start, name) is not None:
                raise InputError(f"{name} follows from the free parameters here: leave it out")
        return [free.share(free.of(self.start)) for free in FREE]

    def at(self, shares: torch.Tensor, cells: int | None = None) -> TwoPolarizerMTJ:
        """`start` with the free parameters at `shares` (n,), differentiable; cells: across, else a macrospin."""
        values: dict[str, Any] = {free.name: free.value(share) for free, share in zip(FREE, shares, strict=True)}
        for name in ("in_plane_tilt", "perpendicular_tilt"):
            values[name] = values.pop(f"{name}.0"), values.pop(f"{name}.1")
        return _on_cells(replace(self.start, **values), cells)

    def design(self, shares: list[float]) -> TwoPolarizerMTJ:
        """The same with plain numbers, as devices are built from."""
        made = self.at(torch.tensor(shares, dtype=torch.float64))
        found = {name: getattr(made, name) for name in (free.name.partition(".")[0] for free in FREE)}
        plain: Any = {k: tuple(map(float, v)) if isinstance(v, tuple) else float(v) for k, v in found.items()}
        return replace(made, **plain)

    def parts(self, device: TwoPolarizerMTJ) -> dict[str, torch.Tensor]:
        """Mean square of a read's error by cause, and the energy in J; differentiable.

        curves: (value - tanh)^2 + (slope - sech^2)^2 of the nominal device, mean over inputs and earlier outputs.
        spread: the same of fabricated devices (macrospins), every parameter a standard deviation off. noise: variance
        of a read.
        """
        made = corners(replace(device, resolution=None), self.spread) if self.spread else device
        errors = _curves(made, device.unit_drive, self.inputs)[2].mean((-2, -1))
        curves = errors[0]
        if self.spread and device.resolution is not None:
            curves = _curves(device, device.unit_drive, self.inputs)[2].mean((-2, -1))[0]
        ratio = thermal_variance(device, self.inputs, 1.0) / thermal_variance(self.start, self.inputs, 1.0)
        return {
            "curves": curves,
            "spread": errors[1:].mean() if self.spread else torch.zeros((), dtype=torch.float64),
            "noise": self.thermal * ratio + electrical_variance(device, self.temperature),
            "energy": operation_energy(device),
        }

    def before(self, cells: int | None = None) -> dict[str, float]:
        """The parts of `start`, plain numbers; cells: see `at`."""
        with torch.no_grad():
            return {name: float(part) for name, part in self.parts(_on_cells(self.start, cells)).items()}

    def terms(self, device: TwoPolarizerMTJ, before: Mapping[str, float]) -> dict[str, torch.Tensor]:
        """The terms of the objective; before: what `before` gives. Differentiable."""
        found = self.parts(device)
        terms = {name: found[name] / before[name] for name in ("curves", "spread", "noise") if before[name] > 0}
        terms["energy"] = self.energy_weight * found["energy"] / before["energy"]
        wall = (largest_voltage(device) / LARGEST_VOLTAGE - 1 + MARGIN).clamp(min=0)
        return terms | {"voltage": STIFFNESS * wall.square()}


def _on_cells(device: TwoPolarizerMTJ, cells: int | None) -> TwoPolarizerMTJ:
    """On a mesh of always the same number of cells across, so that an objective has no jumps. None: a macrospin."""
    if cells is None:
        return device
    return replace(device, resolution=float(double(device.diameter).detach()) / cells)


def operation_energy(device: TwoPolarizerMTJ) -> torch.Tensor:
    """J of one operation at a network input of 1 (for inputs of standard deviation 1 the mean, but for saturation)."""
    return write_energy(device, device.unit_drive.reshape(1))[0] + reset_energy(device) + read_energy(device)


def largest_voltage(device: TwoPolarizerMTJ) -> torch.Tensor:
    """V on the more loaded barrier at a right angle."""
    reset = torch.as_tensor(device.reset_density / device.reset_barrier.mean_conductance)
    return torch.maximum(device.write_voltage(LARGEST_INPUT * device.unit_drive), reset)


def ideal_curves(device: TwoPolarizerMTJ, points: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Curves at 0 K: inputs, value and slope (points,), means over what the reset can find, and the root mean square
    of (value - tanh, slope - sech^2) together, over that too."""
    inputs = torch.linspace(-LARGEST_INPUT, LARGEST_INPUT, points, dtype=torch.float64)
    with torch.no_grad():
        value, slope, errors = _curves(device, device.unit_drive, inputs)
    return inputs, value[0].mean(-1), slope[0].mean(-1), float(errors.mean().sqrt())


def compare_with_mesh(device: TwoPolarizerMTJ) -> tuple[float, float, float]:
    """A macrospin beside a mesh with cells of half an exchange length at most, one cycle from +z at 0 K.

    Largest over the inputs of the difference in m_x, in m_z^2, and of the non-uniformity 1 - |<m>| right after the
    pulse.
    """
    device = replace(device, operation="single", reset=1e-12)  # it starts where the reset would lead
    inputs = torch.linspace(0, LARGEST_INPUT, MESH_POINTS, dtype=torch.float64)[1:]
    drive, at_rest = inputs * device.unit_drive, torch.zeros(1, dtype=torch.float64)
    length = exchange_length(_on_cells(device, LEAST_CELLS).magnet())
    assert length is not None
    mesh = _on_cells(device, max(LEAST_CELLS, int(2 * device.diameter / float(length)) + 1))
    with torch.no_grad():
        value, slope = design_curves(device, drive, at_rest)
        mesh_value, mesh_slope, written = curves_and_pulse(mesh, drive, at_rest)
        nonuniformity = float((1 - written.norm(dim=0)).max())
    return float((mesh_value - value).abs().max()), float((mesh_slope - slope).abs().max()), nonuniformity


def distance_to_tanh(response: Response) -> float:
    """Root mean square of (value - tanh, slope - sech^2) together, over the devices and the inputs."""
    ideal = response.inputs.double().tanh()
    return float(((response.value - ideal).square() + (response.slope - 1 + ideal.square()).square()).mean().sqrt())


def refine(response: Response, points: int) -> Response:
    """The same devices on a finer grid: what is left of value and slope beside tanh is interpolated linearly."""
    inputs = response.inputs.double()
    fine = torch.linspace(float(inputs[0]), float(inputs[-1]), points, dtype=torch.float64)

    def between(curves: torch.Tensor, ideal: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        left = (curves - ideal(inputs)).numpy()
        rows = [np.interp(fine.numpy(), inputs.numpy(), row) for row in left]
        return torch.from_numpy(np.stack(rows)) + ideal(fine)

    value, slope = between(response.value, torch.tanh), between(response.slope, lambda x: 1 - x.tanh().square())
    noise, slope_noise = (between(part, torch.zeros_like) for part in (response.noise, response.slope_noise))
    drive = fine * response.unit_drive
    return replace(response, drive=drive, value=value, slope=slope, noise=noise, slope_noise=slope_noise)


_ROW = torch.tensor([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1], dtype=torch.float64)
_DESIGN = torch.stack([*(_ROW.roll(k) for k in range(11)), -torch.ones_like(_ROW)], dim=1)
_SIGNS = torch.cat([torch.zeros(11, 1, dtype=torch.float64), _DESIGN, -_DESIGN], dim=1)
"""(11, 25): a column of zeros, the design, its mirror image."""


def corners(device: TwoPolarizerMTJ, sigma: float) -> TwoPolarizerMTJ:
    """The nominal device and 24 fabricated ones, (25, 1), every spread parameter a standard deviation up or down.

    The signs are the design of R. L. Plackett and J. P. Burman, Biometrika 33, 305 (1946) for 11 factors, and its
    mirror image: over them every parameter, and every product of two or three, averages to zero, as in a large random
    population, but without the chance of a draw that a descent would adapt to. As in `TwoPolarizerMTJ.fabricate`
    the anisotropy and the reset current are those of the design. Differentiable.
    """
    signs = iter(_SIGNS[:, :, None] * sigma)
    return device.varied(lambda _, tilt=False: math.pi / 2 * next(signs) if tilt else 1 + next(signs))


def thermal_variance(device: TwoPolarizerMTJ, inputs: torch.Tensor, temperature: float) -> torch.Tensor:
    """Of one operation, mean over the network inputs (points,), see the module; differentiable."""
    damping = torch.as_tensor(device.damping, dtype=torch.float64)
    moment = device.saturation_magnetization * device.shape.volume
    diffusion = damping * units.GAMMA * units.KB * temperature / (moment * (1 + damping**2))
    pulse, drive = device.pulse, device.reset_drive
    left = diffusion * pulse / drive * (1 - torch.exp(torch.as_tensor(-2 * drive * device.reset / pulse)))
    stretch = torch.where(inputs == 0, 1.0, torch.sinh(2 * inputs) / (2 * torch.where(inputs == 0, 1.0, inputs)))
    square = 1 / torch.cosh(inputs).square()
    variance = square.square() * (left + diffusion * pulse * (1 + stretch)) + square * 2 * diffusion * device.read / 3
    return variance.mean() / len(device.polarities)


def electrical_variance(device: TwoPolarizerMTJ, temperature: float) -> torch.Tensor:
    """Tunnel and amplifier noise of one operation; differentiable in the area. Without temperature there is none."""
    if temperature == 0:
        return torch.zeros((), dtype=torch.float64)
    tunnel = device.barrier.read_noise(device.area, device.read_voltage, device.read, temperature)
    return (tunnel.square() + device.amplifier_noise**2) / len(device.polarities)


def _curves(
    made: TwoPolarizerMTJ, unit_drive: torch.Tensor, inputs: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Value, slope and the square error of both together; unit_drive: of the design that the devices share."""
    value, slope = design_curves(made, inputs * unit_drive, torch.tensor(STARTS, dtype=torch.float64))
    ideal = inputs.tanh()[:, None]
    return value, slope, (value - ideal).square() + (slope - 1 + ideal.square()).square()
