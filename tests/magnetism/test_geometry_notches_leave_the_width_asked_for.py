"""Tracks and their notches: cross-sections against the drawing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.magnetism import Mesh
from spinloom.magnetism.scene import Notch, track

NM = 1e-9
MESH = Mesh((201, 60, 1), (1 * NM, 1 * NM, 1 * NM))


def sections(mask: torch.Tensor) -> torch.Tensor:
    """Cells across the track at every x."""
    return mask[..., 0, :, :].sum(-2)


def test_a_plain_track_runs_through_the_whole_grid():
    mask = track(MESH, 40 * NM)
    assert bool((sections(mask) == 40).all())
    assert torch.equal(mask, mask.flip(-2))


@pytest.mark.parametrize("shape", ["triangle", "rectangle", "semicircle"])
@pytest.mark.parametrize(("side", "narrowest"), [("both", 20), ("upper", 30), ("lower", 30)])
def test_the_narrowest_section_is_as_asked_and_in_its_place(shape, side, narrowest):
    mask = track(MESH, 40 * NM, [Notch(25 * NM, 10 * NM, 30 * NM, shape, side)])
    across = sections(mask)
    assert int(across.min()) == narrowest
    assert int(across[125]) == narrowest  # the cell centred at x = 25 nm
    touched = (across < 40).nonzero()
    assert int(touched.min()) >= 125 - 15
    assert int(touched.max()) <= 125 + 15
    upper, lower = mask[0, 30:].sum(0), mask[0, :30].sum(0)
    assert int(upper.min()) == (20 if side == "lower" else 10)
    assert int(lower.min()) == (20 if side == "upper" else 10)


@pytest.mark.parametrize(
    ("shape", "removed"), [("triangle", 0.5 * 30 * 10), ("rectangle", 30 * 10), ("semicircle", torch.pi / 4 * 30 * 10)]
)
def test_a_notch_takes_its_area_away(shape, removed):
    mesh = Mesh((800, 240, 1), (0.25 * NM, 0.25 * NM, 1 * NM))
    cut = track(mesh, 40 * NM) & ~track(mesh, 40 * NM, [Notch(0.0, 10 * NM, 30 * NM, shape, "upper")])
    assert float(cut.sum()) / 16 == pytest.approx(removed, rel=0.02)


def test_several_notches_cut_each_in_its_place():
    notches = [Notch(x * NM, 8 * NM, 20 * NM, "rectangle", side) for x, side in ((-60, "both"), (50, "lower"))]
    across = sections(track(MESH, 40 * NM, notches))
    assert [int(across[i]) for i in (40, 100, 150)] == [24, 40, 32]


def test_members_of_a_batch_have_their_own_notches():
    depth = torch.tensor([4.0, 8.0, 12.0], dtype=torch.float64) * NM
    masks = track(MESH, 40 * NM, [Notch(0.0, depth, 20 * NM)])
    assert sections(masks).amin(-1).tolist() == [32, 24, 16]


@settings(deadline=None)
@given(depth=st.floats(1, 18), width=st.floats(2, 80), shape=st.sampled_from(["triangle", "rectangle", "semicircle"]))
def test_equal_notches_on_both_sides_mirror_each_other(depth, width, shape):
    mask = track(MESH, 40 * NM, [Notch(0.0, depth * NM, width * NM, shape)])
    assert torch.equal(mask, mask.flip(-2))
    assert torch.equal(mask, mask.flip(-1))
    assert abs(int(sections(mask).min()) - (40 - 2 * depth)) <= 2


@pytest.mark.parametrize(("side", "depth"), [("both", 20.0), ("upper", 40.0), ("lower", 55.0)])
def test_a_notch_as_deep_as_the_track_is_refused(side, depth):
    with pytest.raises(InputError, match="cuts the track of 40 nm through"):
        track(MESH, 40 * NM, [Notch(0.0, depth * NM, 20 * NM, side=side)])


def test_notches_that_meet_across_the_track_are_refused():
    opposite = [Notch(0.0, 25 * NM, 20 * NM, side="upper"), Notch(0.0, 25 * NM, 20 * NM, side="lower")]
    with pytest.raises(InputError, match="no cell is left"):
        track(MESH, 40 * NM, opposite)


def test_a_notch_beyond_the_track_is_refused():
    with pytest.raises(InputError, match="a notch at 150 nm lies beyond the track, which is 201 nm long"):
        track(MESH, 40 * NM, [Notch(150 * NM, 5 * NM, 5 * NM)])


def test_unknown_names_and_bad_lengths_are_refused():
    with pytest.raises(InputError, match="unknown notch shape 'triangel': did you mean 'triangle'"):
        Notch(0.0, NM, NM, "triangel")
    with pytest.raises(InputError, match="unknown notch side 'left'"):
        Notch(0.0, NM, NM, side="left")
    with pytest.raises(InputError, match="depth must be finite and > 0"):
        Notch(0.0, -NM, NM)
    with pytest.raises(InputError, match="position must be finite"):
        Notch(float("nan"), NM, NM)
