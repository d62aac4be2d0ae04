"""The torque of every term on a mesh against the gradient (autograd) of `magnet.energy`, on a mask with holes."""

import pytest
import torch
from mesh_magnets import MS, A, holes, member, mesh_magnet, per_cell, random_state

from spinloom import units
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
    Oersted,
    Sine,
    Uniaxial,
)
from spinloom.magnetism.engine.rates import prepared_state, right_hand_side

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
TIME = 0.27e-9
MESH = Mesh((5, 4, 3), (3e-9, 2e-9, 4e-9))
FLAT = Mesh((5, 4, 1), (3e-9, 2e-9, 4e-9))
SIZES = Mesh((5, 4, 3), (torch.tensor([3e-9, 4e-9]), torch.tensor([2e-9, 5e-9]), torch.tensor([4e-9, 1e-9])))
TWO_MATERIALS = torch.where(torch.arange(5) < 2, 0.4 * A, A).expand(MESH.shape).double()
TWO_SIGNS = torch.where(torch.arange(5) < 2, -1e-3, 2e-3).expand(MESH.shape).double()
GRAINS = torch.arange(60).reshape(MESH.shape) % 3
FIELDS = per_cell(MESH, -3e4, 3e4, 5, (3,)) * 1e-12
AXIS = (0.3, -0.5, 2.0)
EMPTY_LAYER = holes(MESH) & (torch.arange(3) != 1).reshape(3, 1, 1)
EXCHANGE = Exchange(per_cell(MESH, 0.5 * A, A))
DMI = InterfacialDMI(per_cell(MESH, -1e-3, 2e-3))
ANISOTROPY = Uniaxial(per_cell(MESH, 1e5, 6e5), 1e5, AXIS, 60e-15, voltage=Sine(0.7, 2e9, 0.1))
TERMS = {
    "exchange": [Exchange(A)],
    "exchange per cell": [EXCHANGE],
    "exchange per member": [Exchange(member(A, 0.3 * A))],
    "exchange of two materials": [Exchange(TWO_MATERIALS)],
    "exchange where a region has none": [Exchange(torch.where(GRAINS > 0, A, 0.0).double())],
    "exchange between grains": [Exchange(EXCHANGE.stiffness, GRAINS, 0.3)],
    "interfacial DMI": [Exchange(A), InterfacialDMI(2e-3)],
    "interfacial DMI per cell": [EXCHANGE, DMI],
    "interfacial DMI of two signs": [Exchange(TWO_MATERIALS), InterfacialDMI(TWO_SIGNS)],
    "interfacial DMI per member": [Exchange(A), InterfacialDMI(member(2e-3, -1e-3))],
    "bulk DMI": [Exchange(A), BulkDMI(-1e-3)],
    "bulk DMI per cell": [EXCHANGE, BulkDMI(per_cell(MESH, -1e-3, 2e-3))],
    "both DMI": [EXCHANGE, DMI, BulkDMI(1e-3)],
    "layers coupled": [InterlayerExchange(-1e-3, 0, 1), InterlayerExchange(2e-3, 1, 2), InterlayerExchange(1e-3, 0, 2)],
    "layers coupled on top of exchange": [Exchange(A), InterlayerExchange(-1e-3, 1, 2)],
    "layers coupled across one": [InterlayerExchange(per_cell(MESH, 0.0, 1e-3), 0, 2), Exchange(A)],
    "cubic": [Cubic(4.8e4), Cubic(per_cell(MESH, -1e5, 1e5), 3e4, (1, 1, 0), (1, -1, 0))],
    "uniaxial with voltage": [ANISOTROPY],
    "Oersted": [Oersted(Sine(2e12, 2e9, 0.4), FIELDS)],
    "applied per cell": [Applied(Constant(per_cell(MESH, -1e5, 1e5)), AXIS)],
    "factors": [Demagnetization((0.1, 0.2, 0.7))],
    "stray field": [Demagnetization()],
}
TERMS["all at once"] = [EXCHANGE, DMI, BulkDMI(1e-3), InterlayerExchange(-1e-3, 0, 2), InterlayerExchange(1e-3)]
TERMS["all at once"] += [*TERMS["cubic"], ANISOTROPY, *TERMS["Oersted"], *TERMS["applied per cell"], Demagnetization()]


def check(magnet, m):
    m = prepared_state(magnet, m).requires_grad_()
    volume, ms = magnet.mesh.cell_volume, torch.as_tensor(magnet.material.saturation_magnetization)
    (slope,) = torch.autograd.grad(magnet.energy(m, TIME).sum(), m)
    expected = -units.GAMMA * 1e-9 * torch.linalg.cross(m, -slope / (ms * volume), dim=0)
    rate = right_hand_side(magnet, m).at(m, torch.tensor(TIME, dtype=torch.float64))
    assert rate.shape == m.shape
    assert expected.abs().max() > 0.1
    assert (rate - expected).abs().max() <= 1e-9 * expected.abs().max()
    if magnet.geometry is not None:
        assert (torch.where(magnet.geometry, 0.0, rate.detach()) == 0).all()


@pytest.mark.parametrize("geometry", [None, holes(MESH), EMPTY_LAYER], ids=["full", "holes", "empty layer"])
@pytest.mark.parametrize("name", TERMS)
def test_every_term(name, geometry):
    check(mesh_magnet(MESH, *TERMS[name], geometry=geometry), random_state(MESH, (2,)))


@pytest.mark.parametrize("name", TERMS)
def test_a_saturation_magnetisation_of_every_cell(name):
    magnet = mesh_magnet(MESH, *TERMS[name], ms=per_cell(MESH, 0.3 * MS, MS, 7), geometry=holes(MESH))
    check(magnet, random_state(MESH, (2,)))


@pytest.mark.parametrize("name", TERMS)
def test_members_of_different_cell_sizes_and_masks(name):
    geometry = torch.stack([holes(MESH, 1), holes(MESH, 2)])
    ms = per_cell(MESH, 0.3 * MS, MS, 7, (2,))
    check(mesh_magnet(SIZES, *TERMS[name], ms=ms, geometry=geometry), random_state(MESH, (2,)))


@pytest.mark.parametrize("mesh", [FLAT, Mesh((1, 5, 4), (2e-9, 3e-9, 4e-9)), Mesh((6, 1, 1), (2e-9, 3e-9, 4e-9))])
def test_films_sheets_and_chains(mesh):
    fields = (Exchange(A), InterfacialDMI(2e-3), BulkDMI(-1e-3), Demagnetization(), Uniaxial(3e5))
    check(mesh_magnet(mesh, *fields, geometry=None), random_state(mesh))
    check(mesh_magnet(mesh, *fields, ms=member(MS, 0.5 * MS), geometry=holes(mesh, 3)), random_state(mesh, (3, 2)))


def test_the_energy_of_a_pair_counts_once():
    """Two cells at an angle: A (grad m)^2 over one distance is 2 A (1 - cos) / h^2 per cell volume."""
    mesh = Mesh((2, 1, 1), (3e-9, 2e-9, 1e-9))
    m = torch.tensor([[1.0, 0.6], [0.0, 0.8], [0.0, 0.0]], dtype=torch.float64).reshape(3, 1, 1, 2)
    found = mesh_magnet(mesh, Exchange(A)).energies(m)["Exchange"]
    assert float(found) == pytest.approx(2 * A * (1 - 0.6) / 9e-18 * 6e-27)


def test_energies_add_up_by_name():
    magnet = mesh_magnet(MESH, *TERMS["all at once"], geometry=holes(MESH))
    m = random_state(MESH, (2,), geometry=magnet.geometry)
    parts = magnet.energies(m, TIME)
    assert set(parts) == {type(term).__name__ for term in magnet.fields}
    assert all(part.shape == (2,) for part in parts.values())
    torch.testing.assert_close(torch.stack(list(parts.values())).sum(0), magnet.energy(m, TIME))
