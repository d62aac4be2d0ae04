"""Derivatives of a short simulation in everything that a mesh brings, against central differences."""

import pytest
import torch
from mesh_magnets import holes, random_state
from torch.autograd import grad, gradcheck

from spinloom.magnetism import (
    Applied,
    BulkDMI,
    Constant,
    Cubic,
    Demagnetization,
    Exchange,
    InterfacialDMI,
    InterlayerExchange,
    Magnet,
    Material,
    Mesh,
    Oersted,
    SpinTransfer,
    Uniaxial,
    ZhangLi,
    from_angles,
    simulate,
)

pytestmark = pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
CELLS = (4, 3, 2)
SI = {
    "A": 1.3e-11,
    "interfacial D": 1.5e-3,
    "bulk D": 1e-3,
    "interlayer J": 1e-3,
    "Ms": 8e5,
    "uniaxial K": 3e5,
    "cubic K": 5e4,
    "damping": 0.1,
    "current": 2e12,
    "Zhang-Li current": 1e13,
    "nonadiabaticity": 0.2,
    "Oersted current": 1e12,
    "field": 1e5,
    "dx": 3e-9,
    "dz": 2e-9,
    "polarizer angle": 0.7,
}
START = random_state(Mesh(CELLS, (1, 1, 1)))
FIELD = 1e-8 * torch.randn(3, 2, 3, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def magnet(scaled, geometry=None):
    """scaled: every constant of SI over its value there."""
    v = {name: scale * value for (name, value), scale in zip(SI.items(), scaled, strict=True)}
    mesh = Mesh(CELLS, (v["dx"], 2.5e-9, v["dz"]))
    fields = (
        Exchange(v["A"]),
        InterfacialDMI(v["interfacial D"]),
        BulkDMI(v["bulk D"]),
        InterlayerExchange(v["interlayer J"]),
        Uniaxial(v["uniaxial K"]),
        Cubic(v["cubic K"]),
        Applied(Constant(v["field"]), (1, 1, 0)),
        Oersted(Constant(v["Oersted current"]), FIELD),
        Demagnetization(),
    )
    polarizer = from_angles(v["polarizer angle"], 0.3)
    push = SpinTransfer(Constant(v["current"]), v["dz"], 0.6, polarizer, 0.1, "mtj")
    flow = ZhangLi(Constant(v["Zhang-Li current"]), 0.6, v["nonadiabaticity"], (1, 1, 0))
    return Magnet(Material(v["Ms"], v["damping"]), None, fields, (push, flow), mesh, geometry)


def final(scaled, steps=4, geometry=None, **settings):
    """Mean m_z and m_x."""
    settings = {"method": "rk4"} | settings
    m = simulate(magnet(scaled, geometry), START, steps * 0.05e-12, 0.05e-12, engine="eager", **settings).final
    return m[[0, 2]].mean((-3, -2, -1))


def ones():
    return torch.ones(len(SI), dtype=torch.float64, requires_grad=True)


@pytest.fixture(scope="module")
def slopes():
    """d<m_z> / d(every constant), relative to its value, over four steps of rk4."""
    scaled = ones()
    (slope,) = grad(final(scaled)[1], scaled)
    return slope


@pytest.mark.parametrize("name", SI)
def test_every_constant_of_the_material_and_the_mesh(slopes, name):
    k, h = list(SI).index(name), 3e-4
    change = torch.zeros(len(SI), dtype=torch.float64)
    change[k] = h
    with torch.no_grad():
        up, down, up2, down2 = (final(1 + n * change)[1] for n in (1, -1, 2, -2))
    expected = float((8 * (up - down) - (up2 - down2)) / (12 * h))
    assert abs(expected) > 1e-6
    assert float(slopes[k]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", ["heun", "abm3", "rk43"])
def test_every_scheme_on_a_mask_with_holes(method):
    tolerance = {"tolerance": 1e-2} if method == "rk43" else {}  # the same steps for every small change
    mask = holes(Mesh(CELLS, (1, 1, 1)))

    def sums(scaled):
        return final(scaled, 3, mask, method=method, **tolerance)

    assert gradcheck(sums, (ones(),), eps=1e-5, atol=1e-7 if method != "rk43" else 1e-4, fast_mode=True)


def test_the_first_state():
    thing = magnet(torch.ones(len(SI), dtype=torch.float64))

    def last(m):
        return simulate(thing, m / m.norm(dim=0), 1e-13, 5e-14, method="rk4").m

    assert gradcheck(last, (START.clone().requires_grad_(),), fast_mode=True)


def test_constants_of_every_cell_at_300_kelvin():
    k, ms = torch.full((2, 3, 4), 3e5).double(), torch.full((2, 3, 4), 8e5).double()
    mesh = Mesh(CELLS, (3e-9, 3e-9, 3e-9))

    def last(k_share, ms_share):
        fields = (Exchange(1.3e-11), Uniaxial(k * k_share), Demagnetization())
        thing = Magnet(Material(ms * ms_share, 0.1), mesh=mesh, fields=fields)
        return simulate(thing, START, 1e-13, 5e-14, temperature=300.0, seed=1).final

    shares = [torch.ones(2, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert gradcheck(last, shares, fast_mode=True)


def test_the_energy_and_checkpoints_over_many_steps():
    scaled = ones()
    (slope,) = grad(final(scaled, 40)[1], scaled)
    assert slope.isfinite().all()
    energy = magnet(scaled).energy(START) * 1e18
    (slope,) = grad(energy, scaled)
    inert = [list(SI).index(name) for name in ("damping", "current", "Zhang-Li current", "nonadiabaticity")]
    inert.append(list(SI).index("polarizer angle"))
    assert (slope[inert] == 0).all()
    assert (slope != 0).sum() == len(SI) - len(inert)
