"""A layer with m = +z, easy axis z, p = z turns unstable where its damping is undone: -a_J = damping gamma B_K.

B_K = 2 K / Ms - mu0 Ms (N_z - N_x); the factor 1 + damping^2 cancels. A field-like torque b = xi a acts as a field
along z, so that the bar is damping gamma B_K / (1 + damping xi).
"""

import pytest
import torch
from magnets import MS, magnet, state

from spinloom import units
from spinloom.magnetism import Constant, Demagnetization, EllipticCylinder, SpinTransfer, Uniaxial, simulate

K, DAMPING, THICKNESS, POLARIZATION = 7e5, 0.05, 1.2e-9, 0.5


@pytest.mark.parametrize("field_like", [-0.2, 0.4])
def test_critical_current_agrees_with_the_closed_form_within_one_percent(field_like):
    shape = EllipticCylinder(60e-9, 60e-9, THICKNESS)
    nx, _, nz = shape.demagnetizing_factors()
    anisotropy_field = 2 * K / MS - units.MU0 * MS * (nz - nx)
    expected = 2 * units.E * MS * THICKNESS / (units.HBAR * POLARIZATION) * DAMPING * anisotropy_field
    expected = expected / (1 + DAMPING * field_like)

    def grows(currents: torch.Tensor) -> torch.Tensor:
        torque = SpinTransfer(Constant(-currents), THICKNESS, POLARIZATION, (0, 0, 1), field_like)
        thing = magnet(Uniaxial(K), Demagnetization(shape), torques=[torque], damping=DAMPING)
        m = simulate(thing, state(1e-3, batch=currents.shape), 20e-9, 2e-12).final
        return m[2] < state(1e-3)[2]

    low, high = 0.3 * expected, 4 * expected
    for _ in range(4):  # each round narrows the bracket 15 times
        currents = torch.linspace(0, 1, 16, dtype=torch.float64) * (high - low) + low
        switched = grows(currents)
        assert not switched[0]
        assert switched[-1]
        at = int(switched.to(torch.int8).argmax())
        low, high = currents[at - 1], currents[at]
    off = abs(float((low + high) / 2 / expected) - 1)
    print(f"critical current, field-like {field_like}: off by {off:.1e}")
    assert off <= 0.01
