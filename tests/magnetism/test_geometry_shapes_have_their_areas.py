"""Masks of closed shapes against their closed-form areas, and their symmetries."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.magnetism import Mesh
from spinloom.magnetism.scene import disk, ellipse, fraction_inside_ellipse, rectangle, ring

NM = 1e-9
LENGTHS = st.floats(8 * NM, 40 * NM)


def square(n: int, cell: float = 1.0, nz: int = 1) -> Mesh:
    return Mesh((n, n, nz), (cell * NM, cell * NM, NM))


def area(mask: torch.Tensor, mesh: Mesh) -> torch.Tensor:
    dx, dy, _ = mesh.lengths
    return mask[..., 0, :, :].to(torch.float64).sum((-2, -1)) * dx * dy


def test_ellipse_areas_converge_to_pi_a_b_over_4():
    x = torch.linspace(80, 100, 41, dtype=torch.float64) * NM
    worst = []
    for n, cell in ((28, 4.0), (112, 1.0), (448, 0.25)):
        mesh = square(n, cell)
        worst.append(float((area(ellipse(mesh, x, 0.6 * x), mesh) / (math.pi / 4 * 0.6 * x**2) - 1).abs().max()))
    assert worst[0] < 0.05
    assert worst[1] < worst[0] / 3
    assert worst[2] < worst[1] / 3


def test_a_disk_is_a_circular_ellipse_and_a_ring_is_a_disk_with_a_hole():
    mesh = square(64)
    assert torch.equal(disk(mesh, 50 * NM), ellipse(mesh, 50 * NM, 50 * NM))
    assert torch.equal(ring(mesh, 50 * NM, 20.2 * NM), disk(mesh, 50 * NM) & ~disk(mesh, 20.2 * NM))


def test_a_rectangle_has_exactly_its_cells():
    mesh = Mesh((40, 20, 3), (2 * NM, 1 * NM, 1 * NM))
    mask = rectangle(mesh, 24 * NM, 10 * NM, center=(4 * NM, -3 * NM))
    assert mask.shape == (3, 20, 40)
    assert torch.equal(mask[1].any(0).nonzero()[:, 0], torch.arange(16, 28))
    assert torch.equal(mask[1].any(1).nonzero()[:, 0], torch.arange(2, 12))
    assert mask[1].sum() == 12 * 10


@pytest.mark.parametrize("cell", [1.0, 0.3, 0.1])
def test_a_centre_on_the_edge_is_inside_whatever_the_rounding(cell):
    mesh = square(21, cell)
    assert rectangle(mesh, 8 * cell * NM, 8 * cell * NM).sum() == 81
    assert disk(mesh, 2 * cell * NM).sum() == 5


@pytest.mark.parametrize("n", [50, 51])
def test_shares_of_cells_add_up_to_the_area(n):
    mesh = square(n, 2.0)
    share = fraction_inside_ellipse(mesh, 90 * NM, 60 * NM)
    assert area(share, mesh) == pytest.approx(math.pi / 4 * 90 * 60 * NM**2, rel=5e-4)
    assert float(share.min()) == 0
    assert float(share.max()) == pytest.approx(1)
    inside = ellipse(mesh, 90 * NM, 60 * NM)
    assert bool((share[inside] > 0.2).all())
    assert bool((share[~inside] < 0.8).all())


def test_shares_of_cells_pass_gradients_to_the_axes():
    mesh = square(40, 2.0)
    x, y = (torch.tensor(v * NM, dtype=torch.float64, requires_grad=True) for v in (60, 50))
    area(fraction_inside_ellipse(mesh, x, y, subsamples=32), mesh).backward()
    assert float(x.grad) == pytest.approx(math.pi / 4 * 50 * NM, rel=1e-2)
    assert float(y.grad) == pytest.approx(math.pi / 4 * 60 * NM, rel=3e-2)  # through lines that enter: coarser


def test_members_of_a_batch_have_their_own_sizes_and_cells():
    d = torch.tensor([10.0, 20.0, 30.0], dtype=torch.float64) * NM
    mesh = square(40, nz=2)
    masks = disk(mesh, d, center=(d / 10, 0.0))
    assert masks.shape == (3, 2, 40, 40)
    for one, mask in zip(d, masks, strict=True):
        assert torch.equal(mask, disk(mesh, float(one), center=(float(one) / 10, 0.0)))
    scaled = Mesh((40, 40, 1), (d / 40, d / 40, 1 * NM))
    assert torch.equal(disk(scaled, d)[0], disk(scaled, d)[2])
    assert fraction_inside_ellipse(scaled, d, d).shape == (3, 1, 40, 40)


@settings(deadline=None)
@given(x=LENGTHS, y=LENGTHS, n=st.sampled_from([31, 32]))
def test_masks_have_the_symmetry_of_their_shape(x, y, n):
    mesh = square(n)
    for mask in (ellipse(mesh, x, y), rectangle(mesh, x, y), ring(mesh, x, x / 2)):
        assert torch.equal(mask, mask.flip(-1))
        assert torch.equal(mask, mask.flip(-2))
    assert torch.equal(ellipse(mesh, x, y).mT, ellipse(mesh, y, x))


@settings(deadline=None)
@given(x=LENGTHS, y=LENGTHS, growth=st.floats(1, 2))
def test_a_larger_shape_holds_the_smaller_and_a_rectangle_its_ellipse(x, y, growth):
    mesh = square(32)
    assert not (ellipse(mesh, x, y) & ~ellipse(mesh, x * growth, y)).any()
    assert not (ellipse(mesh, x, y) & ~rectangle(mesh, x, y)).any()
