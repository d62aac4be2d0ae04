import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.magnetism import Cuboid, Ellipsoid, EllipticCylinder

LENGTH = st.floats(0.05, 20.0)
ANY = st.sampled_from([Ellipsoid, EllipticCylinder, Cuboid])
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def factors(shape) -> torch.Tensor:
    return torch.stack([n.reshape(()) for n in shape.demagnetizing_factors()])


@QUICK
@given(ANY, LENGTH, LENGTH, LENGTH)
def test_factors_sum_to_one_and_lie_between_zero_and_one(shape, x, y, z):
    n = factors(shape(x, y, z))
    assert float(n.sum()) == pytest.approx(1, abs=1e-9)
    assert (n > 0).all()
    assert (n < 1).all()


@QUICK
@given(ANY, LENGTH, LENGTH, LENGTH, st.floats(1e-10, 1e3))
def test_factors_do_not_depend_on_the_unit_of_length(shape, x, y, z, scale):
    torch.testing.assert_close(factors(shape(x, y, z)), factors(shape(scale * x, scale * y, scale * z)))


@QUICK
@given(st.sampled_from([Ellipsoid, Cuboid]), LENGTH, LENGTH, LENGTH)
def test_factors_turn_with_the_axes(shape, x, y, z):
    nx, ny, nz = factors(shape(x, y, z))
    torch.testing.assert_close(factors(shape(y, z, x)), torch.stack([ny, nz, nx]), rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(factors(shape(y, x, z)), torch.stack([ny, nx, nz]), rtol=1e-8, atol=1e-9)


@QUICK
@given(st.floats(0.2, 5.0), st.floats(0.2, 5.0), st.floats(0.02, 20.0))
def test_the_elliptic_cylinder_is_symmetric_in_x_and_y(x, y, z):
    nx, ny, nz = factors(EllipticCylinder(x, y, z))
    torch.testing.assert_close(factors(EllipticCylinder(y, x, z)), torch.stack([ny, nx, nz]), rtol=1e-7, atol=1e-9)


@QUICK
@given(ANY, LENGTH, LENGTH, LENGTH)
def test_the_longer_axis_has_the_smaller_factor(shape, x, y, z):
    nx, ny, _ = factors(shape(x, y, z))
    assert (nx - ny) * (x - y) <= 1e-9


def test_lengths_broadcast_over_a_batch():
    x = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    z = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    for shape in (Ellipsoid, EllipticCylinder, Cuboid):
        batch = torch.broadcast_tensors(*shape(x, 1.0, z).demagnetizing_factors())
        one = shape(2.0, 1.0, 0.3).demagnetizing_factors()
        torch.testing.assert_close(torch.stack(batch)[:, 1, 2], torch.stack([n.reshape(()) for n in one]))
