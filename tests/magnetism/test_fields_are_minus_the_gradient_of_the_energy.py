import math

import pytest
import torch
from magnets import MS, VOLUME, magnet, random_states

from spinloom import units
from spinloom.magnetism import Applied, Constant, Demagnetization, Ellipsoid, Interlayer, Pulse, Sine, Uniaxial
from spinloom.magnetism.engine.rates import llgs, reduce_magnet

PER_DEVICE = torch.linspace(1e5, 5e5, 20, dtype=torch.float64)
AXIS = (0.3, -0.5, 2.0)
TERMS = {
    "uniaxial": [Uniaxial(PER_DEVICE, axis=AXIS)],
    "uniaxial of second order": [Uniaxial(3e5, -2e5, AXIS)],
    "easy plane": [Uniaxial(-4e5, 0.0, (1, 0, 0))],
    "voltage": [Uniaxial(3e5, 1e5, AXIS, 80e-15, 1.2e-9, 1.1e-9, Constant(0.7))],
    "voltage in time": [Uniaxial(3e5, 0.0, AXIS, 80e-15, 1.2e-9, 1.1e-9, Sine(0.7, 2e9, 0.1))],
    "demagnetization": [Demagnetization(Ellipsoid(100e-9, 70e-9, PER_DEVICE * 1e-13))],
    "applied": [Applied(Constant(PER_DEVICE), (1.0, 2.0, -1.0))],
    "pulsed": [Applied(Pulse(2e5, 0.1e-9, 1e-9, 0.3e-9), AXIS)],
    "interlayer": [Interlayer(-3e-4, 1.3e-9, (1, 1, 0))],
}
TERMS["all at once, several of a kind"] = [term for terms in TERMS.values() for term in terms]


@pytest.mark.parametrize("name", TERMS)
def test_the_torque_is_that_of_the_field_from_the_energy(name):
    time = 0.27e-9
    thing = magnet(*TERMS[name])
    m = random_states(20).requires_grad_()
    (slope,) = torch.autograd.grad(thing.energy(m, time).sum(), m)
    field = -slope / (MS * VOLUME)  # tesla
    expected = -units.GAMMA * 1e-9 * torch.linalg.cross(m, field, dim=0)
    reduced = reduce_magnet(thing)
    layout, rows = reduced.layout, reduced.rows
    waves = [drive.waveform(torch.tensor(time, dtype=torch.float64)) for drive in thing.drives()]
    rate = torch.stack(llgs(tuple(m), None, rows, waves, layout))
    assert expected.abs().max() > 0.1
    assert (rate - expected).abs().max() <= 1e-9 * expected.abs().max()


def test_a_positive_voltage_lowers_the_first_order_anisotropy_by_xi_over_barrier_and_thickness():
    m = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    plain, biased = (
        magnet(Uniaxial(3e5, vcma=50e-15, barrier=1e-9, thickness=1.25e-9, voltage=Constant(v))).energy(m)
        for v in (0.0, 1.0)
    )
    assert float((biased - plain) / VOLUME) == pytest.approx(50e-15 / (1e-9 * 1.25e-9))


def test_a_positive_coupling_favours_the_parallel_state():
    up = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    thing = magnet(Interlayer(1e-4, 1e-9))
    assert float(thing.energy(up) - thing.energy(-up)) == pytest.approx(-2 * 1e-4 / 1e-9 * VOLUME)


def test_energy_falls_under_damping_whatever_the_fields():
    from spinloom.magnetism import simulate

    static = [term for name, terms in TERMS.items() if name not in ("pulsed", "voltage in time") for term in terms]
    static = static[: len(TERMS) - 3]
    thing = magnet(*static, damping=0.1)
    run = simulate(thing, random_states(20), 0.1e-9, 1e-13, records=50, engine="eager")
    energy = torch.stack([thing.energy(m) for m in run.m])
    assert (energy.diff(dim=0) <= 1e-9 * energy.abs().max()).all()
    assert math.isfinite(float(energy[-1].sum()))
    assert (energy[-1] < energy[0]).all()
