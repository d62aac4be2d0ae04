"""Positive current drives m towards the polarizer, whatever the polarizer; negative current away from it."""

import pytest
import torch
from magnets import damping_like, magnet, random_states, state

from spinloom.magnetism import Constant, SpinTransfer, Uniaxial, simulate

EASY = Uniaxial(1e5)


def after(thing, m):
    return simulate(thing, m, 3e-9, 2e-12, engine="eager").final


@pytest.mark.parametrize("factor", ["constant", "mtj", "slonczewski"])
def test_positive_current_switches_antiparallel_to_parallel_and_negative_back(factor):
    rate = torch.tensor([20e9, -20e9, 20e9, -20e9], dtype=torch.float64)
    pole = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    torque = damping_like(rate, polarizer=(0.0, 0.0, pole), angular_factor=factor)
    thing = magnet(EASY, torques=[torque], damping=0.05)
    begin = torch.tensor([[0.05], [torch.pi - 0.05]], dtype=torch.float64)
    m = after(thing, state(begin, batch=(2, 4)))
    torch.testing.assert_close(m[2].sign(), torch.tensor([1.0, -1.0, -1.0, 1.0]).double().expand(2, 4))
    assert m[2].abs().min() > 0.9


def test_reversing_the_polarizer_equals_reversing_the_current_for_the_constant_factor():
    m = random_states(7)
    runs = [
        simulate(
            magnet(EASY, torques=[damping_like(sign * 5e9, polarizer=(sign, 0.0, sign * 0.5))], damping=0.1),
            m,
            0.3e-9,
            engine="eager",
        ).final
        for sign in (1.0, -1.0)
    ]
    torch.testing.assert_close(*runs, rtol=0, atol=1e-14)
    backwards = magnet(EASY, torques=[damping_like(-5e9, polarizer=(1.0, 0.0, 0.5))], damping=0.1)
    backwards = simulate(backwards, m, 0.3e-9, engine="eager").final
    assert (backwards - runs[0]).abs().max() > 0.1


def test_without_anisotropy_the_state_goes_to_the_polarizer_at_the_rate_of_the_closed_form():
    """Gilbert damping turns a pure damping-like torque into a / (1 + damping^2) towards p."""
    pole = torch.tensor([0.48, 0.6, 0.64], dtype=torch.float64)
    m = random_states(5, seed=2)
    thing = magnet(torques=[damping_like(2e9, polarizer=tuple(pole.tolist()))], damping=0.2)
    final = simulate(thing, m, 0.5e-9, engine="eager").final
    begin, end = (torch.einsum("i,i...->...", pole, state) for state in (m, final))
    torch.testing.assert_close(end.atanh(), begin.atanh() + 1.0 / 1.04, rtol=0, atol=1e-9)


def test_a_polarizer_need_not_have_length_one():
    m = random_states(3)
    long, short = (
        simulate(magnet(torques=[damping_like(2e9, polarizer=(0.0, length, length))]), m, 0.1e-9, engine="eager").final
        for length in (7.0, 0.1)
    )
    torch.testing.assert_close(long, short, rtol=0, atol=1e-14)


def test_the_field_like_torque_acts_as_a_field_along_the_polarizer_for_positive_ratio():
    """-xi a m x p is the precession about a field along +p: anticlockwise about +p."""
    thing = magnet(torques=[SpinTransfer(damping_like(1e9).current_density, 1e-9, 0.6, (0, 0, 1), 50.0)])
    m = simulate(thing, state(torch.pi / 2), 0.01e-9, 1e-13, engine="eager").final
    assert torch.atan2(m[1], m[0]) == pytest.approx(50 * 1e9 * 0.01e-9, rel=1e-3)
    assert m[2] > 0  # the damping-like part still pulls to +p


def test_two_polarizers_add_up():
    m = random_states(4)
    half = damping_like(1e9, polarizer=(0.0, 1.0, 1.0))
    whole = SpinTransfer(Constant(2 * half.current_density.amplitude), 1e-9, 0.6, (0.0, 1.0, 1.0))
    both, one = (simulate(magnet(torques=t), m, 0.2e-9, engine="eager").final for t in ([half, half], [whole]))
    torch.testing.assert_close(both, one, rtol=0, atol=1e-13)
