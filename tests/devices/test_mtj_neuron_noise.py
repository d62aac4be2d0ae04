import math

import pytest
import torch

from spinloom.devices import TunnelJunction, TwoPolarizerMTJ
from spinloom.devices.mtj.simulation import read_population

REALIZATIONS = 3000


def noise(diameter: float, **settings) -> torch.Tensor:
    device = TwoPolarizerMTJ(diameter=diameter, **({"amplifier_noise": 0.0, "operation": "single"} | settings))
    drive = device.drives(3, 0.2)
    return device.simulate(drive, realizations=REALIZATIONS, seed=1).noise[0]


def test_noise_of_a_read_falls_as_one_over_the_diameter():
    thorough = {"reset_drive": 6.0}  # leaves nothing of the earlier output, which does not depend on the diameter
    small, large = noise(80e-9, **thorough), noise(160e-9, **thorough)
    ratio = float((small / large).mean())
    print(f"noise at 80 nm {small.mean():.4f}, at 160 nm {large.mean():.4f}, ratio {ratio:.2f}")
    standard_error = 2 * (1 / (3 * REALIZATIONS)) ** 0.5  # of a ratio of two standard deviations near 2
    assert abs(ratio - 2) < 4 * standard_error + 0.02  # the smaller one is not quite linear in the noise


def test_amplifier_and_tunnel_noise_add_in_quadrature():
    quiet = TunnelJunction(resistance_area=1e-18)  # no tunnel noise to speak of
    alone = noise(120e-9, barrier=quiet)
    loud = noise(120e-9, barrier=quiet, amplifier_noise=0.05)
    torch.testing.assert_close(loud, (alone**2 + 0.05**2).sqrt(), rtol=1e-5, atol=0)
    device = TwoPolarizerMTJ()
    tunnel = float(device.barrier.read_noise(device.area, device.read_voltage, device.read, 300.0))
    torch.testing.assert_close(noise(120e-9), (alone**2 + tunnel**2).sqrt(), rtol=1e-5, atol=0)


def test_two_cycles_halve_the_variance_of_a_read():
    single, bipolar = noise(100e-9), noise(100e-9, operation="bipolar")
    ratio = float((single / bipolar).square().mean())
    assert abs(ratio - 2) < 4 * 2 * (4 / (3 * REALIZATIONS)) ** 0.5


def test_the_reset_brings_any_earlier_output_back_to_plus_z():
    device = TwoPolarizerMTJ().fabricate(1, None)
    drive = torch.zeros(1, dtype=torch.float64)
    *_, m = read_population(device, drive, REALIZATIONS, 300.0, 5, torch.float32)
    assert m.shape == (3, 1, 1, REALIZATIONS)
    assert m[2].min() > 0.8
    assert m[2].mean() > 0.98
    assert abs(float(m[0].mean())) < 0.02


def test_tunnel_noise_goes_from_johnson_to_shot_noise():
    barrier, area, time = TunnelJunction(2e-12, 1.0), 1e-14, 1e-9
    conductance = 0.75 / 2e-12 * area

    def reading(voltage: float, temperature: float) -> float:
        return float(barrier.read_noise(area, voltage, time, temperature)) * voltage * conductance / 3

    johnson = math.sqrt(4 * 1.380649e-23 * 300 * conductance / (2 * time))
    assert reading(1e-4, 300.0) == pytest.approx(johnson, rel=1e-4)
    shot = math.sqrt(2 * 1.602176634e-19 * 0.5 * conductance / (2 * time))
    assert reading(0.5, 0.0) == pytest.approx(shot, rel=1e-9)
    assert reading(0.5, 300.0) == pytest.approx(shot, rel=1e-4)


def test_noise_of_the_gradient_read_is_that_of_a_squared_noisy_cosine():
    """Electrical noise alone (so large a barrier noise that thermal motion hardly counts): var of (m_z + n)^2."""
    loud = {"amplifier_noise": 0.0, "operation": "single", "reset_barrier": TunnelJunction(resistance_area=3e-10)}
    device = TwoPolarizerMTJ(diameter=160e-9, **loud)
    quiet = TwoPolarizerMTJ(diameter=160e-9, **{**loud, "reset_barrier": TunnelJunction(resistance_area=1e-18)})
    drive = device.drives(5, 3.0)
    noisy, silent = (one.simulate(drive, realizations=REALIZATIONS, seed=1) for one in (device, quiet))
    sigma = float(device.reset_barrier.read_noise(device.area, device.read_voltage, device.read, 300.0))
    squared = silent.slope[0]
    drawn = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for m2, found, alone in zip(squared, noisy.slope_noise[0], silent.slope_noise[0], strict=True):
        by_chance = ((float(m2) ** 0.5 + sigma * drawn) ** 2).var()
        expected = (by_chance + float(alone) ** 2) ** 0.5
        assert float(found) == pytest.approx(float(expected), rel=0.02)
