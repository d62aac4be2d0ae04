"""The closed form with 50 digits, integrals over charges, fields of prisms, whole blocks, point dipoles."""

import math
from itertools import pairwise, product

import mpmath as mp
import numpy as np
import pytest
import torch
from prism import prism_field
from scipy.integrate import dblquad

from spinloom.magnetism import Cuboid, Mesh
from spinloom.magnetism.stray.tensor import demagnetizing_tensor

NM = 1e-9
SECOND = ((-1, 1), (0, -2), (1, 1))


def tensor(cells, lengths) -> torch.Tensor:
    return demagnetizing_tensor(Mesh(cells, tuple(length * NM for length in lengths)))


def f(x, y, z):
    r = mp.sqrt(x * x + y * y + z * z)
    value = (2 * x * x - y * y - z * z) * r / 6
    value += y / 2 * (z * z - x * x) * mp.asinh(y / mp.hypot(x, z)) if x or z else 0
    value += z / 2 * (y * y - x * x) * mp.asinh(z / mp.hypot(x, y)) if x or y else 0
    return value - (x * y * z * mp.atan(y * z / (x * r)) if x else 0)


def g(x, y, z):
    r = mp.sqrt(x * x + y * y + z * z)
    value = -x * y * r / 3
    value += x * y * z * mp.asinh(z / mp.hypot(x, y)) if x or y else 0
    value += y / 6 * (3 * z * z - y * y) * mp.asinh(x / mp.hypot(y, z)) if y or z else 0
    value += x / 6 * (3 * z * z - x * x) * mp.asinh(y / mp.hypot(x, z)) if x or z else 0
    value -= z**3 / 6 * mp.atan(x * y / (z * r)) if z else 0
    value -= z * y * y / 2 * mp.atan(x * z / (y * r)) if y else 0
    return value - (z * x * x / 2 * mp.atan(y * z / (x * r)) if x else 0)


def reference(offset, lengths) -> np.ndarray:
    """Newell's formulas with 50 digits: 20 are left at 1000 cells."""
    with mp.workdps(50):
        total = [mp.mpf(0)] * 6
        d = [mp.mpf(length) for length in lengths]
        for steps in product(SECOND, repeat=3):
            x, y, z = ((o + step) * a for o, (step, _), a in zip(offset, steps, d, strict=True))
            weight = math.prod(w for _, w in steps)
            values = f(x, y, z), f(y, x, z), f(z, x, y), g(x, y, z), g(x, z, y), g(y, z, x)
            total = [t - weight * value for t, value in zip(total, values, strict=True)]
        return np.array([float(t / (4 * mp.pi * mp.fprod(d))) for t in total])


NEAR = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 1), (2, 1, 0), (3, 0, 0), (0, 2, 1), (1, 4, 2), (12, 13, 0), (20, 4, 1)]
SHAPES = [(1, 1, 1), (5, 5, 1), (2, 2, 0.5), (1, 1, 10), (1, 1, 20), (20, 20, 1), (1, 4, 20)]


@pytest.mark.parametrize("lengths", SHAPES)
def test_every_part_has_ten_digits_of_the_closed_form(lengths):
    n = tensor((21, 14, 3), lengths)
    for x, y, z in NEAR:
        expected = reference((x, y, z), lengths)
        assert n[:, z, y, x].numpy() == pytest.approx(expected, rel=0, abs=1e-10 * abs(expected).max()), (x, y, z)


@pytest.mark.parametrize("lengths", [(5, 5, 1), (1, 1, 10)])
def test_cells_hundreds_apart_have_ten_digits_of_the_closed_form(lengths):
    n = tensor((1000, 40, 1), lengths)
    for x, y in ((33, 0), (0, 39), (65, 3), (130, 39), (210, 0), (420, 1), (620, 17), (999, 0), (999, 39)):
        expected = reference((x, y, 0), lengths)
        assert n[:, 0, y, x].numpy() == pytest.approx(expected, rel=0, abs=1e-10 * abs(expected).max()), (x, y)


@pytest.mark.parametrize("lengths", [(1, 1, 1), (5, 4, 1), (1, 2, 17)])
def test_the_self_term_is_that_of_the_cuboid(lengths):
    expected = torch.stack(Cuboid(*lengths).demagnetizing_factors())
    torch.testing.assert_close(tensor((3, 2, 2), lengths)[:3, 0, 0, 0], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("lengths", [(1, 1, 1), (5, 4, 1), (1, 2, 17)])
def test_the_cells_of_a_block_make_up_the_block(lengths):
    cells = (2, 3, 2)
    n = tensor(cells, lengths)[:3]
    for axis, count in zip((-1, -2, -3), cells, strict=True):  # count - k pairs at the offset k, twice but for k = 0
        pairs = torch.tensor([count - k if k == 0 else 2 * (count - k) for k in range(count)], dtype=torch.float64)
        n = n * pairs.reshape([-1 if i == axis else 1 for i in (-4, -3, -2, -1)])
    block = Cuboid(*(count * length for count, length in zip(cells, lengths, strict=True)))
    expected = torch.stack(block.demagnetizing_factors())
    torch.testing.assert_close(n.sum((-3, -2, -1)) / math.prod(cells), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("offset", [(0, 0, 2), (2, 1, 1), (7, 4, 0)])
def test_zz_is_the_energy_of_four_charged_faces(offset):
    """N_zz V = sum over pairs of faces of +- (mean of 1 / distance) area^2 / (4 pi): Coulomb's law, no tensor."""
    dx, dy, dz = 2.0, 1.5, 1.0
    x, y, z = (o * d for o, d in zip(offset, (dx, dy, dz), strict=True))

    def faces(height: float) -> float:
        def inverse(v: float, u: float) -> float:
            return (1 - abs(u)) * (1 - abs(v)) / math.hypot(x + dx * u, y + dy * v, height)

        quarters = product(((-1, 0), (0, 1)), repeat=2)
        return sum(dblquad(inverse, *u, *v, epsabs=1e-12, epsrel=1e-11)[0] for u, v in quarters)

    expected = dx * dy / (4 * math.pi * dz) * (2 * faces(z) - faces(z + dz) - faces(z - dz))
    assert float(tensor((8, 5, 3), (dx, dy, dz))[2][offset[::-1]]) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("lengths", [(2, 1.5, 1), (4, 4, 1), (1, 1, 5)])
@pytest.mark.parametrize("offset", [(2, 1, 1), (0, 3, 0), (6, 4, 2), (14, 2, 0)])
def test_the_tensor_is_minus_the_mean_field_of_a_prism_in_the_other_cell(lengths, offset):
    u, w = np.polynomial.legendre.leggauss(30)
    x, y, z = (torch.from_numpy(d * (o + u / 2)) for o, d in zip(offset, lengths, strict=True))
    field = prism_field(x[:, None, None], y[:, None], z, lengths)
    expected = -torch.einsum("cijk,i,j,k->c", field, *[torch.from_numpy(w / 2)] * 3)
    found = tensor((15, 5, 3), lengths)[(slice(None), *offset[::-1])]
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-8 * float(expected.abs().max()))


def test_the_field_of_a_prism_has_the_trace_of_a_magnet():
    inside, outside = prism_field([0.1, 2.0], [0.3, 0.4], [-0.2, 1.0], (1.0, 2.0, 0.7))[:3].sum(0)
    assert float(inside) == pytest.approx(-1, abs=1e-14)
    assert float(outside) == pytest.approx(0, abs=1e-14)


def test_far_cells_are_point_dipoles_up_to_the_second_order_of_their_size():
    """Cubes have no quadrupole: their next term is of fourth order. Flat cells deviate in the second."""
    orders = []
    for lengths in ((3, 3, 3), (3, 2, 1)):
        n = tensor((161, 81, 1), lengths)
        errors = []
        for x, y in ((20, 10), (40, 20), (80, 40), (160, 80)):
            r = torch.tensor([x * lengths[0], y * lengths[1], 0.0], dtype=torch.float64)
            dipole = torch.eye(3, dtype=torch.float64) / r.norm() ** 3 - 3 * torch.outer(r, r) / r.norm() ** 5
            dipole = dipole * math.prod(lengths) / (4 * math.pi)
            expected = torch.stack([*dipole.diagonal(), dipole[0, 1], dipole[0, 2], dipole[1, 2]])
            errors.append(float((n[:, 0, y, x] - expected).abs().max() / expected.abs().max()))
        orders.append([math.log2(a / b) for a, b in pairwise(errors)])
    assert orders[0][:2] == pytest.approx([4, 4], abs=0.1)
    assert orders[1] == pytest.approx([2, 2, 2], abs=0.1)
