"""Magnetostatic self-interaction: of a uniform magnet by its shape, of a resolved one by its stray field.

Shapes have axes along x, y, z and full lengths in m (floats or tensors that broadcast). Their factors are in closed
form and differentiable, and sum to 1. Carlson's symmetric elliptic integrals stand here in torch, since scipy's are not
differentiable: duplication theorem, B. C. Carlson, Numerical Algorithms 10, 13 (1995); series as in DLMF 19.36.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch

from spinloom import units
from spinloom.errors import require_finite, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import FieldTerm, Magnet
from spinloom.magnetism.stray.demag import stray_field
from spinloom.magnetism.vectors import Triple


@dataclass(frozen=True)
class Shape(ABC):
    """Lengths along x, y and z in m. Raises InputError unless each is finite and > 0."""

    x: Quantity
    y: Quantity
    z: Quantity

    def __post_init__(self) -> None:
        require_positive("m", **vars(self))

    _AREA: ClassVar[float] = torch.pi / 4

    @property
    def area(self) -> torch.Tensor:
        """Area of the x-y cross-section at mid-height, m^2."""
        return self._AREA * double(self.x) * double(self.y)

    @property
    def volume(self) -> torch.Tensor:
        """m^3."""
        return self.area * double(self.z)

    @abstractmethod
    def demagnetizing_factors(self) -> Triple:
        """(N_x, N_y, N_z), magnetometric for shapes that are not ellipsoids."""


class Ellipsoid(Shape):
    """Osborn, Phys. Rev. 67, 351 (1945), written with Carlson's R_D: N_x = abc/3 R_D(b^2, c^2, a^2)."""

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

    def demagnetizing_factors(self) -> Triple:
        a, b = double(self.x).unsqueeze(-1) / 2, double(self.y).unsqueeze(-1) / 2
        phi = (torch.arange(self._DIRECTIONS, dtype=torch.float64) + 0.5) * (torch.pi / 2 / self._DIRECTIONS)
        kx2, ky2 = (phi.cos() / a) ** 2, (phi.sin() / b) ** 2
        k2 = kx2 + ky2
        nz = _circular_cylinder(double(self.z).unsqueeze(-1) * k2.sqrt() / 2)
        return ((1 - nz) * kx2 / k2).mean(-1), ((1 - nz) * ky2 / k2).mean(-1), nz.mean(-1)


def _circular_cylinder(aspect: torch.Tensor) -> torch.Tensor:
    """Magnetometric N_z of a circular cylinder, aspect = height / diameter (Joseph 1966)."""
    p2 = aspect * aspect
    complement = p2 / (1 + p2)  # 1 - k^2
    zero, one = torch.zeros_like(complement), torch.ones_like(complement)
    d = carlson_rd(zero, complement, one) / 3  # (K - E) / k^2: p2 K + (1 - p2) E without cancellation in tall ones
    e = carlson_rf(zero, complement, one) - (1 - complement) * d
    return 1 - 4 / (3 * torch.pi * aspect) * ((1 + p2).sqrt() * (p2 / (1 + p2) * d + e) - 1)


class Cuboid(Shape):
    """Rectangular prism: A. Aharoni, J. Appl. Phys. 83, 3432 (1998), equation 1."""

    _AREA = 1.0

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


_DOUBLINGS = 10  # every doubling divides the spread of the arguments by 4: below 1e-6 in every case here


def _duplicated(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Arguments after one step of the duplication theorem, and the divisor of the term of R_D."""
    sx, sy, sz = x.sqrt(), y.sqrt(), z.sqrt()  # apart: the root of a product with 0 has no gradient
    step = sx * sy + sy * sz + sz * sx
    part = sz * (z + step)
    return (x + step) / 4, (y + step) / 4, (z + step) / 4, part


def carlson_rf(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """R_F(x, y, z); at most one argument may be 0. Shapes broadcast; float64."""
    for _ in range(_DOUBLINGS):
        x, y, z, _ = _duplicated(x, y, z)
    mean = (x + y + z) / 3
    dx, dy = 1 - x / mean, 1 - y / mean
    dz = -dx - dy
    e2, e3 = dx * dy - dz * dz, dx * dy * dz
    return (1 - e2 / 10 + e3 / 14 + e2 * e2 / 24 - 3 * e2 * e3 / 44) / mean.sqrt()


def carlson_rd(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """R_D(x, y, z); z > 0, at most one of x, y may be 0. Shapes broadcast; float64."""
    total, factor = torch.zeros_like(x + y + z), 1.0
    for _ in range(_DOUBLINGS):
        x, y, z, part = _duplicated(x, y, z)
        total = total + factor / part
        factor /= 4
    mean = (x + y + 3 * z) / 5
    dx, dy = 1 - x / mean, 1 - y / mean
    dz = -(dx + dy) / 3
    e2 = dx * dy - 6 * dz * dz
    e3 = (3 * dx * dy - 8 * dz * dz) * dz
    e4 = 3 * (dx * dy - dz * dz) * dz * dz
    series = 1 - 3 * e2 / 14 + e3 / 6 + 9 * e2 * e2 / 88 - 3 * e4 / 22 - 9 * e2 * e3 / 52
    return 3 * total + factor * series / (mean * mean.sqrt())


@dataclass(frozen=True)
class Demagnetization(FieldTerm):
    """Magnetostatic self-interaction, E = -mu0 Ms m.H_d / 2.

    shape: a `Shape` or the three factors themselves: the shape anisotropy of a uniform magnet, E = mu0 Ms^2 / 2
        sum_i N_i m_i^2, axes along x, y, z. None: on a mesh, every cell feels every other (`stray/demag.py`).
    """

    shape: Shape | tuple[Quantity, Quantity, Quantity] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.shape, tuple):
            nx, ny, nz = self.shape
            require_finite("", N_x=nx, N_y=ny, N_z=nz)

    @property
    def couples(self) -> bool:
        return self.shape is None

    def factors(self) -> tuple[Quantity, Quantity, Quantity] | None:
        """Along x, y, z, of a uniform magnet."""
        return self.shape.demagnetizing_factors() if isinstance(self.shape, Shape) else self.shape

    def energy(self, m: torch.Tensor, magnet: Magnet, t: torch.Tensor) -> torch.Tensor:
        ms, factors = double(magnet.material.saturation_magnetization), self.factors()
        if factors is None:
            assert magnet.mesh is not None
            return -units.MU0 * ms / 2 * (m * stray_field(magnet.mesh, ms, m)).sum(0)
        nx, ny, nz = factors
        return units.MU0 * ms**2 / 2 * (nx * m[0] ** 2 + ny * m[1] ** 2 + nz * m[2] ** 2)

    def diagonal(self, magnet: Magnet) -> Triple | None:
        full, factors = magnet.rate_per_field * double(magnet.material.saturation_magnetization), self.factors()
        if factors is None:
            return None
        nx, ny, nz = factors
        return full * double(nx), full * double(ny), full * double(nz)
