"""The small oscillation of a macrospin about its equilibrium: ferromagnetic resonance in closed form.

With the stiffness h (2 x 2, A/m), the second derivatives of energy / (mu0 Ms V) in the plane across the equilibrium,
the linearised Landau-Lifshitz-Gilbert equation has (J. Smit and H. G. Beljers, Philips Res. Rep. 10, 113 (1955))

    f = gamma0 sqrt(det h) / (2 pi sqrt(1 + alpha^2)),   half width = alpha gamma0 (h_11 + h_22) / (4 pi (1 + alpha^2))

The half width is the decay rate of the amplitude over 2 pi. It is alpha f for circular precession (h_11 = h_22, up to
alpha^2) and larger by (h_11 + h_22) / (2 sqrt(h_11 h_22)) for an elliptical one. Kittel's formulas are special cases.
"""

import math
from dataclasses import dataclass, replace

import torch

from spinloom import units
from spinloom.devices.macrospin_energy import derivatives
from spinloom.errors import InputError, PhysicsError
from spinloom.magnetism import Constant, Direction, Magnet, Material, Quantity, double, relax, unit


@dataclass(frozen=True)
class Mode:
    """equilibrium: unit vector (3, *batch); first, second: directions across it, right-handed with it, (3, *batch).

    stiffness: (2, 2, *batch), A/m, symmetric. damping, gamma0 (rad m / (s A)): of the material.
    """

    equilibrium: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    stiffness: torch.Tensor
    damping: torch.Tensor
    gamma0: torch.Tensor

    @property
    def trace(self) -> torch.Tensor:
        """h_11 + h_22, A/m."""
        return self.stiffness[0, 0] + self.stiffness[1, 1]

    @property
    def determinant(self) -> torch.Tensor:
        """(A/m)^2."""
        return self.stiffness[0, 0] * self.stiffness[1, 1] - self.stiffness[0, 1].square()

    @property
    def frequency(self) -> torch.Tensor:
        """Of the resonance, Hz."""
        return self.gamma0 * (self.determinant / (1 + self.damping.square())).sqrt() / (2 * math.pi)

    @property
    def half_width(self) -> torch.Tensor:
        """Half width at half maximum of the absorbed power, Hz."""
        return self.damping * self.gamma0 * self.trace / (4 * math.pi * (1 + self.damping.square()))

    def state(self, batch: torch.Size, power: Quantity = 0.0) -> torch.Tensor:
        """A state (3, *batch) on the cone of `power` = (1 - cosine) / 2 about the equilibrium."""
        own = self.equilibrium.shape[1:]
        frame = [axis.reshape(3, *[1] * (len(batch) - len(own)), *own) for axis in (self.equilibrium, self.first)]
        p = double(power)
        return ((1 - 2 * p) * frame[0] + 2 * (p * (1 - p)).sqrt() * frame[1]).expand(3, *batch).clone()

    def components(self, vector: tuple[torch.Tensor, ...] | torch.Tensor) -> torch.Tensor:
        """A vector (3, *batch) along equilibrium, first and second, (3, *batch)."""
        x, y, z = vector
        return torch.stack([a[0] * x + a[1] * y + a[2] * z for a in (self.equilibrium, self.first, self.second)])


def find_mode(magnet: Magnet, start: Direction) -> Mode:
    """Relax a macrospin from `start` and linearise about where it arrives; the batch is that of the parameters.

    Differentiable in material and fields, through the equilibrium too. Spin torques are left out.
    Raises InputError for a mesh, for fields that change in time, and for an equilibrium that is not stable.
    """
    require_still(magnet)
    # damping and gamma have no say in where it rests: as plain numbers they do not add to the batch that relaxes
    still = replace(magnet, torques=(), material=Material(magnet.material.saturation_magnetization, 1.0))
    m = torch.stack(torch.broadcast_tensors(*unit(start, "start")))
    m = m.expand(3, *torch.broadcast_shapes(m.shape[1:], still.energy(m).shape)).clone()
    arrived = relax(still, m, torque=1e-9)
    if not bool(arrived.converged.all()):
        raise PhysicsError("the free layer found no equilibrium; its energy is flat in some direction")
    m = _polished(still, arrived.m)
    u, _ = _across(m.detach())
    u = u - m * (m * u).sum(0)  # zero, but its gradient turns the frame with the equilibrium
    u = u / u.norm(dim=0)
    v = torch.linalg.cross(m, u, dim=0)
    _, h = derivatives(still, m, u, v)
    mode = Mode(m, u, v, h, double(magnet.material.damping), double(magnet.material.gamma) * units.MU0)
    if not bool(((mode.determinant > 0) & (mode.trace > 0)).all()):
        raise InputError(
            "the free layer rests where it is not stable (its stiffness is not positive): "
            "start away from directions of symmetry, or apply a stronger field"
        )
    return mode


def require_still(magnet: Magnet) -> None:
    """Raise InputError unless the magnet is a macrospin whose fields and currents are constant."""
    if not isinstance(magnet, Magnet) or magnet.mesh is not None:
        raise InputError("a macrospin is needed here: Magnet(material, volume, fields) without a mesh")
    if not all(isinstance(drive, Constant) for drive in magnet.drives()):
        raise InputError("the free layer's own fields must be Constant; the alternating current is added by the device")


def _across(m: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two unit vectors across m, right-handed with it (3, *batch)."""
    axis = torch.nn.functional.one_hot(m.abs().argmin(0), 3).movedim(-1, 0).to(m)
    first = axis - m * (m * axis).sum(0)
    first = first / first.norm(dim=0)
    return first, torch.linalg.cross(m, first, dim=0)


def _polished(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """One step of Newton: squares what is left of the torque, and gives the equilibrium its gradient."""
    u, v = _across(m)
    slope, h = derivatives(magnet, m, u, v)
    h = h.detach()
    det = h[0, 0] * h[1, 1] - h[0, 1].square()
    det = torch.where(det == 0, torch.inf, det)
    first = (h[1, 1] * slope[0] - h[0, 1] * slope[1]) / det
    second = (h[0, 0] * slope[1] - h[0, 1] * slope[0]) / det
    turned = m - u * first - v * second
    return turned / turned.norm(dim=0)
