"""Members of a batch: each as it would be alone, by every engine and by every way to compute the stray field."""

import pytest
import torch
from mesh_magnets import MS, A, holes, member, mesh_magnet, random_state

from spinloom import units
from spinloom.magnetism import (
    Applied,
    Constant,
    Demagnetization,
    Exchange,
    InterfacialDMI,
    Mesh,
    Uniaxial,
    ZhangLi,
    simulate,
)

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
MESH = Mesh((7, 5, 3), (2e-9, 2.5e-9, 2e-9))
STEP = 0.03e-12


def batched(ku):
    fields = (Exchange(A), InterfacialDMI(1e-3), Uniaxial(ku, axis=(0.1, 0, 1)), Demagnetization())
    return mesh_magnet(MESH, *fields, damping=0.1)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("method", ["rk43", "dopri5"])
def test_a_member_of_a_batch_steps_as_it_would_alone(method, engine):
    """The members start from wall-like to wild, so that they need different steps."""
    tilt = torch.tensor([0.0, 0.05, 3.0], dtype=torch.float64).reshape(3, 1, 1, 1)
    m = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64).reshape(3, 1, 1, 1, 1) + tilt * random_state(MESH, (3,))
    m, ku = m / m.norm(dim=0), member(2e5, 4e5, 6e5)
    together = simulate(batched(ku), m, 0.6e-12, STEP, method=method, engine=engine)
    assert len(set(together.steps.tolist())) == 3
    for k in range(3):
        single = batched(ku[k : k + 1])
        alone = simulate(single, m[:, k : k + 1], 0.6e-12, STEP, method=method, engine=engine)
        assert int(alone.steps) == int(together.steps[k])
        torch.testing.assert_close(alone.final[:, 0], together.final[:, k], rtol=0, atol=1e-12)
        torch.testing.assert_close(alone.last_step[0], together.last_step[k], rtol=1e-6, atol=0)


def test_a_first_step_for_each_member_goes_on_where_a_run_stopped():
    magnet, m = batched(member(2e5, 6e5)), random_state(MESH, (2,))
    first = simulate(magnet, m, 0.5e-12, STEP)
    rest = simulate(magnet, first.final, 0.5e-12, first.last_step)
    whole = simulate(magnet, m, 1e-12, STEP, records=2)
    assert rest.last_step.shape == (2,)
    torch.testing.assert_close(rest.final, whole.final, rtol=0, atol=1e-4)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3)])
def test_every_batch_shape(batch):
    m = random_state(MESH, batch)
    magnet = batched(2e5)
    ours, reference = (simulate(magnet, m, 0.3e-12, STEP, engine=engine) for engine in ("compiled", "eager"))
    assert ours.final.shape == m.shape
    assert ours.steps.shape == batch
    torch.testing.assert_close(ours.final, reference.final, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cells", [(1, 1, 1), (1, 7, 1), (1, 1, 5), (130, 1, 1), (65, 3, 1)])
def test_meshes_of_every_extent(cells):
    mesh = Mesh(cells, (3e-9, 3e-9, 3e-9))
    m, magnet = random_state(mesh, (2,)), mesh_magnet(mesh, Exchange(A), Demagnetization(), damping=0.1)
    ours, reference = (simulate(magnet, m, 0.3e-12, STEP, engine=engine) for engine in ("compiled", "eager"))
    torch.testing.assert_close(ours.final, reference.final, rtol=0, atol=1e-12)
    assert (ours.final - m).abs().max() > 1e-3 or mesh.count == 1


LENGTHS = {"one": (), "per column": (3,), "per row": (2, 1), "each": (2, 3)}
"""Shapes of the cell lengths in a batch (2, 3)."""
CELLS = {
    "matrix": [(9, 4, 1), (5, 4, 3), (1, 1, 1)],
    "one core": [(20, 12, 1), (9, 8, 5), (1, 30, 8), (200, 1, 1)],
    "all cores": [(60, 58, 1), (29, 25, 5)],
}


@pytest.mark.parametrize("shape", LENGTHS)
@pytest.mark.parametrize("way", CELLS)
def test_every_way_to_the_stray_field_and_every_batch_of_cell_sizes(way, shape):
    """Small meshes by matrices, larger ones by transforms on one core, large batches on all."""
    lengths = [1e-9 * (2 + torch.rand(LENGTHS[shape], generator=torch.Generator().manual_seed(k))) for k in range(3)]
    for cells in CELLS[way]:
        mesh = Mesh(cells, tuple(length.double() for length in lengths))
        magnet, m = mesh_magnet(mesh, Demagnetization(), damping=0.1), random_state(mesh, (2, 3))
        for dtype, tolerance in ((torch.float64, 1e-13), (torch.float32, 1e-6)):
            ours, reference = (
                simulate(magnet, m.to(dtype), 1e-12, 1e-12, method="rk4", engine=engine).final
                for engine in ("compiled", "eager")
            )
            torch.testing.assert_close(ours, reference, rtol=0, atol=tolerance)
            assert (ours - m).abs().max() > 1e-3


def test_masks_sizes_and_constants_of_every_member():
    """Among them currents through textures, whose neighbours depend on the mask."""
    mesh = Mesh(
        (6, 5, 3), tuple(torch.tensor(h, dtype=torch.float64) for h in ((2e-9, 3e-9), (2e-9, 1e-9), (2e-9, 4e-9)))
    )
    masks = torch.stack([holes(mesh, 1), holes(mesh, 2)])
    flow = ZhangLi(Constant(member(2e13, -1e13)), 0.5, member(0.1, 0.3), (1, 2, 3))
    fields = (Exchange(member(A, 0.5 * A)), InterfacialDMI(member(1e-3, -2e-3)), Demagnetization())
    magnet = mesh_magnet(mesh, *fields, torques=(flow,), damping=0.1, ms=member(MS, 0.6 * MS), geometry=masks)
    m = random_state(mesh, (2,), geometry=masks)
    ours, reference = (simulate(magnet, m, 0.5e-12, STEP, engine=engine) for engine in ("compiled", "eager"))
    torch.testing.assert_close(ours.final, reference.final, rtol=0, atol=1e-12)
    assert torch.equal(ours.steps, reference.steps)
    for k in range(2):
        one = Mesh(mesh.cells, tuple(float(h[k]) for h in mesh.lengths))
        flow = ZhangLi(Constant((2e13, -1e13)[k]), 0.5, (0.1, 0.3)[k], (1, 2, 3))
        fields = (Exchange((1, 0.5)[k] * A), InterfacialDMI((1e-3, -2e-3)[k]), Demagnetization())
        alone = mesh_magnet(one, *fields, torques=(flow,), damping=0.1, ms=(1, 0.6)[k] * MS, geometry=masks[k])
        single = simulate(alone, m[:, k], 0.5e-12, STEP, engine="eager").final
        torch.testing.assert_close(ours.final[:, k], single, rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_the_thermal_field_of_a_cell_has_the_strength_of_its_moment(engine):
    """One step from +z: variance of m_x is that of the field, 2 damping kT h gamma / (Ms V), to 5 standard errors."""
    mesh = Mesh((45, 44, 5), (torch.tensor([3e-9, 6e-9]), 3e-9, 3e-9))
    ms = torch.where(torch.arange(45) < 15, 0.25 * MS, MS).expand(mesh.shape).double()
    magnet = mesh_magnet(mesh, Applied(Constant(0.0)), damping=0.1, ms=ms)
    up = torch.zeros(3, 2, *mesh.shape, dtype=torch.float64)
    up[2] = 1
    m = simulate(magnet, up, 1e-14, 1e-14, temperature=30.0, seed=5, engine=engine).final
    expected = 2 * 0.1 * units.KB * 30.0 * 1e-14 * units.GAMMA / (ms * mesh.cell_volume) / 1.01
    share = (m[:2].square() / expected).reshape(2, 2, -1, 45)
    for part in (share[..., :15], share[..., 15:]):
        for k in range(2):
            count = part[:, k].numel()
            assert abs(float(part[:, k].mean()) - 1) < 5 * (2 / count) ** 0.5
