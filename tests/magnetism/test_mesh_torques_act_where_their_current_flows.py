"""Spin-transfer torques with contacts, cell by cell against macrospins, and the Oersted field of a pillar."""

import pytest
import torch
from mesh_magnets import MS, A, holes, member, mesh_magnet, per_cell, random_state

from spinloom.magnetism import (
    Applied,
    Constant,
    Exchange,
    Magnet,
    Material,
    Mesh,
    Oersted,
    SpinOrbit,
    SpinTransfer,
    Uniaxial,
    pillar_field,
    relax,
    simulate,
)
from spinloom.magnetism.scene import disk, masked, vortex

MESH = Mesh((6, 4, 2), (2e-9, 2e-9, 2e-9))
LEFT = (torch.arange(6) < 3).expand(MESH.shape).double()
J, LOCAL = 2e12, (Applied(Constant(1e5), (0, 0, 1)), Uniaxial(1e5))


def torque(current, polarizer, contact=None, factor="mtj"):
    return SpinTransfer(Constant(current), 2e-9, 0.6, polarizer, 0.1, factor, contact)


def macrospins(torques, m):
    """Every cell of m on its own."""
    spin = Magnet(Material(MS, 0.05), MESH.cell_volume, LOCAL, tuple(torques))
    return simulate(spin, m, 0.2e-9, 1e-12, method="rk4", engine="eager").final


def cells(torques, m, engine="eager", **settings):
    magnet = mesh_magnet(MESH, *LOCAL, torques=torques, damping=0.05, **settings)
    return simulate(magnet, m, 0.2e-9, 1e-12, method="rk4", engine=engine).final


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_two_polarizers_with_a_contact_each(engine):
    m = random_state(MESH)
    contacts = torque(J, (1, 0, 0), LEFT), torque(-0.7 * J, (0, 1, 0), 0.5 * (1 - LEFT))
    found = cells(contacts, m, engine)
    here, there = macrospins([torque(J, (1, 0, 0))], m), macrospins([torque(-0.35 * J, (0, 1, 0))], m)
    torch.testing.assert_close(found, torch.where(LEFT > 0, here, there), rtol=0, atol=1e-11)
    assert (here - there).abs().max() > 0.5


def test_a_contact_acts_nowhere_else():
    m, mask = random_state(MESH), holes(MESH)
    still, moved = cells((), m, geometry=mask), cells([torque(J, (1, 0, 0), LEFT)], m, geometry=mask)
    assert torch.equal(moved[..., 3:], still[..., 3:])
    assert ((moved - still)[..., :3].norm(dim=0) > 1e-3)[mask[..., :3]].all()
    assert (torch.where(mask, 0.0, moved) == 0).all()


def test_overlapping_torques_add_up_and_an_angular_factor_belongs_to_its_polarizer():
    m = random_state(MESH)
    parts = [torque(J, (1, 0, 0), factor="constant"), torque(0.5 * J, (0, 0, 1)), SpinOrbit(Constant(J), 2e-9, -0.3)]
    torch.testing.assert_close(cells(parts, m), macrospins(parts, m), rtol=0, atol=1e-11)


def test_magnetisation_damping_and_current_of_every_cell():
    m, ms, damping = random_state(MESH), per_cell(MESH, 0.5 * MS, MS), per_cell(MESH, 0.01, 0.5, 4)
    current = per_cell(MESH, -J, J, 5)
    push = SpinTransfer(Constant(current), 2e-9, 0.6, (1, 0, 0))
    resolved = Magnet(Material(ms, damping), mesh=MESH, fields=LOCAL, torques=(push,))
    found = simulate(resolved, m, 0.1e-9, 1e-12, method="rk4", engine="eager").final
    spins = Magnet(Material(ms, damping), MESH.cell_volume, LOCAL, (push,))
    torch.testing.assert_close(found, simulate(spins, m, 0.1e-9, 1e-12, engine="eager").final, rtol=0, atol=1e-11)


DISK = Mesh((16, 16, 1), (4e-9, 4e-9, 4e-9))
PILLAR = disk(DISK, 62e-9)


def circulation(m):
    """Mean of m along the direction anticlockwise about z, (*batch,)."""
    x, y, _ = DISK.coordinates()
    r = (x * x + y * y).sqrt()
    return ((x * m[1] - y * m[0]) / r * PILLAR).sum((-3, -2, -1)) / PILLAR.sum()


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
def test_the_current_of_a_pillar_stirs_a_vortex_of_its_sense():
    """Up along +z: anticlockwise; down: clockwise. From vortices of the wrong sense, and from nearly uniform states."""
    field = Oersted(Constant(member(1, -1, 1, -1) * 8e13), pillar_field(DISK, PILLAR))
    magnet = mesh_magnet(DISK, Exchange(A), Uniaxial(-4e5), field, geometry=PILLAR)
    m = vortex(DISK, circulation=torch.tensor([-1.0, 1.0, 1.0, 1.0]), core_radius=10e-9)
    m[:, 2:] = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1, 1, 1)
    m = m + 0.05 * random_state(DISK, (4,))
    found = relax(magnet, masked(m / m.norm(dim=0), PILLAR), torque=1e-3)
    sense = circulation(found.m) * torch.tensor([1.0, -1.0, 1.0, -1.0])
    print("circulation in the sense of the current:", sense.tolist())
    assert (sense > 0.6).all()  # a core may rest aside of the middle


def test_a_vortex_along_the_field_of_the_current_has_the_lower_energy():
    field = Oersted(Constant(1e12), pillar_field(DISK, PILLAR))
    magnet = mesh_magnet(DISK, Exchange(A), field, geometry=PILLAR)
    m = masked(vortex(DISK, circulation=torch.tensor([1.0, -1.0]), core_radius=10e-9), PILLAR)
    along, against = magnet.energies(m)["Oersted"]
    assert along < 0
    torch.testing.assert_close(against, -along)
