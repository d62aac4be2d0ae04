"""From +z, p = x, no field: m_x = tanh(a t), m_z = sech(a t) (with damping a / (1 + damping^2) for the polar angle)."""

import pytest
import torch
from magnets import damping_like, magnet, state

from spinloom.magnetism import Pulse, SpinTransfer, simulate

A_TAU = torch.linspace(-4, 4, 41, dtype=torch.float64)


@pytest.mark.parametrize("method", ["rk4", "abm3", "dopri5"])
def test_m_ends_on_tanh_and_sech_within_1e_6(method):
    torque = damping_like(A_TAU / 1e-9)
    m = simulate(magnet(torques=[torque]), state(0.0, batch=(41,)), 1e-9, 1e-12, method=method).final
    off = torch.stack([m[0] - A_TAU.tanh(), m[2] - 1 / A_TAU.cosh(), m[1]]).abs().amax(1)
    print(f"{method}: |m_x - tanh| {off[0]:.1e}, |m_z - sech| {off[1]:.1e}, |m_y| {off[2]:.1e}")
    assert off.max() <= 1e-6


def test_a_pulse_whose_edges_miss_the_step_grid_ends_as_exactly():
    steady = damping_like(A_TAU / 0.7313e-9)
    pulse = Pulse(steady.current_density.amplitude, 0.10037e-9, 0.7313e-9)
    torque = SpinTransfer(pulse, steady.thickness, steady.polarization)
    m = simulate(magnet(torques=[torque]), state(0.0, batch=(41,)), 1e-9, 2e-12, engine="eager").final
    assert (m[0] - A_TAU.tanh()).abs().max() <= 1e-6
    assert (m[2] - 1 / A_TAU.cosh()).abs().max() <= 1e-6


def test_linear_edges_count_half():
    steady = damping_like(A_TAU / 0.5e-9)
    pulse = Pulse(steady.current_density.amplitude, 0.1e-9, 0.6e-9, rise=0.1e-9)
    m = simulate(
        magnet(torques=[SpinTransfer(pulse, 1e-9, 0.6)]), state(0.0, batch=(41,)), 1e-9, 2e-12, engine="eager"
    ).final
    assert (m[0] - A_TAU.tanh()).abs().max() <= 1e-6


def test_damping_slows_the_tilt_by_one_plus_its_square_and_turns_m_about_the_polarizer():
    damping = 0.3
    torque = damping_like(A_TAU / 1e-9)
    m = simulate(magnet(torques=[torque], damping=damping), state(0.0, batch=(41,)), 1e-9, 2e-12, engine="eager").final
    angle = A_TAU / (1 + damping**2)
    assert (m[0] - angle.tanh()).abs().max() <= 1e-6
    assert ((m[1] ** 2 + m[2] ** 2).sqrt() - 1 / angle.cosh()).abs().max() <= 1e-6
    turned = -torch.atan2(m[1], m[2])  # +alpha a m x p about x
    assert (turned.abs() - (damping * angle).abs()).abs().max() <= 1e-6
