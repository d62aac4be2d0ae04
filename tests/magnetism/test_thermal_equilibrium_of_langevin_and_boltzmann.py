"""Mean and variance of m_z of 100,000 independent magnets after at least six relaxation times, all started at +x.

Two magnets in one batch: a free moment in a field (Langevin) and a uniaxial one in a smaller field (Boltzmann
integral). Bounds are 4 standard errors of the sample, from the exact moments.
"""

import numpy as np
import pytest
import torch
from magnets import magnet, state

from spinloom import units
from spinloom.magnetism import Applied, Constant, Uniaxial, simulate

SAMPLES, TEMPERATURE, MS, VOLUME = 100_000, 300.0, 1e6, 1.25e-25
THERMAL = units.KB * TEMPERATURE
FIELD, BARRIER = (2.0, 0.7), (0.0, 1.5)
"""mu0 Ms V H / kT and K V / kT of the two."""


def particles():
    def column(values, scale):
        return torch.tensor(values, dtype=torch.float64).unsqueeze(-1) * scale

    field = Applied(Constant(column(FIELD, THERMAL / (units.MU0 * MS * VOLUME))))
    return magnet(field, Uniaxial(column(BARRIER, THERMAL / VOLUME)), damping=1.0, ms=MS, volume=VOLUME)


def moments(xi: float, kappa: float) -> tuple[float, float, float]:
    """Mean, variance, fourth central moment of cos(theta) under exp(xi c + kappa c^2)."""
    c, weight = np.polynomial.legendre.leggauss(200)
    weight = weight * np.exp(xi * c + kappa * c**2)
    weight /= weight.sum()
    mean = float(weight @ c)
    return mean, float(weight @ (c - mean) ** 2), float(weight @ (c - mean) ** 4)


def test_the_reference_is_the_langevin_function_without_anisotropy():
    mean, variance, _ = moments(2.0, 0.0)
    assert mean == pytest.approx(1 / np.tanh(2.0) - 0.5)
    assert variance == pytest.approx(1 / 4 - 1 / np.sinh(2.0) ** 2)


def deviations(z: torch.Tensor, xi: float, kappa: float) -> tuple[float, float]:
    """Of mean and variance, in standard errors."""
    mean, variance, fourth = moments(xi, kappa)
    n = len(z)
    of_mean = (float(z.mean()) - mean) / (variance / n) ** 0.5
    of_variance = (float(z.var()) - variance) / ((fourth - variance**2) / n) ** 0.5
    return of_mean, of_variance


@pytest.mark.parametrize("step", [2e-12, 1e-12])
def test_equilibrium_holds_within_four_standard_errors_at_either_step(step):
    m = state(np.pi / 2, batch=(2, SAMPLES), dtype=torch.float32)
    z = simulate(particles(), m, 2e-9, step, method="heun", temperature=TEMPERATURE, seed=11).final[2].double()
    for k in range(2):
        off = deviations(z[k], FIELD[k], BARRIER[k])
        print(
            f"step {step:g} s, field {FIELD[k]} kT, barrier {BARRIER[k]} kT: mean {off[0]:+.1f}, var {off[1]:+.1f} SE"
        )
        assert max(map(abs, off)) < 4


def test_the_eager_engine_reaches_the_same_equilibrium():
    m = state(np.pi / 2, batch=(2, SAMPLES // 32))
    run = simulate(particles(), m, 2e-9, 2.5e-12, method="heun", temperature=TEMPERATURE, seed=3, engine="eager")
    for k in range(2):
        assert max(map(abs, deviations(run.final[2, k], FIELD[k], BARRIER[k]))) < 4


def test_m_x_and_m_y_vanish_on_average_and_share_the_rest():
    m = simulate(
        particles(), state(0.3, batch=(2, SAMPLES // 4), dtype=torch.float32), 2e-9, method="heun",
        temperature=TEMPERATURE, seed=5,
    ).final.double()  # fmt: skip
    mean, variance, _ = moments(FIELD[0], BARRIER[0])
    side = (1 - variance - mean**2) / 2
    assert abs(float(m[:2, 0].mean())) < 4 * (side / (SAMPLES // 2)) ** 0.5
    assert float(m[0, 0].square().mean()) == pytest.approx(side, rel=0.02)
    assert float(m[1, 0].square().mean()) == pytest.approx(side, rel=0.02)
