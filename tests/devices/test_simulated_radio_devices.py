"""Spin diode and auto-oscillator: the LLGS engine against closed forms."""

import math
from dataclasses import replace

import pytest
import torch

from spinloom import units
from spinloom.devices import SimulatedDiode, SimulatedOscillator, fit_power_curve, fit_resonance
from spinloom.errors import InputError, PhysicsError
from spinloom.magnetism import Applied, Constant, Demagnetization, Magnet, Material, Mesh, Sine, SpinTransfer

MS, ALPHA, THICKNESS, VOLUME = 8e5, 0.01, 2e-9, 1.6e-23
FLAT = (0.01, 0.05, 0.94)
"""Demagnetising factors of an elliptic film: elliptical precession when magnetised along x."""
WEAK, OVAL, BIAS = (0.02, 0.02, 0.27), (0.02, 0.08, 0.27), 3e5
"""A film whose shape anisotropy is mostly compensated, saturated along z: circular precession, q = N / f0 = 4.
The oval one precesses elliptically. A parameter of exactly 0 or 1 makes a kernel of its own: few of them save time."""


def layer(factors, field, direction, damping=ALPHA) -> Magnet:
    terms = (Demagnetization(factors), Applied(Constant(field), direction))
    return Magnet(Material(MS, damping), VOLUME, terms)


def round_diode(field_like=0.5, polarizer=(0.8, 0.6, 0.0)) -> SimulatedDiode:
    return SimulatedDiode(layer(WEAK, BIAS, (0.0, 0.0, 1.0)), THICKNESS, polarizer, field_like=field_like)


def flat_diode(field=2e4) -> SimulatedDiode:
    """Driven by both torques and by the field of the current."""
    along, settings = (1.0, 0.0, 0.0), {"field_like": 0.3, "field_per_current": (3e4, 0.0, 8e4)}
    return SimulatedDiode(layer(FLAT, field, along), THICKNESS, (0.4, 1.0, 0.2), along, **settings)


def oscillator(factors=WEAK, **settings) -> SimulatedOscillator:
    settings = {"angular_factor": "mtj"} | settings
    return SimulatedOscillator(layer(factors, BIAS, (0.0, 0.0, 1.0)), THICKNESS, **settings)


def kappa(polarization) -> float:
    """Of the angular factor "mtj"."""
    return 2 * polarization**2 / (1 - polarization**2)


def sweep(mode, widths=8.0, points=81):
    return mode.frequency + torch.linspace(-widths, widths, points, dtype=torch.float64) * mode.half_width


def kittel(field) -> tuple[float, float]:
    """Stiffness in and across the plane of the flat layer along x, A/m."""
    nx, ny, nz = FLAT
    return field + (ny - nx) * MS, field + (nz - nx) * MS


def linear(*values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("field", [2e4, 1.5e5])
def test_mode_is_that_of_kittel(field):
    mode, (h1, h2) = flat_diode(field).mode(), kittel(field)
    share = units.GAMMA0 / (2 * math.pi)
    assert float(mode.frequency) == pytest.approx(share * math.sqrt(h1 * h2 / (1 + ALPHA**2)), rel=1e-9)
    assert float(mode.half_width) == pytest.approx(share * ALPHA * (h1 + h2) / 2 / (1 + ALPHA**2), rel=1e-9)


def test_mode_of_an_oblique_equilibrium_agrees_with_smit_and_beljers():
    """A film in an oblique field: f^2 = gamma^2 / (Ms sin)^2 (E_tt E_pp - E_tp^2), phi along the film's symmetry."""
    field, angle = 4e5, 0.7
    diode = SimulatedDiode(layer((0, 0, 1.0), field, (math.sin(angle), 0, math.cos(angle))), THICKNESS, start=(1, 0, 1))
    mode = diode.mode()
    polar = math.acos(float(mode.equilibrium[2]))
    assert field * math.sin(angle - polar) == pytest.approx(-MS * math.sin(polar) * math.cos(polar), rel=1e-6)
    polar_stiffness = field * math.cos(angle - polar) - MS * math.cos(2 * polar)
    azimuth_stiffness = field * math.sin(angle) / math.sin(polar)
    expected = units.GAMMA0 * math.sqrt(polar_stiffness * azimuth_stiffness / (1 + ALPHA**2)) / (2 * math.pi)
    assert float(mode.frequency) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("diode", [round_diode(), flat_diode()], ids=["round", "flat"])
def test_resonance_and_width_are_those_of_linear_theory_at_small_power(diode):
    """Bars of 1 % and 5 %; what is reached is asserted."""
    mode = diode.mode()
    f = sweep(mode)
    voltage = diode.voltage(1e-11, f)
    resonance, width = fit_resonance(f, voltage)
    assert float(resonance) == pytest.approx(float(mode.frequency), rel=1e-5)
    assert float(width) == pytest.approx(float(mode.half_width), rel=1e-4)
    expected = diode.linear_voltage(1e-11, f)
    torch.testing.assert_close(voltage, expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
    near = diode.closed_form().voltage(1e-11, f)
    torch.testing.assert_close(near, expected, rtol=0, atol=0.05 * float(expected.abs().max()))


def test_width_is_damping_times_frequency_only_for_circular_precession():
    assert float(round_diode().mode().half_width / round_diode().mode().frequency) == pytest.approx(ALPHA, rel=1e-3)
    mode, (h1, h2) = flat_diode().mode(), kittel(2e4)
    ratio = float(mode.half_width / (ALPHA * mode.frequency))
    assert ratio == pytest.approx((h1 + h2) / (2 * math.sqrt(h1 * h2)), rel=1e-3)
    assert ratio > 2


def test_a_batch_over_damping_and_gamma_is_one_call():
    diode = round_diode()
    material = Material(MS, linear(0.01, 0.02).reshape(2, 1), linear(1.0, 2.0).reshape(2, 1) * units.GAMMA)
    batch = replace(diode, magnet=replace(diode.magnet, material=material))
    f = batch.mode().frequency * linear(0.97, 0.99, 1.01, 1.02)
    voltage = batch.voltage(1e-11, f)
    assert voltage.shape == (2, 4)
    torch.testing.assert_close(voltage[0], diode.voltage(1e-11, f[0]), rtol=1e-5, atol=1e-12)
    torch.testing.assert_close(voltage, batch.linear_voltage(1e-11, f), rtol=1e-2, atol=1e-12)


def test_signs_of_the_rectified_voltage():
    """Damping-like: a negative peak. Field-like > 0: positive above the resonance. Reversed polarizer: the same."""
    f = sweep(round_diode().mode(), 1.0, 3)
    above, below = round_diode(0.5).voltage(1e-11, f), round_diode(-0.5).voltage(1e-11, f)
    damping_like, field_like = (above + below) / 2, (above - below) / 2
    assert float(damping_like[1]) < 0
    torch.testing.assert_close(damping_like / damping_like[1], linear(0.5, 1.0, 0.5), rtol=0.02, atol=0)
    assert float(field_like[2]) > 0 > float(field_like[0])
    torch.testing.assert_close(field_like[0], -field_like[2], rtol=0.05, atol=0)
    turned = round_diode(0.5, (-0.8, -0.6, 0.0)).voltage(1e-11, f)
    torch.testing.assert_close(turned, above, rtol=1e-6, atol=0)


def test_large_power_shifts_the_resonance_the_closed_form_does_not():
    """The perpendicular film of 100 nm keeps the bars of 1 % and 5 % up to 30 nW; at 100 nW its peak leans over."""
    diode = round_diode()
    mode = diode.mode()
    f = mode.frequency + torch.linspace(-3, 8, 111, dtype=torch.float64) * mode.half_width
    voltage = diode.voltage(linear(1e-11, 3e-8, 1e-7).unsqueeze(-1), f, settling=20.0)
    resonance, width = fit_resonance(f, voltage[:2])
    torch.testing.assert_close(resonance / mode.frequency, linear(1.0, 1.0), rtol=0.01, atol=0)
    torch.testing.assert_close(width / mode.half_width, linear(1.0, 1.0), rtol=0.05, atol=0)
    peaks = (f[voltage.abs().argmax(-1)] - mode.frequency) / mode.half_width
    torch.testing.assert_close(peaks, linear(-0.2, 0.8, 2.6), rtol=0, atol=0.15)


def test_closed_form_of_the_diode_is_differentiable_in_field_and_magnetisation():
    field = torch.tensor(2e4, dtype=torch.float64, requires_grad=True)
    diode = flat_diode(field)
    (gradient,) = torch.autograd.grad(diode.linear_voltage(1e-9, 7.1e9), field)
    apart = [float(flat_diode(2e4 + d).linear_voltage(1e-9, 7.1e9)) for d in (-10.0, 10.0)]
    assert float(gradient) == pytest.approx((apart[1] - apart[0]) / 20, rel=1e-4)


@pytest.mark.parametrize("factors", [WEAK, OVAL], ids=["circular", "elliptical"])
def test_threshold_is_where_the_growth_rate_crosses_zero(factors):
    """Bar of 3 %; the growth rate itself is 2 Gam0 (xi - 1)."""
    o = oscillator(factors)
    gamma0, xi = 2 * math.pi * float(o.mode().half_width), torch.linspace(0.6, 1.4, 9, dtype=torch.float64)
    growth = o.run(xi * o.threshold(), 6 / gamma0, power=1e-10, records=4000).growth_rate() / (2 * gamma0)
    line = torch.stack((xi, torch.ones_like(xi)), -1)
    slope, offset = torch.linalg.lstsq(line, growth.unsqueeze(-1)).solution[:, 0]
    assert float(-offset / slope) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(growth, xi - 1, rtol=0, atol=5e-3)


@pytest.mark.parametrize("polarization", [0.1, 0.6])
def test_power_and_frequency_follow_the_exact_law_and_the_closed_form_to_first_order(polarization):
    o = oscillator(polarization=polarization)
    closed, gamma0 = o.closed_form(), 2 * math.pi * float(o.mode().half_width)
    assert float(closed.nonlinear_damping) == pytest.approx(3 + kappa(polarization), rel=1e-3)
    xi = linear(1.05, 1.1, 1.2, 1.5, 2.0, 3.0)
    run = o.run(xi * o.threshold(), 120 / gamma0, power=0.05, records=24000).after(110 / gamma0)
    p = run.mean_power()
    torch.testing.assert_close((1 + 4 * p) * (1 + kappa(polarization) * p), xi, rtol=2e-4, atol=0)
    torch.testing.assert_close(run.frequency(), closed.frequency + closed.nonlinear_shift * p, rtol=1e-3, atol=0)
    torch.testing.assert_close(closed.normalized_power(xi * o.threshold())[:2], p[:2], rtol=0.03, atol=0)
    assert float((closed.normalized_power(xi * o.threshold()) / p)[-1]) < 0.95  # far above: too low
    threshold, _ = fit_power_curve(xi[:4] * o.threshold(), p[:4])
    assert float(threshold) == pytest.approx(float(o.threshold()), rel=0.03)


@pytest.mark.parametrize("polarization", [0.1, 0.6])
def test_power_relaxes_at_the_rate_of_the_closed_form_to_first_order(polarization):
    o, k = oscillator(polarization=polarization), kappa(polarization)
    gamma0, closed = 2 * math.pi * float(o.mode().half_width), o.closed_form()
    p = linear(0.01, 0.05, 0.25)
    current = (1 + 4 * p) * (1 + k * p) * o.threshold()
    run = o.run(current, 1 / gamma0, power=p * linear(0.995, 1.005).reshape(2, 1), records=200)
    apart = run.power[:, 1] - run.power[:, 0]
    rate = -torch.log(apart[-1] / apart[0]) / (run.time[-1] - run.time[0])
    exact = 2 * gamma0 * p * (1 - p) * (4 + k * (1 + 4 * p) / (1 + k * p))
    torch.testing.assert_close(rate, exact, rtol=0.01, atol=0)
    torch.testing.assert_close(closed.relaxation_rate(current)[:1], rate[:1], rtol=0.03, atol=0)


def test_thermal_power_and_phase_diffusion_at_300_kelvin():
    """2 pi times the line width is the slope of the variance of the phase; nu = 90 here, so it is large."""
    o = oscillator()
    closed, gamma0 = o.closed_form(), 2 * math.pi * float(o.mode().half_width)
    current = linear(0.5, 1.3) * o.threshold()
    start = closed.normalized_power(current).clamp(min=1e-3)
    run = o.run(current, 14 / gamma0, power=start, temperature=300.0, batch=(1000,), records=1000, step=4e-12)
    late = run.after(6 / gamma0)
    below = float(late.mean_power()[:, 0].mean())
    assert below == pytest.approx(float(closed.thermal_power(current, 300.0)[0]), rel=0.05)
    spread, half = (late.phase - late.phase[:1])[:, :, 1].var(1), len(late.time) // 2
    rate = (spread[-1] - spread[half]) / (late.time[-1] - late.time[half])
    assert float(rate) / (2 * math.pi) == pytest.approx(float(closed.full_width(current, 300.0)[1]), rel=0.15)


def test_impossible_layers_are_refused():
    magnet = layer(WEAK, BIAS, (0.0, 0.0, 1.0))
    with pytest.raises(InputError, match="rests where it is not stable"):
        SimulatedDiode(layer((0, 0, 1.0), 1e5, (0, 0, 1.0)), THICKNESS).mode()
    with pytest.raises(InputError, match="must be Constant"):
        SimulatedDiode(replace(magnet, fields=(Applied(Sine(1e5, 1e9)),)), THICKNESS)
    with pytest.raises(InputError, match="give the magnet no torques"):
        SimulatedOscillator(replace(magnet, torques=(SpinTransfer(Constant(1e10), THICKNESS, 0.6),)), THICKNESS)
    with pytest.raises(InputError, match="without a mesh"):
        SimulatedDiode(replace(magnet, volume=None, mesh=Mesh((4, 4, 1), (2e-9, 2e-9, 2e-9))), THICKNESS)
    with pytest.raises(InputError, match="no threshold"):
        oscillator(polarizer=(1.0, 0.0, 0.0)).threshold()
    with pytest.raises(InputError, match="must oppose"):
        oscillator(polarizer=(0.0, 0.0, 1.0)).closed_form()
    with pytest.raises(InputError, match="elliptical"):
        oscillator(OVAL).closed_form()
    with pytest.raises(InputError, match="field_like to 0"):
        oscillator(field_like=0.1).closed_form()


def test_impossible_runs_and_fits_are_refused():
    with pytest.raises(InputError, match="power must be below 1"):
        oscillator().run(1e-4, 1e-9, power=1.0)
    with pytest.raises(InputError, match="power must be finite and >= 0, got -1e-09 W"):
        round_diode().voltage(-1e-9, 3e9)
    with pytest.raises(InputError, match="frequency must be finite and > 0, got -1 Hz"):
        round_diode().voltage(1e-9, -1.0)
    with pytest.raises(InputError, match="5 points"):
        fit_resonance(linear(1, 2, 3), linear(1, 2, 3))
    with pytest.raises(PhysicsError, match="no resonance"):
        fit_resonance(torch.linspace(1e9, 2e9, 20, dtype=torch.float64), torch.linspace(0, 1, 20, dtype=torch.float64))
    with pytest.raises(InputError, match="powers between 0 and 1"):
        fit_power_curve(linear(1.0, 2.0), linear(0.0, 0.1))
