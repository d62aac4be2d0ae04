"""Masks that cannot be: the message names the lengths, the unit and the remedy."""

import math

import pytest
import torch

from spinloom.errors import InputError
from spinloom.magnetism import Mesh, require_mask
from spinloom.magnetism.scene import disk, ellipse, fraction_inside_ellipse, rectangle, require_material, ring, track

NM = 1e-9
MESH = Mesh((16, 16, 2), (4 * NM, 4 * NM, 1 * NM))


def test_an_empty_mask_names_lengths_and_cell():
    with pytest.raises(InputError, match="empty mask: diameter 3 nm; the cell is 4 x 4 x 1 nm; enlarge the shape or"):
        disk(MESH, 3 * NM)
    with pytest.raises(InputError, match="empty mask: x 20 nm, y 10 nm"):
        ellipse(MESH, 20 * NM, 10 * NM, center=(100 * NM, 0.0))
    with pytest.raises(InputError, match="empty mask: outer 9 nm, inner 8 nm"):
        ring(MESH, 9 * NM, 8 * NM)
    with pytest.raises(InputError, match="empty mask: width 1 nm"):
        track(MESH, 1 * NM)


def test_one_empty_member_of_a_batch_is_named():
    with pytest.raises(InputError, match=r"empty mask in member \(1,\) of the batch: diameter 2 nm"):
        disk(MESH, torch.tensor([30.0, 2.0, 20.0], dtype=torch.float64) * NM)
    thin = Mesh((16, 16, 1), (torch.tensor([1.0, 8.0]) * NM, 1 * NM, 1 * NM))
    with pytest.raises(InputError, match=r"member \(1,\) of the batch: x 5 nm, y 9 nm; the cell is 8 x 1 x 1 nm"):
        rectangle(thin, 5 * NM, 9 * NM)


@pytest.mark.parametrize("bad", [0.0, -1 * NM, math.nan, math.inf])
def test_lengths_must_be_positive(bad):
    for shape in (ellipse, rectangle, ring, fraction_inside_ellipse):
        with pytest.raises(InputError, match="must be finite and > 0"):
            shape(MESH, 20 * NM, bad)
    for shape in (disk, track):
        with pytest.raises(InputError, match="must be finite and > 0"):
            shape(MESH, bad)


def test_other_arguments_are_checked():
    with pytest.raises(InputError, match="inner diameter of a ring must be below the outer"):
        ring(MESH, 20 * NM, 20 * NM)
    with pytest.raises(InputError, match="center_y must be finite"):
        disk(MESH, 20 * NM, center=(0.0, math.nan))
    with pytest.raises(InputError, match="center must be two lengths"):
        disk(MESH, 20 * NM, center=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="subsamples must be a whole number"):
        fraction_inside_ellipse(MESH, 20 * NM, 20 * NM, subsamples=0)
    with pytest.raises(InputError, match=r"batches do not match .* x \(2,\), y \(3,\)"):
        ellipse(MESH, torch.full((2,), 20 * NM), torch.full((3,), 20 * NM))


def test_masks_of_the_wrong_shape_or_type_are_refused():
    assert require_mask(torch.ones(16, 16, dtype=torch.bool), MESH).shape == (2, 16, 16)
    assert require_mask(torch.ones(5, 1, 16, 16, dtype=torch.bool), MESH).shape == (5, 2, 16, 16)
    for shape in [(16,), (8, 16), (3, 16, 16), (5, 16, 16)]:
        with pytest.raises(InputError, match=r"a mask must have shape .* = \(2, 16, 16\)"):
            require_mask(torch.ones(shape, dtype=torch.bool), MESH)
    with pytest.raises(InputError, match=r"a mask must be a bool tensor, got torch\.float32"):
        require_mask(torch.ones(16, 16), MESH)
    with pytest.raises(InputError, match="a mask must be a bool tensor, got list"):
        require_mask([[True]], MESH)


def test_require_material_takes_combined_masks():
    whole, part = disk(MESH, 40 * NM), disk(MESH, 20 * NM)
    require_material(whole & ~part)
    with pytest.raises(InputError, match="empty mask: no cell is True"):
        require_material(part & ~whole)
    with pytest.raises(InputError, match="empty mask"):
        require_material(torch.zeros(4, 4, dtype=torch.bool))
