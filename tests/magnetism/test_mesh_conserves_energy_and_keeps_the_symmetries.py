"""Energy without and with damping, and the symmetries of space: turned, mirrored and moved magnets move alike."""

import pytest
import torch
from mesh_magnets import A, holes, member, mesh_magnet, per_cell, random_state

from spinloom.magnetism import (
    Applied,
    BulkDMI,
    Constant,
    Cubic,
    Demagnetization,
    Exchange,
    InterfacialDMI,
    InterlayerExchange,
    Mesh,
    Uniaxial,
    ZhangLi,
    simulate,
)
from spinloom.magnetism.scene import vortex

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
MESH = Mesh((6, 5, 3), (2e-9, 2.5e-9, 2e-9))
FIELDS = (
    Exchange(per_cell(MESH, 0.5 * A, A)),
    InterfacialDMI(1.5e-3),
    Uniaxial(3e5, 1e5, (0.1, 0, 1)),
    Applied(Constant(5e4), (1, 2, 3)),
    Demagnetization(),
)


@pytest.mark.parametrize(("method", "step"), [("rk4", 5e-15), ("rk43", 5e-14)])
def test_energy_is_constant_without_damping_and_falls_in_every_record_with_it(method, step):
    magnet = mesh_magnet(MESH, *FIELDS, damping=member(0.0, 0.2), geometry=holes(MESH))
    m = random_state(MESH, (2,), geometry=holes(MESH))
    run = simulate(magnet, m, 2e-12, step, method=method, records=20, tolerance=1e-6)
    energy = torch.stack([magnet.energy(state) for state in (m, *run.m)])
    assert (energy[:, 0] - energy[0, 0]).abs().max() <= (1e-7 if method == "rk4" else 1e-4) * energy[0, 0].abs()
    assert (energy[:, 1].diff(dim=0) < 0).all()
    assert (run.final - m).abs().max() > 1


def test_the_total_moment_of_exchange_alone_is_constant():
    """What one cell feels from its neighbour, the neighbour feels from it."""
    pairs = (Exchange(per_cell(MESH, 0.5 * A, A)), InterlayerExchange(-1e-3, 0, 2))
    alone, m = mesh_magnet(MESH, *pairs, geometry=holes(MESH)), random_state(MESH, geometry=holes(MESH))
    final = simulate(alone, m, 1e-12, 5e-15, method="rk4", engine="eager").final
    total = m.sum((-3, -2, -1))
    torch.testing.assert_close(final.sum((-3, -2, -1)), total, rtol=0, atol=1e-6)
    assert (final - m).abs().max() > 1


def quarter_about_z(m):
    """x to y: what pointed along x now points along y, and lies there."""
    turned = m.transpose(-1, -2).flip(-1)
    return torch.stack([-turned[1], turned[0], turned[2]])


def cyclic(m):
    """x to y to z to x."""
    moved = m.permute(0, 2, 3, 1)  # axes z, y, x: the new z is the old y, the new y the old x
    return torch.stack([moved[2], moved[0], moved[1]])


def mirror_x(m):
    """An axial vector keeps the component along the normal of the mirror and turns the others."""
    flipped = m.flip(-1)
    return torch.stack([flipped[0], -flipped[1], -flipped[2]])


CUBE = Mesh((6, 4, 3), (2e-9, 2.5e-9, 3e-9))
TURNED = Mesh((4, 6, 3), (2.5e-9, 2e-9, 3e-9))
CYCLED = Mesh((3, 6, 4), (3e-9, 2e-9, 2.5e-9))


def run(mesh, m, field, current, *terms, mask=None):
    terms = (Exchange(A), Demagnetization(), Applied(Constant(1e6), field), *terms)
    flow = ZhangLi(Constant(3e13), 0.6, 0.1, current)
    moved = mesh_magnet(mesh, *terms, torques=(flow,), damping=0.1, geometry=mask)
    return simulate(moved, m, 1e-12, 4e-14, method="rk4", engine="eager").final


def test_a_quarter_turn_of_the_film_changes_nothing():
    m, mask = random_state(CUBE), holes(CUBE)
    terms = (InterfacialDMI(2e-3), BulkDMI(1e-3), Cubic(5e4))
    here = run(CUBE, m, (1, 2, 3), (1, 0, 0), *terms, mask=mask)
    there = run(TURNED, quarter_about_z(m), (-2, 1, 3), (0, 1, 0), *terms, mask=mask.transpose(-1, -2).flip(-1))
    torch.testing.assert_close(there, quarter_about_z(here), rtol=0, atol=1e-12)


def test_all_axes_are_equal():
    m, mask = random_state(CUBE), holes(CUBE)
    here = run(CUBE, m, (1, 2, 3), (1, 2, 0), BulkDMI(1e-3), Uniaxial(3e5, axis=(1, 0, 0)), mask=mask)
    there = run(
        CYCLED,
        cyclic(m),
        (3, 1, 2),
        (0, 1, 2),
        BulkDMI(1e-3),
        Uniaxial(3e5, axis=(0, 1, 0)),
        mask=mask.permute(1, 2, 0),
    )
    torch.testing.assert_close(there, cyclic(here), rtol=0, atol=1e-12)


def test_a_mirror_turns_the_sign_of_bulk_dmi_and_of_nothing_else():
    m, mask = random_state(CUBE), holes(CUBE)
    here = run(CUBE, m, (1, 2, 3), (1, 2, 3), InterfacialDMI(2e-3), BulkDMI(1e-3), mask=mask)
    settings = {"mask": mask.flip(-1)}
    there = run(CUBE, mirror_x(m), (1, -2, -3), (-1, 2, 3), InterfacialDMI(2e-3), BulkDMI(-1e-3), **settings)
    torch.testing.assert_close(there, mirror_x(here), rtol=0, atol=1e-12)
    wrong = run(CUBE, mirror_x(m), (1, -2, -3), (-1, 2, 3), InterfacialDMI(2e-3), BulkDMI(1e-3), **settings)
    assert (wrong - mirror_x(here)).abs().max() > 1e-3


def test_a_magnet_moved_on_its_mesh_moves_alike():
    small, large = Mesh((4, 3, 2), (2e-9, 2.5e-9, 3e-9)), Mesh((7, 5, 4), (2e-9, 2.5e-9, 3e-9))
    m, mask = random_state(small), holes(small)
    place = (slice(1, 3), slice(2, 5), slice(3, 7))
    around, inside = torch.zeros(3, *large.shape, dtype=torch.float64), torch.zeros(large.shape, dtype=torch.bool)
    around[:, *place], inside[place] = m, mask
    here = run(small, m, (1, 2, 3), (1, 2, 3), InterfacialDMI(2e-3), mask=mask)
    there = run(large, around, (1, 2, 3), (1, 2, 3), InterfacialDMI(2e-3), mask=inside)
    torch.testing.assert_close(there[:, *place], here, rtol=0, atol=1e-12)
    assert (torch.where(inside, 0.0, there) == 0).all()


def test_a_symmetric_vortex_stays_symmetric():
    """Half a turn about its axis leaves it alone, whatever the order in which cells are summed."""
    mesh = Mesh((10, 10, 1), (4e-9, 4e-9, 5e-9))
    m = vortex(mesh, core_radius=8e-9)
    final = simulate(
        mesh_magnet(mesh, Exchange(A), Demagnetization(), damping=0.1), m, 1e-11, 5e-13, method="rk4", engine="eager"
    ).final
    turned = quarter_about_z(quarter_about_z(final))
    torch.testing.assert_close(turned, final, rtol=0, atol=1e-11)
    assert (final - m).abs().max() > 1e-2
