import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from spinloom import units
from spinloom.devices import AutoOscillator
from spinloom.errors import InputError
from spinloom.magnetism import Pulse, Sampled

NEURON = AutoOscillator()
currents = st.floats(-100e-6, 100e-6)


def tensor(*values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_emitted_power_of_the_published_constants():
    power = NEURON.emitted_power(tensor(-5e-6, 5e-6, 10e-6, 15e-6, 20e-6, 30e-6, 40e-6, 80e-6)) * 1e6
    torch.testing.assert_close(power, tensor(0, 0, 0, 9 / 224, 0.125, 0.45, 1.0, 1.0))  # uW; 9/224 = 0.0402


@given(currents, st.floats(-0.9, 20))
def test_power_is_between_zero_and_one_and_stationary(current, q):
    oscillator = AutoOscillator(nonlinear_damping=q)
    p, xi = float(oscillator.normalized_power(current)), float(oscillator.supercriticality(current))
    assert 0 <= p < 1
    assert p == 0 or 1 + q * p == pytest.approx(xi * (1 - p))


@given(currents, currents)
def test_power_never_falls_with_current(a, b):
    low, high = NEURON.emitted_power(tensor(min(a, b), max(a, b)))
    assert low <= high


def test_power_relaxes_at_twice_gamma_times_the_supercriticality():
    end = NEURON.normalized_power(25e-6)
    run = NEURON.transient(25e-6, 2e-7, start=1.001 * end, steps=50)
    rate = -torch.log((run.power[-1] - end) / (run.power[0] - end)) / run.time[-1]
    assert float(rate) == pytest.approx(float(NEURON.relaxation_rate(25e-6)), rel=1e-3)
    assert float(NEURON.relaxation_rate(25e-6)) == pytest.approx(2 * 2 * math.pi * 1e6 * 1.5)


def test_a_constant_current_is_followed_exactly_at_any_step():
    current = tensor(2e-6, 10e-6, 35e-6)
    coarse = NEURON.transient(current, 3e-7, start=0.02, steps=1).final
    torch.testing.assert_close(coarse, NEURON.transient(current, 3e-7, start=0.02, steps=500).final)
    torch.testing.assert_close(
        NEURON.transient(current, 1e-2, steps=3).final[[0, 2]], NEURON.normalized_power(current)[[0, 2]]
    )


def test_a_varying_current_is_followed_to_second_order():
    ramp = Sampled(tensor(0.0, 5e-7), tensor(5e-6, 35e-6))
    gamma0 = 2 * math.pi * 1e6

    def slope(t, p):
        xi = 0.5 + 3 * t / 5e-7
        return -2 * gamma0 * (1 + 2 * p - xi * (1 - p)) * p

    exact = solve_ivp(slope, (0, 5e-7), [0.01], rtol=1e-11, atol=1e-14).y[0, -1]
    errors = [abs(float(NEURON.transient(ramp, 5e-7, start=0.01, steps=n).final) - exact) for n in (20, 40)]
    assert errors[1] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_power_outlives_a_pulse_and_then_decays():
    run = NEURON.transient(Pulse(30e-6, 0.0, 5e-7), 1e-6, start=0.01, steps=200)
    assert float(run.power[100]) == pytest.approx(float(NEURON.normalized_power(30e-6)), rel=0.01)
    assert 0 < float(run.final) < 0.01


def test_frequency_shifts_with_power():
    oscillator = AutoOscillator(nonlinear_shift=-20e6)
    torch.testing.assert_close(oscillator.frequency_at(tensor(5e-6, 20e-6)), tensor(100e6, 95e6))


def test_linewidth_narrows_to_the_threshold_and_nonlinearity_widens_it_above():
    below = NEURON.full_width(tensor(0.0, 5e-6), 300.0)
    torch.testing.assert_close(below, tensor(2e6, 1e6))  # 2 alpha f without current
    shifting = AutoOscillator(nonlinear_shift=3e6)  # nu = 3e6 / (1e6 (2 + 2))
    ratio = shifting.full_width(20e-6) / NEURON.full_width(20e-6)
    assert float(ratio) == pytest.approx(1 + 0.75**2)
    assert float(NEURON.full_width(20e-6, 300.0)) == pytest.approx(1e6 * 1.5 * 1e-3 / 0.25)
    assert float(NEURON.full_width(20e-6, 600.0)) == pytest.approx(2 * 1e6 * 1.5 * 1e-3 / 0.25)


def test_thermal_power_far_below_threshold_and_through_it():
    cold = AutoOscillator(energy=1e6 * units.KB * 300)
    assert float(cold.thermal_power(5e-6, 300.0)) == pytest.approx(1e-6 / 0.5, rel=1e-3)
    mean = NEURON.thermal_power(tensor(9e-6, 10e-6, 11e-6, 30e-6), 300.0)
    assert bool((mean.diff() > 0).all())
    assert float(mean[-1]) == pytest.approx(float(NEURON.normalized_power(30e-6)), rel=0.01)

    def density(p, xi=1.1, q=2.0, scale=1000.0):
        return math.exp(-scale * (p + xi * p / q - xi * (q + 1) / q**2 * math.log1p(q * p)))

    exact = quad(lambda p: p * density(p), 0, 1, points=[0.03])[0] / quad(density, 0, 1, points=[0.03])[0]
    assert float(mean[2]) == pytest.approx(exact, rel=1e-5)


def test_gradients_are_those_of_finite_differences():
    one = torch.ones(1, dtype=torch.float64)
    values = [1.0, 2.0, 1.3, 0.3, 0.05, 0.2, 40.0, 2.2]
    tensors = [torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in values]

    def shown(threshold, q, resistance, frequency, damping, shift, energy, current):
        o = AutoOscillator(threshold, q, 4 * one, resistance, 1.2, frequency, damping, shift, energy * units.KB)
        run = o.transient(current, 10.0, start=0.05, steps=5).final
        return (
            o.emitted_power(current),
            o.frequency_at(current),
            o.full_width(current),
            o.thermal_power(current, 1.0),
            run,
        )

    assert torch.autograd.gradcheck(shown, tensors)


def test_gradients_at_the_threshold_and_below_are_finite():
    current = tensor(0.0, 5e-6, 10e-6, 10.1e-6).requires_grad_()
    for shown in (
        NEURON.emitted_power(current),
        NEURON.full_width(current),
        NEURON.transient(current, 1e-7, steps=4).final,
    ):
        (gradient,) = torch.autograd.grad(shown.sum(), current)
        assert bool(gradient.isfinite().all())


def test_the_transient_has_a_slope_at_the_threshold():
    current = tensor(10e-6).requires_grad_()
    (slope,) = torch.autograd.grad(NEURON.transient(current, 1e-7, steps=4).final.sum(), current)
    apart = NEURON.transient(tensor(9.99e-6, 10.01e-6), 1e-7, steps=4).final
    assert float(slope) == pytest.approx(float(apart.diff()) / 0.02e-6, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": -1e-6}, "threshold must be finite and > 0, got -1e-06 A"),
        ({"nonlinear_damping": -1.0}, "nonlinear_damping must be > -1"),
        ({"largest_current": 5e-6}, "largest_current must not be below the threshold"),
        ({"frequency": 0.0}, "frequency must be finite and > 0, got 0 Hz"),
        ({"linewidth": -0.01}, "linewidth must be finite and > 0"),
        ({"energy": 0.0}, "energy must be finite and > 0, got 0 J"),
    ],
)
def test_impossible_oscillators_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        AutoOscillator(**settings)


def test_impossible_runs_are_refused():
    with pytest.raises(InputError, match="duration must be finite and > 0"):
        NEURON.transient(2e-5, -1.0)
    with pytest.raises(InputError, match="start is a normalised power and must be at most 1"):
        NEURON.transient(2e-5, 1e-6, start=1.5)
    with pytest.raises(InputError, match="steps must be a whole number >= 1"):
        NEURON.transient(2e-5, 1e-6, steps=0)
    with pytest.raises(InputError, match="temperature must be finite and >= 0"):
        NEURON.full_width(2e-5, -1.0)
    with pytest.raises(InputError, match="current must be finite"):
        NEURON.emitted_power(math.inf)
