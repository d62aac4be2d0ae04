"""References that share no formula with the library: closed special cases, tables, integrals over surface charges."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad, quad

from spinloom.magnetism import Cuboid, Ellipsoid, EllipticCylinder


def factors(shape) -> list[float]:
    return [float(n) for n in shape.demagnetizing_factors()]


def charge_sheets(pair_count, reach, z: float, volume: float) -> float:
    """N_z = [I(0) - I(z)] / (2 pi V) with I(d) the sum of 1 / distance over pairs of points of two faces d apart.

    pair_count(r, phi): area of pairs of points of the face that are (r, phi) apart; reach(phi): the largest r.
    """

    def integral(d: float) -> float:
        def ring(r: float, phi: float) -> float:
            return pair_count(r, phi) * r / math.hypot(r, d) if r or d else pair_count(0.0, phi)

        return 4 * dblquad(ring, 0, math.pi / 2, 0, reach, epsabs=0, epsrel=1e-9)[0]

    return (integral(0.0) - integral(z)) / (2 * math.pi * volume)


def test_a_sphere_has_thirds():
    assert factors(Ellipsoid(3e-9, 3e-9, 3e-9)) == pytest.approx([1 / 3] * 3, abs=1e-14)


@pytest.mark.parametrize(("ratio", "along"), [(1.5, 0.2330), (2, 0.1736), (5, 0.0558), (10, 0.0203), (100, 0.000430)])
def test_prolate_spheroids_agree_with_the_table_of_osborn(ratio, along):
    nx, ny, nz = factors(Ellipsoid(1e-8, 1e-8, ratio * 1e-8))
    root = math.sqrt(ratio**2 - 1)
    assert nz == pytest.approx(along, rel=2e-3)
    assert nz == pytest.approx((ratio / root * math.log(ratio + root) - 1) / (ratio**2 - 1), rel=1e-11)
    assert nx == pytest.approx((1 - nz) / 2, rel=1e-12)
    assert nx == pytest.approx(ny, rel=1e-14)


@pytest.mark.parametrize("axes", [(1.0, 2.0, 3.0), (5.0, 4.9, 0.1), (1.0, 40.0, 0.5), (1e-3, 1.0, 7.0)])
def test_general_ellipsoids_agree_with_the_integral(axes):
    nx, ny, nz = factors(Ellipsoid(*(2e-9 * a for a in axes)))
    product = math.prod(axes)

    def factor(axis: float) -> float:
        def along(u: float) -> float:  # s = exp(u)
            s = math.exp(u)
            return s / ((s + axis**2) * math.sqrt(math.prod(s + a * a for a in axes)))

        return product / 2 * quad(along, -60, 60, limit=500, epsabs=1e-13, epsrel=1e-11)[0]

    assert [nx, ny, nz] == pytest.approx([factor(a) for a in axes], rel=1e-8)


@pytest.mark.parametrize(("aspect", "value"), [(0.1, 0.7967), (1.0, 0.3116)])
def test_circular_cylinders_agree_with_the_table_of_chen(aspect, value):
    """Chen, Brug, Goldfarb, IEEE Trans. Magn. 27, 3601 (1991), magnetometric, susceptibility 0."""
    assert factors(EllipticCylinder(1.0, 1.0, aspect))[2] == pytest.approx(value, abs=1e-4)


def test_a_tall_cylinder_and_a_thin_one_approach_their_limits():
    assert factors(EllipticCylinder(1.0, 1.0, 1e6))[2] == pytest.approx(4 / (3 * math.pi * 1e6), rel=1e-5)
    assert factors(EllipticCylinder(3.0, 1.0, 1e4))[:2] == pytest.approx([1 / 4, 3 / 4], rel=1e-3)
    assert factors(EllipticCylinder(1.0, 1.0, 1e-6))[2] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("x", "y", "z"), [(1.0, 1.0, 0.3), (2.0, 1.0, 0.1), (3.0, 1.0, 1.5)])
def test_elliptic_cylinders_agree_with_the_charge_sheets(x, y, z):
    def pairs(r: float, phi: float) -> float:
        rho = min(2.0, 2 * r * math.hypot(math.cos(phi) / x, math.sin(phi) / y))
        return x * y / 4 * (2 * math.acos(rho / 2) - rho / 2 * math.sqrt(4 - rho**2))

    def reach(phi: float) -> float:
        return 1 / math.hypot(math.cos(phi) / x, math.sin(phi) / y)

    expected = charge_sheets(pairs, reach, z, math.pi / 4 * x * y * z)
    assert factors(EllipticCylinder(x, y, z))[2] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("x", "y", "z"), [(1.0, 1.0, 1.0), (2.0, 1.0, 0.2), (1.0, 3.0, 2.0)])
def test_cuboids_agree_with_the_charge_sheets(x, y, z):
    def pairs(r: float, phi: float) -> float:
        return (x - r * math.cos(phi)) * (y - r * math.sin(phi))

    def reach(phi: float) -> float:
        return min(x / max(math.cos(phi), 1e-12), y / max(math.sin(phi), 1e-12))

    expected = charge_sheets(pairs, reach, z, x * y * z)
    assert factors(Cuboid(x, y, z))[2] == pytest.approx(expected, rel=1e-5)


def test_a_cube_has_thirds_and_a_square_prism_the_value_of_aharoni():
    assert factors(Cuboid(1e-8, 1e-8, 1e-8)) == pytest.approx([1 / 3] * 3, abs=1e-13)
    assert factors(Cuboid(1.0, 1.0, 2.0))[2] == pytest.approx(0.19832, abs=1e-5)


@pytest.mark.parametrize("shape", [Ellipsoid, EllipticCylinder, Cuboid])
def test_factors_are_differentiable(shape):
    lengths = [torch.tensor([a, 1.7 * a], dtype=torch.float64, requires_grad=True) for a in (1.0, 0.6, 0.25)]
    assert torch.autograd.gradcheck(lambda *xyz: shape(*xyz).demagnetizing_factors(), lengths)


def test_volumes_and_areas():
    assert float(Ellipsoid(2.0, 3.0, 4.0).volume) == pytest.approx(4 / 3 * math.pi * 1.0 * 1.5 * 2.0)
    assert float(EllipticCylinder(2.0, 3.0, 4.0).volume) == pytest.approx(math.pi * 1.0 * 1.5 * 4.0)
    assert float(Cuboid(2.0, 3.0, 4.0).volume) == 24.0
    assert np.isclose(float(EllipticCylinder(2.0, 3.0, 4.0).area), math.pi * 1.5)
