"""A tunnel junction's electrical side, and what the two-polarizer junction is made of: free layer, torques, spread."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self

import torch

from spinloom import magnetism, units
from spinloom.devices.contract import Design
from spinloom.devices.parameters import KNOWN, Parameter, Spread, as_spread, known
from spinloom.errors import InputError, require_count, require_number, require_quantity, require_sign
from spinloom.magnetism import Drive, Magnet, Material, Quantity, SpinTransfer, Triple, double, rate_per_current
from spinloom.seeding import Seed, generator

Readout = Literal["conductance", "resistance"]
_WORDS = {"operation": ("bipolar", "single"), "source": ("voltage", "current")}
_WORDS["readout"] = ("conductance", "resistance")
MOST_POLARIZATION = {"voltage": 1.0, "current": 0.95}
"""By source. At fixed current the torque of a half-metal grows without bound as m turns against the polarizer, and no
step is short enough; 0.95 is more than a room-temperature TMR of 6 (Julliere: 0.87) stands for."""
LEAST_CELLS = 3
"""Across a layer that is resolved in space."""


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
        require_sign("K", "non-negative", temperature=temperature)
        conductance = double(self.mean_conductance * area)
        thermal = 2 * units.KB * double(temperature)
        spectrum = 2 * units.E * voltage * conductance / torch.tanh(units.E * voltage / thermal)
        current = (spectrum / (2 * length)).sqrt()
        return current / (voltage * conductance * self.contrast)


@dataclass(frozen=True)
class JunctionDesign(Design):
    """The parameters of a `TwoPolarizerMTJ`, which says what they are, and the magnet that they make."""

    parameters: ClassVar = {
        **known("diameter", "thickness", "polarization", spread=True),
        **known("damping", sign="non-negative", spread=True),
        **known("interface_anisotropy", spread="anisotropy"),
        **known("reset_polarization", spread="polarization"),
        **known("saturation_magnetization", "exchange_stiffness", "residual_field", "field_like"),
        **known("pulse", "reset", "read", "read_voltage", "amplifier_noise", "resolution", single=True),
        "reset_current_density": KNOWN["current_density"],
        "reset_drive": Parameter(),
        **dict.fromkeys(("in_plane_tilt", "perpendicular_tilt"), replace(KNOWN["tilt"], spread="polarizer_angle")),
    }

    diameter: Quantity = 120e-9
    thickness: Quantity = 1.6e-9
    saturation_magnetization: Quantity = 2.5e5
    damping: Quantity = 0.01
    residual_field: Quantity = 0.5e-3
    interface_anisotropy: Quantity | None = None
    polarization: Quantity = 0.6
    reset_polarization: Quantity = 0.6
    field_like: Quantity = 0.1
    operation: Literal["bipolar", "single"] = "bipolar"
    source: Literal["voltage", "current"] = "voltage"
    pulse: Quantity = 0.125e-9
    reset: Quantity = 0.3e-9
    reset_drive: Quantity = 2.5
    reset_current_density: Quantity | None = None
    barrier: TunnelJunction = field(default_factory=TunnelJunction)
    reset_barrier: TunnelJunction = field(default_factory=TunnelJunction)
    read_voltage: float = 0.1
    read: float = 40e-12
    readout: Readout = "conductance"
    amplifier_noise: float = 0.005
    in_plane_tilt: tuple[Quantity, Quantity] = (0.0, 0.0)
    perpendicular_tilt: tuple[Quantity, Quantity] = (0.0, 0.0)
    resolution: float | None = None
    exchange_stiffness: Quantity = 1e-11

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, allowed in _WORDS.items():
            if getattr(self, name) not in allowed:
                first, second = allowed
                raise InputError(f"{name} must be {first!r} or {second!r}, got {getattr(self, name)!r}")
        for name in ("barrier", "reset_barrier"):
            if not hasattr(getattr(self, name), "resistance_area"):
                raise InputError(f"{name} must be a TunnelJunction, got {getattr(self, name)!r}")
        counts = set()
        for name, shape in shapes(self).items():
            if shape and (len(shape) != 2 or shape[1] != 1):
                raise InputError(f"{name} must be one number or a tensor (devices, 1), got shape {shape}")
            counts |= {shape[0]} if shape else set()
        if len(counts - {1}) > 1:
            raise InputError(f"parameters are of different numbers of devices: {sorted(counts)}; give one per device")
        most = MOST_POLARIZATION[self.source]
        for name in ("polarization", "reset_polarization"):
            largest = float(double(getattr(self, name)).detach().max())
            if most < largest <= 1:  # above 1 whatever the source: `require_parameters`
                bound = f"{name} must be at most {most:g} with source={self.source!r}, got {largest:g}"
                remedy = "the torque knows no bound where m opposes the polarizer; lower it or use source='voltage'"
                raise InputError(f"{bound}: {remedy}")

    @property
    def shape(self) -> magnetism.EllipticCylinder:
        return magnetism.EllipticCylinder(self.diameter, self.diameter, self.thickness)

    @property
    def polarities(self) -> tuple[int, ...]:
        """Sign of the pulse in each cycle of one operation."""
        return (1, -1) if self.operation == "bipolar" else (1,)

    @property
    def area(self) -> torch.Tensor:
        """m^2."""
        return self.shape.area

    @property
    def anisotropy(self) -> torch.Tensor:
        """Interfacial anisotropy K_i, J/m^2: given, or what leaves `residual_field` over the shape anisotropy."""
        if self.interface_anisotropy is not None:
            return double(self.interface_anisotropy)
        ms = double(self.saturation_magnetization)
        nx, _, nz = self.shape.demagnetizing_factors()
        return self.thickness * (units.MU0 * ms**2 * (nz - nx) + ms * self.residual_field) / 2

    @property
    def unit_drive(self) -> torch.Tensor:
        """Current density at which a_J tau = 1, A/m^2: the drive that stands for a network input of 1.

        For a voltage drive it is the current density at a right angle, V / (R A).
        """
        material = Material(self.saturation_magnetization, self.damping)
        return 1 / (rate_per_current(material, self.thickness) * self.polarization * self.pulse)

    @property
    def reset_density(self) -> torch.Tensor:
        """Current density of the reset pulse, A/m^2."""
        if self.reset_current_density is not None:
            return double(self.reset_current_density)
        return self.reset_drive * self.unit_drive

    def write_voltage(self, current_density: Quantity) -> torch.Tensor:
        """V on the barrier at a right angle for this current density."""
        require_quantity(current_density=current_density)
        return double(current_density / self.barrier.mean_conductance)

    def references(self) -> tuple[Triple, Triple]:
        """Unit vectors of the in-plane and the perpendicular reference layer, tilts included."""
        polar, azimuth = map(double, self.in_plane_tilt)
        tip, lean = map(double, self.perpendicular_tilt)
        in_plane = magnetism.from_angles(math.pi / 2 - polar, azimuth)
        perpendicular = (tip.sin(), lean.sin(), torch.ones_like(tip))
        return magnetism.unit(in_plane, "in-plane polarizer"), magnetism.unit(perpendicular, "perpendicular polarizer")

    def magnet(self, write: Drive | None = None, reset: Drive | None = None) -> Magnet:
        """The free layer with its torques; drives are current densities in A/m^2 at the two junctions.

        Resolved in space, the magnet has a mesh of one cell in thickness, and drives need the shape (*batch, 1, 1, 1).
        All devices share the mask of the disk and differ in the size of their cells, so that a diameter can be any
        number and has a gradient: each disk of cells has exactly the area of its circle.
        """
        lift = self.lifted
        angular: Literal["constant", "mtj"] = "constant" if self.source == "voltage" else "mtj"
        thickness, field_like = lift(self.thickness), lift(self.field_like)
        driven = zip((write, reset), (self.polarization, self.reset_polarization), self.references(), strict=True)
        torques = tuple(
            SpinTransfer(drive, thickness, lift(polarization), (lift(x), lift(y), lift(z)), field_like, angular)
            for drive, polarization, (x, y, z) in driven
            if drive is not None
        )
        material = Material(lift(self.saturation_magnetization), lift(self.damping))
        anisotropy = magnetism.Uniaxial(lift(self.anisotropy / self.thickness))
        if self.resolution is None:
            return Magnet(material, self.shape.volume, (magnetism.Demagnetization(self.shape), anisotropy), torques)
        nominal = float(double(self.diameter).detach().mean())
        n = round(nominal / float(self.resolution))
        if n < LEAST_CELLS:
            found = f"resolution of {self.resolution * 1e9:.3g} nm leaves {n} cells across {nominal * 1e9:.3g} nm"
            remedy = f"use a resolution of {nominal / LEAST_CELLS * 1e9:.3g} nm or less"
            raise InputError(f"{found}; at least {LEAST_CELLS} are needed: {remedy}")
        place = torch.arange(n, dtype=torch.float64) - (n - 1) / 2
        disk = (place[:, None].square() + place[None, :].square() <= (n / 2) ** 2)[None]
        side = double(self.diameter) * math.sqrt(math.pi / 4 / int(disk.sum()))
        mesh = magnetism.Mesh((n, n, 1), (side, side, double(self.thickness)))
        exchange = magnetism.Exchange(lift(self.exchange_stiffness))
        return Magnet(material, None, (exchange, magnetism.Demagnetization(), anisotropy), torques, mesh, disk)

    def lifted(self, value: Any) -> Any:
        """A parameter, drive or state of the devices, (*batch), as the magnet takes it: on a mesh (*batch, 1, 1, 1)."""
        many = self.resolution is not None and isinstance(value, torch.Tensor) and value.ndim
        return value[..., None, None, None] if many else value

    def read_out(self, m: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What a reader takes for m_x and m_z of the mean magnetisation m (3, *batch), tilts included."""
        value, gradient = ((x.to(m) * m[0] + y.to(m) * m[1] + z.to(m) * m[2]) for x, y, z in self.references())
        return self.barrier.read(value, self.readout), self.reset_barrier.read(gradient, self.readout)

    def fabricate(self, devices: int, spread: float | Spread | None = None, seed: Seed = 0) -> Self:
        """`devices` real ones of this design: parameters of shape (devices, 1), drawn with `spread`.

        The anisotropy of the nominal geometry is kept and spread by itself: a thicker or wider device is not
        compensated again. Raises InputError for a count that is not whole or < 1.
        """
        require_count(devices=devices)
        for name, shape in shapes(self).items():
            if shape and shape[0] not in (1, devices):
                count = f"{name} is that of {shape[0]} devices, {devices} are asked for"
                raise InputError(f"{count}; pass devices={shape[0]}")
        sigmas, source = as_spread(spread), generator(seed)
        sigmas.require_known(self.spreads())
        made = self.varied(lambda name, tilt=False: sigmas.draw(name, devices, source, tilt))
        return replace(made, reset_current_density=self.reset_density.detach())

    def varied(self, draw: Callable[..., torch.Tensor]) -> Self:
        """Each parameter that spreads times its factor, `draw(name of its spread)`, then each polarizer's two angles
        turned by `draw(name, tilt=True)` (rad), in this order. Polarizations stay possible; the reset is that of the
        design."""
        changed: dict[str, Any] = {"reset_current_density": self.reset_density}
        for name in ("diameter", "thickness", "interface_anisotropy", "damping", "polarization", "reset_polarization"):
            value: Quantity = self.anisotropy if name == "interface_anisotropy" else getattr(self, name)
            drawn = double(value) * draw(self.parameters[name].spread)
            changed[name] = drawn.clamp(max=MOST_POLARIZATION[self.source]) if "polarization" in name else drawn
        for name in ("in_plane_tilt", "perpendicular_tilt"):
            changed[name] = tuple(angle + draw("polarizer_angle", tilt=True) for angle in getattr(self, name))
        return replace(self, **changed)

    def drives(self, points: int = 121, largest: float = 3.5) -> torch.Tensor:
        """Current densities from -largest to largest in units of the unit drive, (points,), A/m^2."""
        require_count(least=2, points=points)
        require_number("unit drives", "positive", largest=largest)
        return torch.linspace(-largest, largest, points, dtype=torch.float64) * self.unit_drive.detach()


def shapes(device: Any) -> dict[str, tuple[int, ...]]:
    """Of all parameters that are tensors, by name."""
    given = {part.name: getattr(device, part.name) for part in fields(device)}
    return {name: tuple(value.shape) for name, value in given.items() if isinstance(value, torch.Tensor)}
