"""Starting states: |m| = 1, the winding, the sense of rotation and the profile of each."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.magnetism import Mesh, X
from spinloom.magnetism.scene import (
    disk,
    domain_wall,
    head_to_head_wall,
    masked,
    random_state,
    skyrmion,
    skyrmion_number,
    two_domain,
    uniform,
    vortex,
)

NM = 1e-9
MESH = Mesh((64, 64, 2), (2 * NM, 2 * NM, 1 * NM))
SIGNS = st.sampled_from([-1, 1])


def at(m: torch.Tensor, ix: int, iy: int) -> list[float]:
    return m[:, 0, iy, ix].tolist()


@settings(deadline=None)
@given(
    nx=st.integers(1, 9),
    ny=st.integers(1, 9),
    length=st.floats(0.01, 1000),
    shift=st.floats(-20, 20),
    angle=st.floats(-7, 7),
    sign=SIGNS,
)
def test_every_state_has_unit_length_everywhere(nx, ny, length, shift, angle, sign):
    mesh, length, shift = Mesh((nx, ny, 2), (2 * NM, 3 * NM, NM)), length * NM, shift * NM
    states = [
        uniform(mesh, (1.0, shift / NM, -2.0)),
        random_state(mesh, seed=nx),
        vortex(mesh, sign, -sign, length, center=(shift, 0.0)),
        two_domain(mesh, position=shift),
        domain_wall(mesh, length, shift, azimuth=angle),
        head_to_head_wall(mesh, length, shift, transverse=sign),
        skyrmion(mesh, length, 5 * NM, core=sign, helicity=angle, center=(shift, shift)),
        skyrmion(mesh, 20 * NM, length, core=sign, kind="bloch"),
    ]
    for m in states:
        assert m.shape == (3, *mesh.shape)
        assert m.dtype == torch.float64
        assert float((m.norm(dim=0) - 1).abs().max()) < 1e-12


@settings(deadline=None)
@given(
    radius=st.floats(8, 30),
    width=st.floats(1.5, 4),
    x=st.floats(-10, 10),
    y=st.floats(-10, 10),
    core=SIGNS,
    helicity=st.floats(-7, 7),
)
def test_a_skyrmion_has_the_number_of_its_core(radius, width, x, y, core, helicity):
    m = skyrmion(MESH, radius * NM, width * NM, core, helicity=helicity, center=(x * NM, y * NM))
    assert skyrmion_number(m).tolist() == pytest.approx([core, core], abs=1e-4)


@settings(deadline=None)
@given(polarity=SIGNS, circulation=SIGNS, x=st.floats(-15, 15), y=st.floats(-15, 15), radius=st.floats(4, 20))
def test_a_vortex_has_half_the_number_of_its_polarity(polarity, circulation, x, y, radius):
    m = vortex(MESH, circulation, polarity, radius * NM, center=(x * NM, y * NM))
    for state in (m, masked(m, disk(MESH, 120 * NM))):
        assert skyrmion_number(state).tolist() == pytest.approx([polarity / 2] * 2, abs=1e-9)


@settings(deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_skyrmion_number_keeps_under_rotation_and_turns_with_m(seed):
    m = skyrmion(Mesh((24, 24, 1), (2 * NM, 2 * NM, NM)), 12 * NM, 3 * NM)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    turned = torch.einsum("ij,jzyx->izyx", turn * torch.linalg.det(turn), m)
    assert float(skyrmion_number(turned)) == pytest.approx(float(skyrmion_number(m)), abs=1e-9)
    assert float(skyrmion_number(-m)) == pytest.approx(-float(skyrmion_number(m)), abs=1e-9)


def test_uniform_random_and_small_states_wind_as_they_must():
    assert skyrmion_number(uniform(MESH, (1.0, 2.0, 3.0))).tolist() == pytest.approx([0, 0], abs=1e-12)
    assert skyrmion_number(random_state(Mesh((9, 1, 3), (NM, NM, NM)), seed=0)).tolist() == [0, 0, 0]
    batch = torch.stack([skyrmion(MESH, 20 * NM, 3 * NM, core=core) for core in (1, -1)], dim=1)
    assert skyrmion_number(batch).tolist() == [pytest.approx([1, 1], abs=1e-6), pytest.approx([-1, -1], abs=1e-6)]


def test_opposite_neighbours_beside_an_empty_cell_do_not_wind():
    m = random_state(Mesh((2, 2, 1), (NM, NM, NM)), seed=0, batch=(200,))
    m[..., 0, 1] = -m[..., 0, 0]  # their product may be below -1 by rounding
    m[..., 1, :] = 0
    assert bool((skyrmion_number(m) == 0).all())


def test_a_random_state_is_uniform_on_the_sphere_and_repeats():
    m = random_state(MESH, seed=1, batch=(3,))
    assert m.shape == (3, 3, 2, 64, 64)
    n = m[0].numel()
    assert float(m.mean((1, 2, 3, 4)).abs().max()) < 4 / math.sqrt(3 * n)
    assert float((m[2] ** 2).mean()) == pytest.approx(1 / 3, abs=4 * math.sqrt(4 / 45 / n))
    assert torch.equal(m, random_state(MESH, seed=1, batch=(3,)))


def test_a_vortex_turns_as_its_circulation_says():
    anticlockwise = vortex(MESH, circulation=1, polarity=-1)
    assert at(anticlockwise, 60, 32)[1] > 0.99  # at +x it points to +y
    assert at(anticlockwise, 32, 60)[0] < -0.99
    assert at(vortex(MESH, circulation=-1), 60, 32)[1] < -0.99
    assert at(anticlockwise, 32, 32)[2] == pytest.approx(-(36 - 2) / (36 + 2))  # 1 nm beside the middle
    assert at(anticlockwise, 32 + 3, 32)[2] == 0  # the core ends three cells from the middle


@pytest.mark.parametrize(("kind", "middle"), [("neel", [1, 0, 0]), ("bloch", [0, 1, 0])])
def test_a_domain_wall_has_its_profile_and_kind(kind, middle):
    mesh = Mesh((101, 2, 1), (1 * NM, 1 * NM, 1 * NM))
    m = domain_wall(mesh, 5 * NM, 10 * NM, kind)
    assert at(m, 60, 0) == pytest.approx(middle, abs=1e-12)
    assert at(m, 65, 0)[2] == pytest.approx(-math.tanh(1))
    assert at(m, 0, 1)[2] == pytest.approx(1, abs=1e-6)
    flipped = domain_wall(mesh, 5 * NM, 10 * NM, kind, up_left=False)
    assert torch.equal(flipped[2], -m[2])
    assert torch.equal(flipped[:2], m[:2])
    tilted = domain_wall(mesh, 5 * NM, 10 * NM, kind, azimuth=math.pi)
    assert at(tilted, 60, 0) == pytest.approx([-1, 0, 0], abs=1e-12)


def test_a_head_to_head_wall_points_at_its_middle():
    mesh = Mesh((101, 2, 1), (1 * NM, 1 * NM, 1 * NM))
    m = head_to_head_wall(mesh, 5 * NM, transverse=-1)
    assert at(m, 0, 0)[0] > 0.99
    assert at(m, 100, 0)[0] < -0.99
    assert at(m, 50, 0) == pytest.approx([0, -1, 0])
    assert torch.equal(head_to_head_wall(mesh, 5 * NM, tail_to_tail=True)[0], -m[0])


@pytest.mark.parametrize("core", [-1, 1])
@pytest.mark.parametrize(("kind", "edge"), [("neel", [1, 0]), ("bloch", [0, 1])])
def test_a_skyrmion_has_its_profile_and_kind(core, kind, edge):
    mesh = Mesh((101, 101, 1), (1 * NM, 1 * NM, 1 * NM))
    m = skyrmion(mesh, 20 * NM, 4 * NM, core, kind)
    assert at(m, 50, 50) == pytest.approx([0, 0, core], abs=1e-12)
    assert at(m, 70, 50) == pytest.approx([*edge, 0], abs=1e-12)  # at +x, where m_z = 0
    assert at(m, 0, 0)[2] == pytest.approx(-core, abs=1e-6)
    theta = 2 * math.atan(math.sinh(5) / math.sinh(6))
    assert at(m, 74, 50)[2] == pytest.approx(-core * math.cos(theta))
    inward = skyrmion(mesh, 20 * NM, 4 * NM, core, kind, helicity=math.pi)
    assert at(inward, 70, 50) == pytest.approx([-1, 0, 0], abs=1e-12)


def test_thin_walls_do_not_overflow():
    m = skyrmion(MESH, 30 * NM, 0.01 * NM)
    assert bool(m.isfinite().all())
    assert set(m[2].sign().unique().tolist()) == {-1.0, 1.0}


def test_two_domains_meet_at_the_position():
    m = two_domain(MESH, left=X, position=10 * NM)
    assert bool((m[0, :, :, : 32 + 5] == 1).all())
    assert bool((m[2, :, :, 32 + 5 :] == -1).all())


def test_members_of_a_batch_are_the_states_of_their_parameters():
    r = torch.tensor([10.0, 20.0], dtype=torch.float64) * NM
    m = skyrmion(MESH, r, 3 * NM, core=torch.tensor([1, -1]), center=(r / 5, 0.0))
    assert m.shape == (3, 2, *MESH.shape)
    for i, (radius, core) in enumerate(zip(r.tolist(), (1, -1), strict=True)):
        assert torch.equal(m[:, i], skyrmion(MESH, radius, 3 * NM, core=core, center=(radius / 5, 0.0)))
    assert torch.equal(vortex(MESH, torch.tensor([1, -1]))[:, 1], vortex(MESH, -1))
    assert torch.equal(domain_wall(MESH, 5 * NM, r)[:, 1], domain_wall(MESH, 5 * NM, float(r[1])))
    assert torch.equal(two_domain(MESH, position=r)[:, 1], two_domain(MESH, position=float(r[1])))
    assert uniform(MESH, (r, r, 0.0)).shape == (3, 2, *MESH.shape)
    scaled = Mesh((8, 8, 1), (r, r, 1 * NM))
    assert vortex(scaled).shape == (3, 2, 1, 8, 8)
    assert torch.allclose(vortex(scaled)[:, 0], vortex(scaled)[:, 1])


def test_gradients_reach_radius_width_and_position():
    radius, width, x = (torch.tensor(v * NM, dtype=torch.float64, requires_grad=True) for v in (20, 4, 1))
    mesh = Mesh((33, 33, 1), (2 * NM, 2 * NM, NM))
    m = skyrmion(mesh, radius, width, center=(x * 0, 0.0)) + domain_wall(mesh, width, x) + vortex(mesh, 1, 1, radius)
    m[2].sum().backward()
    for parameter in (radius, width, x):
        assert bool(parameter.grad.isfinite())
        assert float(parameter.grad) != 0


def test_masked_states_are_zero_outside_and_join_batches():
    inside = disk(MESH, 60 * NM)
    m = masked(uniform(MESH, X), inside)
    assert torch.equal(m.norm(dim=0), inside.to(torch.float64))
    assert torch.equal(m, masked(uniform(MESH, X), inside[0]))
    sizes = disk(MESH, torch.tensor([20.0, 60.0]) * NM)
    both = masked(uniform(MESH, X), sizes)
    assert both.shape == (3, 2, *MESH.shape)
    assert torch.equal(both[:, 1], m)
    pairs = masked(random_state(MESH, 0, batch=(2,)).to(torch.float32), sizes)
    assert pairs.dtype == torch.float32
    assert torch.equal((pairs != 0).any(0), sizes)
