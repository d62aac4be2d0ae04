import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.magnetism import Mesh
from spinloom.magnetism.stray import tensor as newell
from spinloom.magnetism.stray.tensor import demagnetizing_tensor

NM = 1e-9
LENGTH = st.floats(0.5, 10.0)
QUICK = settings(max_examples=15, deadline=None, derandomize=True)
CELLS = (7, 6, 4)


def tensor(*lengths, cells=CELLS, unit=NM) -> torch.Tensor:
    return demagnetizing_tensor(Mesh(cells, tuple(length * unit for length in lengths)))


def largest_deviation(a: torch.Tensor, b: torch.Tensor) -> float:
    """Relative to the largest part at the same offset."""
    return float(((a - b).abs().amax(0) / b.abs().amax(0)).max())


@QUICK
@given(LENGTH, LENGTH, LENGTH)
def test_the_trace_is_one_at_zero_offset_and_zero_elsewhere(x, y, z):
    n = tensor(x, y, z)
    trace = n[:3].sum(0)
    trace[0, 0, 0] -= 1
    assert float((trace.abs() / n.abs().amax(0)).max()) < 1e-9


@QUICK
@given(LENGTH, LENGTH, LENGTH)
def test_swapped_axes_permute_the_parts(x, y, z):
    n = tensor(x, y, z)
    turned = tensor(y, z, x, cells=(CELLS[1], CELLS[2], CELLS[0])).permute(0, 2, 3, 1)[[2, 0, 1, 4, 5, 3]]
    swapped = tensor(y, x, z, cells=(CELLS[1], CELLS[0], CELLS[2])).mT[[1, 0, 2, 3, 5, 4]]
    assert largest_deviation(turned, n) < 1e-10
    assert largest_deviation(swapped, n) < 1e-10


@QUICK
@given(LENGTH, LENGTH, LENGTH, st.floats(-12, 3))
def test_the_tensor_does_not_depend_on_the_unit_of_length(x, y, z, exponent):
    assert largest_deviation(tensor(x, y, z, unit=10**exponent), tensor(x, y, z)) < 1e-10


@QUICK
@given(LENGTH, LENGTH, LENGTH)
def test_parts_that_are_odd_vanish_exactly_where_an_offset_is_zero(x, y, z):
    xy, xz, yz = tensor(x, y, z)[3:]
    for part in (xy[:, 0], xy[..., 0], xz[0], xz[..., 0], yz[0], yz[:, 0]):
        assert not part.any()
    assert (xy[:, 1:, 1:] < 0).all()
    assert (xz[1:, :, 1:] < 0).all()
    assert (yz[1:, 1:] < 0).all()
    layer = tensor(x, y, z, cells=(7, 6, 1))
    assert not layer[4:].any()
    assert largest_deviation(layer, tensor(x, y, z)[:, :1]) < 1e-10


def test_members_of_a_batch_equal_their_own_meshes():
    x = torch.tensor([[1.0], [5.0]], dtype=torch.float64)
    y = torch.tensor([1.0, 3.0, 12.0], dtype=torch.float64)
    n = tensor(x, y, 1.0, cells=(20, 9, 2))
    assert n.shape == (6, 2, 3, 2, 9, 20)
    for i in range(2):
        for j in range(3):
            one = tensor(float(x[i, 0]), float(y[j]), 1.0, cells=(20, 9, 2))
            assert one.shape == (6, 2, 9, 20)
            assert largest_deviation(n[:, i, j], one) < 1e-10


@pytest.mark.parametrize("lengths", [(1, 1, 1), (5, 5, 1), (1, 1, 10), (1, 2, 2), (20, 20, 1)])
def test_closed_form_and_quadrature_agree_where_they_meet(lengths, monkeypatch):
    n = tensor(*lengths, cells=(30, 20, 4))
    monkeypatch.setattr(newell, "_NEAR", 2.0)
    moved = tensor(*lengths, cells=(30, 20, 4))
    assert not torch.equal(moved, n)
    assert largest_deviation(moved, n) < 1e-9


@pytest.mark.parametrize("lengths", [(1, 1, 10), (15, 1, 1), (1, 9, 1)])
def test_needles_equal_the_sum_of_their_parts(lengths, monkeypatch):
    n = tensor(*lengths, cells=(12, 11, 3))
    monkeypatch.setattr(newell, "_LONGEST", 100.0)
    whole = tensor(*lengths, cells=(12, 11, 3))
    assert not torch.equal(whole, n)
    assert largest_deviation(whole, n) < 1e-9


def test_lengths_of_batches_that_do_not_broadcast_are_refused():
    x, y = torch.ones(2) * NM, torch.ones(3) * NM
    with pytest.raises(InputError, match=r"lengths of a cell must broadcast to one batch.*\(2,\), \(3,\)"):
        Mesh((2, 2, 1), (x, y, NM))
