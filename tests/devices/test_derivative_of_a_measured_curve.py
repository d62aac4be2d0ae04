import numpy as np
import pytest

from spinloom.devices.response.measured import derivative


@pytest.mark.parametrize("points", [4001, 20001])
def test_many_noisy_points_do_not_make_the_slope_noise(points):
    inputs = np.linspace(-3, 3, points)
    value = np.tanh(inputs) + np.random.default_rng(0).normal(0, 0.01, (2, points))
    assert np.abs(derivative(inputs, value) - 1 + np.tanh(inputs) ** 2).max() < 0.1


def test_few_points_keep_the_difference_of_neighbours():
    inputs = np.array([-3.0, -2.0, -0.5, 0.0, 0.3, 2.0])
    value = np.tanh(inputs)[None]
    np.testing.assert_allclose(derivative(inputs, value), np.gradient(value, inputs, axis=1), rtol=1e-12)


def test_a_curve_that_spans_a_small_part_of_an_input_has_a_slope_too():
    inputs = np.linspace(0, 0.02, 7)
    np.testing.assert_allclose(derivative(inputs, 3 * inputs[None]), 3, rtol=1e-9)
