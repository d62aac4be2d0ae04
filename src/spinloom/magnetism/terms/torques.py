"""Spin-transfer and spin-orbit torques, that of a current through a texture, and the signs of this house.

With a_J = gamma hbar J / (2 e Ms t) (rad/s) and p the unit vector of the polarizer's magnetisation

    dm/dt = -a_J g(m.p) [ m x (m x p) + xi m x p ]  (Gilbert damping added on top)

so that **positive J drives m towards +p** (electrons flow from the polarizer to the free layer) and negative J away
from it; reversing p equals reversing J for the constant factor. xi is the ratio of field-like to damping-like torque.

Angular factor g(c), c = m.p, polarization P = eta; every one has the form 1 / (A + B c):

| name | g | source |
| constant | eta | voltage-driven MTJ, torkance independent of angle: J. C. Slonczewski, PRB 71, 024411 (2005) |
| slonczewski | 2 / (-4 + (1 + eta)^3 (3 + c) / (4 eta^1.5)) | metallic: J. C. Slonczewski, JMMM 159, L1 (1996) |
| mtj | eta / (1 + eta^2 c) | current-driven MTJ: same source as the first |
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from spinloom import units
from spinloom.errors import InputError, require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Drive, Quantity, double, require_drive
from spinloom.magnetism.magnet import TIME_UNIT, Act, Components, Magnet, Material, Torque
from spinloom.magnetism.vectors import Direction, Triple, X, dot, unit

AngularFactor = Literal["constant", "slonczewski", "mtj"]


def angular_coefficients(kind: AngularFactor, eta: Quantity) -> tuple[torch.Tensor, torch.Tensor]:
    """(A, B) of g = 1 / (A + B m.p)."""
    eta = double(eta)
    if kind == "constant":
        return 1 / eta, torch.zeros_like(eta)
    if kind == "mtj":
        return 1 / eta, eta
    if kind == "slonczewski":
        b = (1 + eta) ** 3 / (8 * eta**1.5)
        return 3 * b - 2, b
    raise unknown_name("angular factor", kind, ("constant", "slonczewski", "mtj"))


def _require_polarization(polarization: Quantity) -> None:
    require_positive("", polarization=polarization)
    if bool((torch.as_tensor(polarization) > 1).any()):
        raise InputError("polarization must be at most 1 (0.6 means 60 %)")


def rate_per_current(material: Material, thickness: Quantity) -> torch.Tensor:
    """a_J / J = gamma hbar / (2 e Ms t) in rad m^2 / (s A), free layer of `thickness` (m)."""
    ms = double(material.saturation_magnetization)
    return material.gamma * units.HBAR / (2 * units.E * ms * thickness)


class _Polarized(Torque, ABC):
    """A torque of a fixed polarizer: spin-transfer and spin-orbit."""

    ORDER = 1

    current_density: Drive
    thickness: Quantity
    polarizer: Direction
    field_like: Quantity
    contact: torch.Tensor | None = None

    def __post_init__(self) -> None:
        require_drive(current_density=self.current_density)
        require_positive("m", thickness=self.thickness)
        require_finite("", field_like=self.field_like)

    @abstractmethod
    def coefficients(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(A, B) of the angular factor 1 / (A + B m.p)."""

    def rows(self, magnet: Magnet) -> list[torch.Tensor]:
        a, b = self.coefficients()
        angular = _angular(magnet)
        if not angular:  # fold the constant factor into the rate
            a, b = 1 / a, torch.zeros_like(a)
        rate = rate_per_current(magnet.material, self.thickness) * TIME_UNIT * double(self.current_density.amplitude)
        rate = rate if angular else rate * a
        rate = rate if self.contact is None else rate * double(self.contact)
        return [*unit(self.polarizer, "polarizer"), rate, rate * double(self.field_like), a, b]

    def formula(self, magnet: Magnet) -> Act:
        return self.act_by_angle if _angular(magnet) else self.act

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any], angular: bool = False) -> Components:
        """A torque -a m x (m x p) is the precession around the field-like quantity a (m x p), a part of W."""
        (x, y, z), (px, py, pz, damping_like, field_like) = m, (rows[k] for k in range(5))
        g = wave()
        if angular:
            g = g / (rows[5] + rows[6] * dot((px, py, pz), m))
        a, b = g * damping_like, g * field_like
        return (
            w[0] + a * (y * pz - z * py) + b * px,
            w[1] + a * (z * px - x * pz) + b * py,
            w[2] + a * (x * py - y * px) + b * pz,
        )

    @staticmethod
    def act_by_angle(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        """With an angular factor, which costs one division."""
        return _Polarized.act(w, m, rows, wave, angular=True)


def _angular(magnet: Magnet) -> bool:
    """Whether some polarizer has a factor that depends on the angle: then all are computed in that way."""
    torques = [torque for torque in magnet.torques if isinstance(torque, _Polarized)]
    return any(bool((torque.coefficients()[1] != 0).any()) for torque in torques)


@dataclass(frozen=True)
class SpinTransfer(_Polarized):
    """Torque of one polarizer (reference layer).

    current_density: Drive, A/m^2 through the free layer. polarizer: its magnetisation, normalised here.
    polarization: eta in (0, 1]. thickness of the free layer, m. field_like: ratio xi of field-like to damping-like.
    contact: on a mesh, the share of each cell's area through which this polarizer's current flows, (*, nz, ny, nx) from
        0 to 1: in a three-terminal junction each reference layer covers its own part of the free layer. None: all.
    """

    current_density: Drive
    thickness: Quantity
    polarization: Quantity
    polarizer: Direction = X
    field_like: Quantity = 0.0
    angular_factor: AngularFactor = "constant"
    contact: torch.Tensor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_polarization(self.polarization)
        if self.contact is not None and not bool(((self.contact >= 0) & (self.contact <= 1)).all()):
            raise InputError("contact must lie between 0 (no current) and 1 (all of the cell)")
        angular_coefficients(self.angular_factor, self.polarization)

    def coefficients(self) -> tuple[torch.Tensor, torch.Tensor]:
        return angular_coefficients(self.angular_factor, self.polarization)


@dataclass(frozen=True)
class SpinOrbit(_Polarized):
    """Spin-orbit torque of a heavy-metal layer: a constant factor theta_SH, polarizer = direction of the spins.

    polarizer: direction of the accumulated spins. The default -y is a convention for a current along +x; stacks and
    sign conventions differ, so state it for yours.
    current_density: Drive, A/m^2 in the heavy metal. spin_hall_angle: theta_SH, -0.4 (W) to 0.15 (Pt).
    """

    current_density: Drive
    thickness: Quantity
    spin_hall_angle: Quantity
    polarizer: Direction = (0.0, -1.0, 0.0)
    field_like: Quantity = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite("", spin_hall_angle=self.spin_hall_angle)
        if bool((torch.as_tensor(self.spin_hall_angle) == 0).any()):
            raise InputError("spin_hall_angle must not be 0; leave the torque out instead")

    def coefficients(self) -> tuple[torch.Tensor, torch.Tensor]:
        return angular_coefficients("constant", self.spin_hall_angle)


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
    couples = True

    current_density: Drive
    polarization: Quantity
    nonadiabaticity: Quantity = 0.0
    direction: Direction = X

    def __post_init__(self) -> None:
        require_drive(current_density=self.current_density)
        _require_polarization(self.polarization)
        require_finite("", nonadiabaticity=self.nonadiabaticity)

    def velocity(self, material: Material) -> Triple:
        """u in m/s for a drive of 1 times its amplitude."""
        xi, ms = double(self.nonadiabaticity), double(material.saturation_magnetization)
        speed = -double(self.polarization) * units.MU_B * double(self.current_density.amplitude)
        speed = speed / (units.E * ms * (1 + xi**2))
        x, y, z = unit(self.direction, "direction of the current")
        return speed * x, speed * y, speed * z
