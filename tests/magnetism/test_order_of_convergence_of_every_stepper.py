"""Slope of log(error) against log(step) on a nonlinear problem with a drive that changes in time."""

import itertools
import math

import pytest
import torch
from magnets import damping_like, magnet, random_states

from spinloom.magnetism import Applied, Constant, Demagnetization, Sine, Uniaxial, simulate
from spinloom.magnetism.engine.rates import llgs, reduce_magnet, right_hand_side
from spinloom.magnetism.engine.schemes import STEPS, EagerRun

DURATION = 0.2e-9


def problem():
    torque = damping_like(8e9, polarization=0.5, angular_factor="mtj", field_like=0.2)
    wave = Sine(8e4, 6e9, 0.3)
    terms = (Uniaxial(3e5, 1e5, (0, 0.2, 1)), Demagnetization((0.1, 0.2, 0.7)), Applied(wave, (1, 1, 0)))
    return magnet(*terms, torques=[torque], damping=0.1), random_states(5, seed=3)


def slope(sizes: list[float], errors: list[float]) -> float:
    x, y = torch.tensor(sizes).log(), torch.tensor(errors).log()
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


@pytest.fixture(scope="module")
def exact() -> torch.Tensor:
    thing, m = problem()
    return simulate(thing, m, DURATION, 0.02e-12).final


@pytest.mark.parametrize(("method", "order", "coarsest"), [("rk4", 4, 80), ("heun", 2, 80), ("abm3", 3, 640)])
def test_fixed_step_schemes_converge_at_their_order(method, order, coarsest, exact):
    thing, m = problem()
    steps = [DURATION / (coarsest * 2**k) for k in range(4)]
    errors = [float((simulate(thing, m, DURATION, h, method=method).final - exact).abs().max()) for h in steps]
    measured = slope(steps, errors)
    print(f"{method}: order {measured:.2f}, errors {errors[0]:.1e} to {errors[-1]:.1e}")
    assert abs(measured - order) < 0.15


@pytest.mark.parametrize(("method", "order", "counts"), [("dopri5", 5, [320, 480, 640]), ("rk43", 4, [160, 240, 320])])
def test_adaptive_schemes_with_equal_steps_converge_at_their_order(method, order, counts, exact):
    thing, m = problem()
    rhs, errors = right_hand_side(thing, m), []
    for count in counts:
        marks = torch.linspace(0, DURATION, count + 1, dtype=torch.float64).tolist()
        end, whole = m, torch.ones(5, dtype=torch.float64)  # a first step longer than the piece is cut to the piece
        for a, b in itertools.pairwise(marks):
            end, _, taken = EagerRun(method, rhs).integrate(end, a, b, whole, 1e3)
            assert (taken == 1).all()
        errors.append(float((end - exact).abs().max()))
    measured = slope([DURATION / count for count in counts], errors)
    print(f"{method}: order {measured:.2f}, errors {errors[0]:.1e} to {errors[-1]:.1e}")
    assert abs(measured - order) < 0.25


@pytest.mark.parametrize("method", ["dopri5", "rk43"])
def test_the_error_of_an_adaptive_scheme_follows_its_tolerance(method, exact):
    thing, m = problem()
    errors, steps = [], []
    for tolerance in (1e-5, 1e-7, 1e-9):
        run = simulate(thing, m, DURATION, method=method, tolerance=tolerance)
        errors.append(float((run.final - exact).abs().max() / tolerance))
        steps.append(float(run.steps.double().mean()))
    assert max(errors) < 10
    assert steps == sorted(steps)


def test_thermal_heun_converges_strongly_at_order_one_half_or_better():
    """The same Wiener path at every step: the noise of a long step is the mean of those of its short ones."""
    thing = magnet(Applied(Constant(5e4)), damping=0.3)
    reduced = reduce_magnet(thing, 300.0)
    layout, rows = reduced.layout, reduced.rows
    finest, paths, duration = 2**10, 400, 0.2
    source = torch.Generator().manual_seed(5)
    noise = torch.randn(finest, 3, paths, generator=source, dtype=torch.float64) * rows[2] / (duration / finest) ** 0.5
    one = torch.ones(1, dtype=torch.float64)

    def end(count: int) -> torch.Tensor:
        m = random_states(paths, seed=6)
        for push in noise.reshape(count, finest // count, 3, paths).mean(1):
            new, _ = STEPS["heun"](
                lambda s, _, p=push: llgs(s, tuple(p), rows, one, layout), tuple(m), duration / count, ()
            )
            m = torch.stack(new)
            m = m / m.norm(dim=0)
        return m

    exact, counts = end(finest), [16, 32, 64, 128]
    errors = [float((end(count) - exact).norm(dim=0).mean()) for count in counts]
    measured = slope([duration / count for count in counts], errors)
    print(f"thermal heun: strong order {measured:.2f}, errors {errors[0]:.1e} to {errors[-1]:.1e}")
    assert measured > 0.45
    assert math.log(errors[0]) < 0
