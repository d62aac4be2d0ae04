"""The field of a uniformly magnetised block on a mesh against the closed form of a prism, near and far."""

import numpy as np
import pytest
import torch
from mesh_magnets import MS, member, mesh_magnet, per_cell, random_state, uniform_state
from prism import prism_field

from spinloom.magnetism import Applied, Constant, Cuboid, Demagnetization, Magnet, Material, Mesh, simulate
from spinloom.magnetism.stray.demag import stray_field

AXES = torch.eye(3, dtype=torch.float64)
PARTS = ([0, 3, 4], [3, 1, 5], [4, 5, 2])


def field(mesh, m, ms=MS, geometry=None):
    magnet = mesh_magnet(mesh, Demagnetization(), ms=ms, geometry=geometry)
    return stray_field(mesh, magnet.material.saturation_magnetization, m)


def cell_average(center, cell, lengths):
    """H / M (6,) averaged over a cell around `center` (m, from the block's middle), parts xx, yy, zz, xy, xz, yz."""
    nodes, weights = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(12))
    x, y, z = torch.meshgrid(*(c + h / 2 * nodes for c, h in zip(center, cell, strict=True)), indexing="ij")
    return torch.einsum("pijk,i,j,k->p", prism_field(x, y, z, lengths), weights, weights, weights) / 8


BLOCKS = {
    "long": (Mesh((96, 3, 2), (4e-9, 5e-9, 3e-9)), (4, 3, 2)),
    "flat": (Mesh((40, 30, 1), (5e-9, 4e-9, 2e-9)), (6, 4, 1)),
    "tall": (Mesh((4, 3, 40), (4e-9, 5e-9, 2e-9)), (2, 3, 8)),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
@pytest.mark.parametrize("name", BLOCKS)
def test_the_field_outside_a_block(name, dtype, tolerance):
    """Relative to the field in each cell; in single precision to 1e-4 of it or 1e-7 Ms, the noise of the transform."""
    mesh, block = BLOCKS[name]
    floor = 1e-7 if dtype == torch.float32 else 0.0
    cell = [float(length) for length in mesh.lengths]
    lengths = [n * h for n, h in zip(block, cell, strict=True)]
    mask = torch.zeros(mesh.shape, dtype=torch.bool)
    mask[: block[2], : block[1], : block[0]] = True
    nx, ny, nz = mesh.cells
    probes = [
        (block[0] + 1, 0, nz - 1),
        (nx // 2, ny - 1, nz - 1),
        (nx - 1, ny // 2, nz // 2),
        (nx - 1, ny - 1, nz - 1),
    ]
    probes = [p for p in probes if any(i >= n for i, n in zip(p, block, strict=True))]
    assert len(probes) >= 2
    for axis in range(3):
        m = torch.where(mask, uniform_state(mesh, AXES[axis].tolist()), 0.0).to(dtype)
        h = field(mesh, m, geometry=mask).double() / MS
        for i, j, k in probes:
            center = [(p + 0.5 - n / 2) * d for p, n, d in zip((i, j, k), block, cell, strict=True)]
            expected = cell_average(center, cell, lengths)[PARTS[axis]]
            off, size = float((h[:, k, j, i] - expected).norm()), float(expected.norm())
            print(f"{name} {dtype} axis {axis} cell {i, j, k}: {size:.2g} Ms, off by {off:.1g} Ms = {off / size:.1g}")
            assert off <= max(tolerance * size, floor)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
@pytest.mark.parametrize("cells", [(8, 6, 1), (5, 4, 3), (1, 7, 9), (32, 1, 1), (1, 1, 1)])
def test_the_mean_field_of_a_block_has_the_factors_of_a_cuboid(cells, dtype, tolerance):
    cell = (4e-9, 3e-9, 5e-9)
    mesh = Mesh(cells, cell)
    factors = Cuboid(*(n * h for n, h in zip(cells, cell, strict=True))).demagnetizing_factors()
    for axis in range(3):
        h = field(mesh, uniform_state(mesh, AXES[axis].tolist(), dtype=dtype)).double().mean((-3, -2, -1)) / MS
        assert (h + factors[axis] * AXES[axis]).abs().max() <= tolerance


def test_a_mesh_of_one_cell_moves_as_a_macrospin():
    shape = Cuboid(60e-9, 30e-9, 4e-9)
    around = Applied(Constant(2e4), (1, 2, 3))
    one = Magnet(Material(MS, 0.05), mesh=Mesh((1, 1, 1), (60e-9, 30e-9, 4e-9)), fields=(Demagnetization(), around))
    spin = Magnet(Material(MS, 0.05), shape.volume, (Demagnetization(shape), around))
    m = random_state(one.mesh, (4,))
    resolved = simulate(one, m, 0.05e-9, 1e-12, method="rk4", engine="eager").final
    single = simulate(spin, m[..., 0, 0, 0], 0.05e-9, 1e-12, method="rk4", engine="eager").final
    torch.testing.assert_close(resolved[..., 0, 0, 0], single, rtol=0, atol=1e-9)
    torch.testing.assert_close(one.energy(m), spin.energy(m[..., 0, 0, 0]), rtol=1e-9, atol=0)


def test_cutting_cells_in_two_leaves_the_mean_field_alone():
    coarse, fine = Mesh((6, 4, 1), (4e-9, 4e-9, 4e-9)), Mesh((12, 8, 2), (2e-9, 2e-9, 2e-9))
    m = random_state(coarse)
    spread = m.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    pooled = torch.nn.functional.avg_pool3d(field(fine, spread), 2)
    torch.testing.assert_close(pooled, field(coarse, m), rtol=0, atol=1e-9 * MS)


def test_members_of_different_cell_sizes_have_the_fields_they_have_alone():
    sizes = [(3e-9, 2e-9, 1e-9), (5e-9, 5e-9, 20e-9)]
    m = random_state(Mesh((6, 4, 2), sizes[0]), (2,))
    together = field(Mesh((6, 4, 2), tuple(torch.tensor(sizes, dtype=torch.float64).T)), m, member(MS, 0.5 * MS))
    for k, (size, ms) in enumerate(zip(sizes, (MS, 0.5 * MS), strict=True)):
        torch.testing.assert_close(together[:, k], field(Mesh((6, 4, 2), size), m[:, k], ms), rtol=0, atol=1e-12 * MS)


def test_moments_of_several_sizes_add_up():
    """Ms of every cell: the field is that of the magnetisation, and it is linear in it."""
    mesh = Mesh((6, 4, 2), (3e-9, 2e-9, 4e-9))
    m, ms = random_state(mesh), per_cell(mesh, 0.1 * MS, MS)
    whole = field(mesh, m, ms)
    parts = sum(field(mesh, ms / MS * torch.where(torch.arange(6) == i, m, 0.0)) for i in range(6))
    torch.testing.assert_close(whole, parts, rtol=0, atol=1e-12 * MS)


def test_a_block_moved_by_a_cell_takes_its_field_along_without_images():
    """No periodic images: what leaves at one side does not come back at the other."""
    mesh = Mesh((9, 7, 3), (3e-9, 2e-9, 4e-9))
    m = torch.zeros(3, *mesh.shape, dtype=torch.float64)
    m[:, :1, :3, :4] = random_state(Mesh((4, 3, 1), (3e-9, 2e-9, 4e-9)))
    moved = m.roll((1, 2, 3), (-3, -2, -1))
    torch.testing.assert_close(
        field(mesh, moved)[:, 1:, 2:, 3:], field(mesh, m)[:, :-1, :-2, :-3], rtol=0, atol=1e-9 * MS
    )
