import numpy as np
import pytest
import torch
from populations import population

from spinloom.devices import Response
from spinloom.nn.activation.tables import SIGMOID, TOLERANCE, hardtanh, tabulate


def test_an_evenly_sampled_response_is_its_own_grid():
    response = population()
    made = tabulate(response)
    assert made.curves.shape == (8, 40, 4)
    torch.testing.assert_close(made.curves[:-1, :, 0], response.value[:, :-1].float())
    torch.testing.assert_close(made.curves[-1, :, 2], response.slope.mean(0)[:-1].float())
    assert made.error < 1e-12


def test_an_uneven_response_keeps_to_the_tolerance():
    made = tabulate(population(even=False, points=61))
    assert made.curves.shape[1] > 60
    assert made.error <= TOLERANCE


def test_the_error_is_the_one_between_the_curves():
    # Four devices with a corner that no even grid hits: the table must own up to what it loses.
    drive = torch.tensor([-1.0, 0.123456789, 1.0], dtype=torch.float64)
    value = torch.tensor([[-1.0, -0.9, 1.0]], dtype=torch.float64)
    made = tabulate(Response(drive, value, torch.ones_like(value), torch.zeros_like(value), 1.0))
    grid = np.linspace(-1, 1, made.curves.shape[1] + 1)
    curve = np.append(made.curves[0, :, 0].numpy(), 1.0)
    off = abs(np.interp(0.123456789, grid, curve) + 0.9) / 2
    assert made.error == pytest.approx(off, abs=1e-6)
    assert 0 < made.error <= TOLERANCE


def test_affine_scales_value_slope_noise_and_range():
    response = population()
    plain, sigmoid, clip = tabulate(response), tabulate(response, SIGMOID), tabulate(response, hardtanh(0, 4))
    torch.testing.assert_close(sigmoid.curves[..., 2], plain.curves[..., 2] / 4)
    torch.testing.assert_close(sigmoid.noise, plain.noise / 2)
    assert sigmoid.grid.tolist() == pytest.approx([-6, 40 / 12])
    torch.testing.assert_close(clip.curves[..., 0], 2 + 2 * plain.curves[..., 0])
    assert clip.grid.tolist() == pytest.approx([2 - 6, 40 / 12])
