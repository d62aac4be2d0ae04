"""Shapes of a magnet: volume and demagnetising factors from the dimensions, in closed form and differentiable.

Axes lie along x, y, z; lengths are full lengths in m (floats or tensors that broadcast). Factors sum to 1.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import torch

from spinloom.errors import require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.elliptic import carlson_rd, complete_e_d
from spinloom.magnetism.vectors import Triple


@dataclass(frozen=True)
class Shape(ABC):
    """Lengths along x, y and z in m. Raises InputError unless each is finite and > 0."""

    x: Quantity
    y: Quantity
    z: Quantity

    def __post_init__(self) -> None:
        require_positive("m", **{axis.name: getattr(self, axis.name) for axis in fields(self)})

    @property
    @abstractmethod
    def area(self) -> torch.Tensor:
        """Area of the x-y cross-section at mid-height, m^2."""

    @property
    @abstractmethod
    def volume(self) -> torch.Tensor:
        """m^3."""

    @abstractmethod
    def demagnetizing_factors(self) -> Triple:
        """(N_x, N_y, N_z), magnetometric for shapes that are not ellipsoids."""


class Ellipsoid(Shape):
    """Osborn, Phys. Rev. 67, 351 (1945), written with Carlson's R_D: N_x = abc/3 R_D(b^2, c^2, a^2)."""

    @property
    def area(self) -> torch.Tensor:
        return torch.pi / 4 * double(self.x) * double(self.y)

    @property
    def volume(self) -> torch.Tensor:
        return torch.pi / 6 * double(self.x) * double(self.y) * double(self.z)

    def demagnetizing_factors(self) -> Triple:
        scale = (double(self.x) * double(self.y) * double(self.z)) ** (1 / 3)
        a, b, c = (double(length) / scale for length in (self.x, self.y, self.z))
        a2, b2, c2 = a * a, b * b, c * c
        return carlson_rd(b2, c2, a2) / 3, carlson_rd(c2, a2, b2) / 3, carlson_rd(a2, b2, c2) / 3


class EllipticCylinder(Shape):
    """A flat or tall pillar of elliptic cross-section, axis along z.

    In Fourier space the shape amplitude of an elliptic cylinder is that of a circular one with stretched wave
    vectors, so N is the mean over the direction phi of the circular closed form with the radius
    ab / sqrt(b^2 cos^2 phi + a^2 sin^2 phi). Circular form: R. I. Joseph, J. Appl. Phys. 37, 4639 (1966);
    elliptic: Beleggia et al., J. Phys. D 38, 3333 (2005).
    """

    _DIRECTIONS = 64  # the mean of a smooth periodic function: spectral accuracy, 1e-12 for x/y up to 4

    @property
    def area(self) -> torch.Tensor:
        return torch.pi / 4 * double(self.x) * double(self.y)

    @property
    def volume(self) -> torch.Tensor:
        return self.area * double(self.z)

    def demagnetizing_factors(self) -> Triple:
        a, b = double(self.x).unsqueeze(-1) / 2, double(self.y).unsqueeze(-1) / 2
        phi = (torch.arange(self._DIRECTIONS, dtype=torch.float64) + 0.5) * (torch.pi / 2 / self._DIRECTIONS)
        kx2, ky2 = (phi.cos() / a) ** 2, (phi.sin() / b) ** 2
        k2 = kx2 + ky2
        nz = _circular_cylinder(double(self.z).unsqueeze(-1) * k2.sqrt() / 2)
        nx = (1 - nz) * kx2 / k2
        ny = (1 - nz) * ky2 / k2
        return nx.mean(-1), ny.mean(-1), nz.mean(-1)


def _circular_cylinder(aspect: torch.Tensor) -> torch.Tensor:
    """Magnetometric N_z of a circular cylinder, aspect = height / diameter (Joseph 1966)."""
    p2 = aspect * aspect
    e, d = complete_e_d(p2 / (1 + p2))  # k^2 = 1 / (1 + p2); p2 K + (1 - p2) E without cancellation in tall ones
    return 1 - 4 / (3 * torch.pi * aspect) * ((1 + p2).sqrt() * (p2 / (1 + p2) * d + e) - 1)


class Cuboid(Shape):
    """Rectangular prism: A. Aharoni, J. Appl. Phys. 83, 3432 (1998), equation 1."""

    @property
    def area(self) -> torch.Tensor:
        return double(self.x) * double(self.y)

    @property
    def volume(self) -> torch.Tensor:
        return self.area * double(self.z)

    def demagnetizing_factors(self) -> Triple:
        x, y, z = double(self.x), double(self.y), double(self.z)
        return _prism(y, z, x), _prism(z, x, y), _prism(x, y, z)


def _prism(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Factor along c of a prism a x b x c."""
    scale = (a * b * c) ** (1 / 3)
    a, b, c = a / scale, b / scale, c / scale
    ab, bc, ca = (a * a + b * b).sqrt(), (b * b + c * c).sqrt(), (c * c + a * a).sqrt()
    r = (a * a + b * b + c * c).sqrt()
    total = (
        (b * b - c * c) / (2 * b * c) * torch.log((r - a) / (r + a))
        + (a * a - c * c) / (2 * a * c) * torch.log((r - b) / (r + b))
        + b / (2 * c) * torch.log((ab + a) / (ab - a))
        + a / (2 * c) * torch.log((ab + b) / (ab - b))
        + c / (2 * a) * torch.log((bc - b) / (bc + b))
        + c / (2 * b) * torch.log((ca - a) / (ca + a))
        + 2 * torch.atan(a * b / (c * r))
        + (a**3 + b**3 - 2 * c**3) / (3 * a * b * c)
        + (a * a + b * b - 2 * c * c) / (3 * a * b * c) * r
        + c / (a * b) * (ca + bc)
        - (ab**3 + bc**3 + ca**3) / (3 * a * b * c)
    )
    return total / torch.pi
