"""Radius, wall position and core position of a state, against what it was made with."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.magnetism import Mesh, X, Z
from spinloom.magnetism.scene import (
    Notch,
    core_position,
    disk,
    domain_wall,
    masked,
    random_state,
    skyrmion,
    skyrmion_radius,
    track,
    uniform,
    vortex,
    wall_position,
)

NM = 1e-9
FILM = Mesh((64, 64, 2), (2 * NM, 2 * NM, 1 * NM))
TRACK = Mesh((200, 20, 2), (1 * NM, 2 * NM, 1 * NM))
OFFSETS = st.floats(-12, 12)


@settings(deadline=None)
@given(r=st.floats(12, 35), w=st.floats(2, 5), x=OFFSETS, y=OFFSETS, core=st.sampled_from([-1, 1]))
def test_the_skyrmion_radius_is_right_within_a_tenth_of_a_cell(r, w, x, y, core):
    m = skyrmion(FILM, r * NM, w * NM, core, center=(x * NM, y * NM))
    for state in (m, masked(m, disk(FILM, 124 * NM))):
        assert (skyrmion_radius(state, FILM, core) / NM).tolist() == pytest.approx([r, r], abs=0.2)


def test_the_radius_changes_by_less_than_a_cell_when_the_skyrmion_does():
    r = torch.linspace(20, 22, 21, dtype=torch.float64) * NM
    found = skyrmion_radius(skyrmion(FILM, r, 4 * NM), FILM)
    assert found.shape == (21, 2)
    assert bool((found.diff(dim=0) > 0.05 * NM).all())
    assert bool((found.diff(dim=0) < 0.15 * NM).all())


def test_a_film_without_a_core_has_radius_zero():
    assert skyrmion_radius(uniform(FILM, Z), FILM, core=-1).tolist() == [0, 0]


@settings(deadline=None)
@given(position=st.floats(-70, 70), width=st.floats(0.5, 5), up_left=st.booleans(), canted=st.floats(0, 0.6))
def test_the_wall_is_found_within_a_hundredth_of_a_cell(position, width, up_left, canted):
    mask = track(TRACK, 30 * NM, [Notch(20 * NM, 8 * NM, 20 * NM)])
    m = domain_wall(TRACK, width * NM, position * NM, up_left=up_left)
    m = masked(m * (1 - canted), mask)  # |m_z| < 1 in the domains, as in a field in the plane
    sharp = 0.5 if width < 1.5 else 0.01  # a wall thinner than the cells falls on them
    assert float(wall_position(m, TRACK)) / NM == pytest.approx(position, abs=sharp)


def test_a_wall_is_found_in_thermal_noise():
    position = torch.linspace(-60, 60, 13, dtype=torch.float64) * NM
    noisy = domain_wall(TRACK, 4 * NM, position) + 0.5 * random_state(TRACK, seed=1, batch=(13,))
    found = wall_position(noisy / noisy.norm(dim=0), TRACK)
    assert float((found - position).abs().max()) / NM < 1


def test_walls_are_found_for_each_member_and_only_where_there_is_one():
    position = torch.tensor([-40.0, 0.0, 31.4], dtype=torch.float64) * NM
    assert (wall_position(domain_wall(TRACK, 4 * NM, position), TRACK) / NM).tolist() == pytest.approx(
        [-40, 0, 31.4], abs=0.01
    )
    assert bool(wall_position(uniform(TRACK, Z), TRACK).isnan())
    assert bool(wall_position(uniform(TRACK, X), TRACK).isnan())
    short = torch.zeros(20, 200, dtype=torch.bool)
    short[5:15, 60:] = True  # the material is from x = -40 nm to 100 nm
    m = masked(domain_wall(TRACK, 4 * NM, 15 * NM), short)
    assert float(wall_position(m, TRACK)) / NM == pytest.approx(15, abs=0.01)


@settings(deadline=None)
@given(x=st.floats(-30, 30), y=st.floats(-30, 30), polarity=st.sampled_from([-1, 1]), radius=st.floats(5, 15))
def test_the_core_is_found_within_a_tenth_of_a_cell(x, y, polarity, radius):
    m = masked(vortex(FILM, 1, polarity, radius * NM, center=(x * NM, y * NM)), disk(FILM, 124 * NM))
    found = core_position(m, FILM)
    assert float(found[0]) / NM == pytest.approx(x, abs=0.2)
    assert float(found[1]) / NM == pytest.approx(y, abs=0.2)


def test_cores_are_found_for_each_member_and_at_the_edge():
    x = torch.tensor([[-20.0, 5.0], [0.0, 63.0]], dtype=torch.float64) * NM
    found = core_position(vortex(FILM, core_radius=10 * NM, center=(x, -x / 2)), FILM)
    assert found[0].shape == (2, 2)
    assert torch.allclose(found[0], x, atol=0.2 * NM)
    assert torch.allclose(found[1], -x / 2, atol=0.2 * NM)
    flat = Mesh((5, 2, 1), (1 * NM, 1 * NM, 1 * NM))
    assert float(core_position(vortex(flat, center=(2 * NM, 0.5 * NM)), flat)[1]) == 0.5 * NM


def test_meshes_may_differ_between_members():
    dx = torch.tensor([1.0, 2.0], dtype=torch.float64) * NM
    mesh = Mesh((64, 64, 1), (dx, dx, 1 * NM))
    r = 12 * dx
    assert torch.allclose(skyrmion_radius(skyrmion(mesh, r, 2 * dx), mesh), r[:, None], rtol=0.01)
    assert torch.allclose(wall_position(domain_wall(mesh, 3 * dx, r), mesh), r, rtol=0.01)
    assert torch.allclose(core_position(vortex(mesh, center=(r, 0.0)), mesh)[0], r, rtol=0.02)
