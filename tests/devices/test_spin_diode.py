import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spinloom.devices import SpinDiode
from spinloom.errors import InputError

DIODE = SpinDiode(frequency=100e6, damping=0.01)
K = 8838.8347648  # V/W: 8.84 mV/uW
frequencies = st.floats(1e6, 1e10)
dampings = st.floats(1e-3, 0.1)


def value(tensor) -> float:
    return float(tensor)


def test_sensitivity_of_the_published_constants():
    assert value(DIODE.sensitivity) == pytest.approx(K)
    assert value(DIODE.sensitivity) * 1e-3 == pytest.approx(8.84, abs=0.005)  # mV/uW


def test_zero_on_resonance_and_positive_above_it():
    assert value(DIODE.conversion(100e6)) == 0
    assert value(DIODE.conversion(100.1e6)) > 0 > value(DIODE.conversion(99.9e6))


@given(frequencies, dampings)
def test_extrema_are_the_sensitivity_one_width_from_resonance(f, alpha):
    diode = SpinDiode(f, alpha)
    assert value(diode.conversion(f * (1 + alpha))) == pytest.approx(K, rel=1e-6)
    assert value(diode.conversion(f * (1 - alpha))) == pytest.approx(-K, rel=1e-6)
    sweep = diode.conversion(f * torch.linspace(0, 3, 1001, dtype=torch.float64))
    assert value(sweep.abs().max()) <= K * (1 + 1e-9)


@given(frequencies, dampings, st.floats(0, 0.9))
def test_dispersive_line_is_antisymmetric_and_the_absorptive_one_symmetric(f, alpha, part):
    above, below = f * (1 + part), f * (1 - part)
    odd, even = SpinDiode(f, alpha), SpinDiode(f, alpha, mixing_angle=math.pi / 2)
    assert value(odd.conversion(above)) == pytest.approx(-value(odd.conversion(below)), rel=1e-6, abs=1e-6 * K)
    assert value(even.conversion(above)) == pytest.approx(value(even.conversion(below)), rel=1e-6, abs=1e-6 * K)
    assert value(even.conversion(f)) == pytest.approx(2 * K)


@given(st.floats(-math.pi, math.pi), st.floats(0.5, 1.5))
def test_mixing_turns_one_complex_lorentzian(psi, part):
    f = 100e6
    line = 2 * 1e6 * K / (1e6 - 1j * f * (part - 1))  # Gam / (Gam - i x)
    expected = math.cos(psi) * line.imag + math.sin(psi) * line.real
    assert value(SpinDiode(mixing_angle=psi).conversion(f * part)) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_slope_at_the_centre_and_tail():
    step = 1.0
    slope = (DIODE.conversion(100e6 + step) - DIODE.conversion(100e6 - step)) / (2 * step)
    assert value(slope) == pytest.approx(2 * K / 1e6)
    assert value(DIODE.conversion(10e9)) == pytest.approx(2 * K * 1e6 / 9.9e9, rel=1e-3)


def test_gradient_with_respect_to_the_resonance_at_constant_width():
    f0 = torch.tensor([98e6, 99.3e6, 100e6], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(SpinDiode(f0, half_width=1e6).conversion(100e6).sum(), f0)
    x = 100e6 - f0.detach()
    expected = -2 * K * 1e6 * (1e12 - x**2) / (1e12 + x**2) ** 2
    torch.testing.assert_close(gradient, expected)


def test_powers_add_and_shapes_broadcast():
    diode = SpinDiode(torch.tensor([[90e6], [100e6], [110e6]], dtype=torch.float64))
    f = torch.tensor([95e6, 105e6], dtype=torch.float64)
    both = diode.voltage(torch.tensor([1e-6, 2e-6], dtype=torch.float64), f)
    assert both.shape == (3, 2)
    torch.testing.assert_close(both[:, 1], 2e-6 * diode.conversion(f)[:, 1])


def test_gradients_are_those_of_finite_differences():
    values = [1.0, 0.02, 0.8, 2.0, 0.6, 0.9, 0.4, 1.013]  # a diode in units of 1: finite differences need it
    tensors = [torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in values]

    def voltage(f0, alpha, change, threshold, angle, impedance, psi, f):
        return SpinDiode(f0, alpha, None, change, threshold, angle, impedance, psi).voltage(0.5, f)

    assert torch.autograd.gradcheck(voltage, tensors)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frequency": -1.0}, "frequency must be finite and > 0, got -1 Hz"),
        ({"damping": 0.0}, "damping must be finite and > 0"),
        ({"half_width": -2.0}, "half_width must be finite and > 0, got -2 Hz"),
        ({"threshold": 0.0}, "threshold must be finite and > 0, got 0 A"),
        ({"polarizer_angle": math.pi / 2}, "polarizer_angle must lie between"),
        ({"mixing_angle": math.nan}, "mixing_angle must be finite"),
    ],
)
def test_impossible_diodes_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        SpinDiode(**settings)


def test_negative_powers_and_frequencies_are_refused():
    with pytest.raises(InputError, match="power must be finite and >= 0, got -1e-06 W"):
        DIODE.voltage(-1e-6, 1e8)
    with pytest.raises(InputError, match="input_frequency must be finite and >= 0"):
        DIODE.conversion(torch.tensor([1e8, -1.0]))
