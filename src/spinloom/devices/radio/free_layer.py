"""The free layer of a radio device: a macrospin's small oscillation about its equilibrium, and what drives it.

With the stiffness h (2 x 2, A/m), the second derivatives of energy / (mu0 Ms V) in the plane across the equilibrium,
the linearised Landau-Lifshitz-Gilbert equation has (J. Smit and H. G. Beljers, Philips Res. Rep. 10, 113 (1955))

    f = gamma0 sqrt(det h) / (2 pi sqrt(1 + alpha^2)),   half width = alpha gamma0 (h_11 + h_22) / (4 pi (1 + alpha^2))

The half width is the decay rate of the amplitude over 2 pi. It is alpha f for circular precession (h_11 = h_22, up to
alpha^2) and larger by (h_11 + h_22) / (2 sqrt(h_11 h_22)) for an elliptical one. Kittel's formulas are special cases.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from spinloom import magnetism, units
from spinloom.devices.contract import Design
from spinloom.devices.parameters import known
from spinloom.errors import InputError, PhysicsError
from spinloom.magnetism import Constant, Direction, Drive, Magnet, Quantity, SpinTransfer, X, Z, double


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


@dataclass(frozen=True)
class DrivenLayer(Design):
    """magnet: the free layer, a macrospin with its constant fields, without the torque of the current.

    thickness: of the free layer, m; its area is volume / thickness. polarizer: magnetisation of the fixed layer.
    start: direction from which the free layer relaxes to its equilibrium. polarization, field_like, angular_factor: of
    the torque, as in `SpinTransfer`.

    Parameters may be tensors that broadcast with what the methods take. Raises InputError for other magnets.
    """

    parameters: ClassVar = known("thickness", "polarization", spread=True) | known("field_like")

    magnet: Magnet
    thickness: Quantity
    polarizer: Direction = X
    start: Direction = Z
    polarization: Quantity = 0.6
    field_like: Quantity = 0.0
    angular_factor: magnetism.AngularFactor = "constant"

    def __post_init__(self) -> None:
        magnet = self.magnet
        if not isinstance(magnet, Magnet) or magnet.mesh is not None:
            raise InputError("a macrospin is needed here: Magnet(material, volume, fields) without a mesh")
        if not all(isinstance(drive, Constant) for drive in magnet.drives()):
            raise InputError("the free layer's own fields must be Constant: its device adds the alternating current")
        super().__post_init__()
        if magnet.torques:
            raise InputError("the device adds the torque of its current itself: give the magnet no torques")
        self.torque(Constant(0.0))
        self.fixed_layer()

    @property
    def area(self) -> torch.Tensor:
        """m^2."""
        return double(self.magnet.cell_volume) / self.thickness

    def mode(self) -> Mode:
        """Equilibrium, resonance and width of the free layer without current, closed form.

        The macrospin relaxes from `start` and is linearised where it arrives; the batch is that of the parameters.
        Differentiable in material and fields, through the equilibrium too.
        Raises PhysicsError where there is no equilibrium, InputError where it is not stable.
        """
        # damping and gamma have no say in where it rests: as plain numbers they do not add to the batch that relaxes
        still = replace(self.magnet, material=magnetism.Material(self.magnet.material.saturation_magnetization, 1.0))
        m = torch.stack(torch.broadcast_tensors(*magnetism.unit(self.start, "start")))
        m = m.expand(3, *torch.broadcast_shapes(m.shape[1:], still.energy(m).shape)).clone()
        arrived = magnetism.relax(still, m, torque=1e-9)
        if not bool(arrived.converged.all()):
            raise PhysicsError("the free layer found no equilibrium; its energy is flat in some direction")
        m = _polished(still, arrived.m)
        u = _across(m.detach())
        u = u - m * (m * u).sum(0)  # zero, but its gradient turns the frame with the equilibrium
        u = u / u.norm(dim=0)
        v = torch.linalg.cross(m, u, dim=0)
        _, h = derivatives(still, m, u, v)
        material = self.magnet.material
        mode = Mode(m, u, v, h, double(material.damping), double(material.gamma) * units.MU0)
        if not bool(((mode.determinant > 0) & (mode.trace > 0)).all()):
            raise InputError("the free layer rests where it is not stable: start off symmetry or in a stronger field")
        return mode

    def torque(self, density: Drive) -> SpinTransfer:
        """Of a current density in A/m^2."""
        how = (self.polarization, self.polarizer, self.field_like, self.angular_factor)
        return SpinTransfer(density, self.thickness, *how)

    def fixed_layer(self) -> torch.Tensor:
        """Unit vector of the polarizer, (3, *batch)."""
        return torch.stack(torch.broadcast_tensors(*magnetism.unit(self.polarizer, "polarizer")))

    def cosine(self, mode: Mode) -> torch.Tensor:
        """Between the polarizer and the free layer at rest."""
        return mode.components(self.fixed_layer())[0]

    def rate(self, cosine: Quantity) -> torch.Tensor:
        """Damping-like torque per ampere at this cosine to the polarizer, rad/(s A)."""
        a, b = self.torque(Constant(0.0)).coefficients()
        return magnetism.rate_per_current(self.magnet.material, self.thickness) / (self.area * (a + b * cosine))


def _across(m: torch.Tensor) -> torch.Tensor:
    """A unit vector across m (3, *batch)."""
    axis = torch.nn.functional.one_hot(m.abs().argmin(0), 3).movedim(-1, 0).to(m)
    first = axis - m * (m * axis).sum(0)
    return first / first.norm(dim=0)


def _polished(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """One step of Newton: squares what is left of the torque, and gives the equilibrium its gradient."""
    u = _across(m)
    v = torch.linalg.cross(m, u, dim=0)
    slope, h = derivatives(magnet, m, u, v)
    h = h.detach()
    det = h[0, 0] * h[1, 1] - h[0, 1].square()
    det = torch.where(det == 0, torch.inf, det)
    first = (h[1, 1] * slope[0] - h[0, 1] * slope[1]) / det
    second = (h[0, 0] * slope[1] - h[0, 1] * slope[0]) / det
    turned = m - u * first - v * second
    return turned / turned.norm(dim=0)


def energy_field(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """Energy / (mu0 Ms V) of the state m (3, *batch), A/m."""
    moment = double(magnet.material.saturation_magnetization) * double(magnet.cell_volume)
    return magnet.energy(m) / (units.MU0 * moment)


def derivatives(magnet: Magnet, m: torch.Tensor, u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slope (2, *batch) and stiffness (2, 2, *batch) along u and v, which are across m; A/m.

    Part of the graph only where a parameter has a gradient: the helper variable y must not slow down all that follows.
    """
    wanted = energy_field(magnet, m).requires_grad or u.requires_grad
    with torch.enable_grad():
        y = torch.zeros(2, *m.shape[1:], dtype=m.dtype, requires_grad=True)
        turned = m + u * y[0] + v * y[1]
        total = energy_field(magnet, turned / turned.norm(dim=0)).sum()
        (slope,) = torch.autograd.grad(total, y, create_graph=True)
        rows = [torch.autograd.grad(part.sum(), y, create_graph=True, materialize_grads=True)[0] for part in slope]
    h = torch.stack(rows)
    return (slope, h) if wanted else (slope.detach(), h.detach())


def curvature(magnet: Magnet, m: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """d^2 / d cosine^2 at m (3, *batch), an axis of symmetry, A/m: (e'''' + e'') / 3 in the angle towards u."""
    wanted = energy_field(magnet, m).requires_grad
    with torch.enable_grad():
        angle = torch.zeros(m.shape[1:], dtype=torch.float64, requires_grad=True)
        part = energy_field(magnet, m * angle.cos() + u * angle.sin())
        orders = []
        for _ in range(4):
            (part,) = torch.autograd.grad(part.sum(), angle, create_graph=True, materialize_grads=True)
            orders.append(part)
    result = (orders[3] + orders[1]) / 3
    return result if wanted else result.detach()
