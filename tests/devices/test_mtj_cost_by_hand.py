import math

import pytest
import torch
from scipy.integrate import quad

from spinloom.devices import TunnelJunction, TwoPolarizerMTJ

HBAR, E, GAMMA = 1.054571817e-34, 1.602176634e-19, 1.76085963e11
DESIGN = {
    "diameter": 100e-9,
    "thickness": 2e-9,
    "saturation_magnetization": 5e5,
    "polarization": 0.5,
    "pulse": 1e-9,
    "reset": 2e-9,
    "reset_drive": 3.0,
    "barrier": TunnelJunction(4e-12, 1.0),
    "reset_barrier": TunnelJunction(5e-12, 0.5),
    "read_voltage": 0.2,
    "read": 0.5e-9,
    "operation": "single",
}
AREA = math.pi / 4 * 1e-14
UNIT = 2 * E * 5e5 * 2e-9 / (GAMMA * HBAR * 0.5 * 1e-9)
"""A/m^2 for which a_J tau = 1."""
MEAN = 0.75 / 4e-12
"""S/m^2 of the write junction at a right angle."""


def test_the_unit_drive_is_two_e_ms_t_over_gamma_hbar_eta_tau():
    assert float(TwoPolarizerMTJ(**DESIGN).unit_drive) == pytest.approx(UNIT, rel=1e-7)


@pytest.mark.parametrize("source", ["voltage", "current"])
def test_the_write_energy_is_the_joule_heat_along_tanh(source):
    device = TwoPolarizerMTJ(**DESIGN, source=source)
    inputs = torch.tensor([-2.0, -0.5, 0.0, 1.0, 3.0], dtype=torch.float64)
    cost = device.cost(inputs * device.unit_drive)

    def energy(u: float) -> float:
        density = u * UNIT

        def power(t: float) -> float:  # t in units of the pulse
            conductance = MEAN * (1 + math.tanh(u * t) / 3)
            return conductance * (density / MEAN) ** 2 if source == "voltage" else density**2 / conductance

        return quad(power, 0, 1)[0] * AREA * 1e-9

    assert cost.write_energy.tolist() == pytest.approx([energy(float(u)) for u in inputs], rel=1e-3)


def test_reset_read_and_time_add_up_by_hand():
    cost = TwoPolarizerMTJ(**DESIGN).cost()
    reset_mean = (1 + 1 / 1.5) / 2 / 5e-12
    volts = 3 * UNIT / reset_mean
    assert cost.reset_energy == pytest.approx(volts**2 / 5e-12 * AREA * 2e-9, rel=1e-7)  # in the parallel state
    assert cost.read_energy == pytest.approx(0.2**2 * MEAN * AREA * 0.5e-9, rel=1e-7)
    assert cost.cycle_time == pytest.approx(3.5e-9)
    assert cost.drive.shape == cost.write_energy.shape
    assert all(sentence[0].islower() for sentence in cost.assumptions)


def test_a_bipolar_operation_costs_both_cycles():
    design = DESIGN | {"operation": "bipolar"}
    inputs = torch.tensor([-2.0, 2.0], dtype=torch.float64) * UNIT
    single, bipolar = TwoPolarizerMTJ(**DESIGN).cost(inputs), TwoPolarizerMTJ(**design).cost(inputs)
    torch.testing.assert_close(bipolar.write_energy, single.write_energy.sum().expand(2))
    assert bipolar.reset_energy == pytest.approx(2 * single.reset_energy)
    assert bipolar.read_energy == pytest.approx(2 * single.read_energy)
    assert bipolar.cycle_time == pytest.approx(2 * single.cycle_time)


def test_the_write_voltage_is_ohms_law_at_a_right_angle():
    assert float(TwoPolarizerMTJ(**DESIGN).write_voltage(1e11)) == pytest.approx(1e11 / MEAN)
