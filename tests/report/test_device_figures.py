from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from spinloom.errors import InputError, OutputError
from spinloom.evaluation import InferenceCost, Population
from spinloom.evaluation.cost import LayerCost
from spinloom.report import draw_cost, draw_curves, draw_sizes, draw_sweep, save
from tanh_devices import tanh_devices

POINTS = {0.0: Population((0.93, 0.92)), 0.1: Population((0.9, 0.8))}


def lines(axis):
    return {line.get_label(): line.get_ydata() for line in axis.get_lines()}


def test_curves_and_residuals_are_those_of_the_mean_device():
    nominal = tanh_devices()
    value, slope, left, left_slope = draw_curves(nominal, tanh_devices(0.1, devices=5)).axes
    np.testing.assert_allclose(lines(value)["junction"], nominal.value[0])
    np.testing.assert_allclose(lines(slope)["junction"], nominal.slope[0])
    assert left.get_title(loc="right") == "largest deviation 0.0000"
    assert left_slope.get_title(loc="right") == "largest deviation 0.0000"


def test_fabricated_devices_measured_elsewhere_are_drawn_where_they_were_measured():
    nominal = tanh_devices()
    others = replace(tanh_devices(0.1, devices=3), unit_drive=4.0)
    value, *_ = draw_curves(nominal, others).axes
    thin = [line.get_xdata() for line in value.get_lines() if line.get_label().startswith("_")]
    assert len(thin) == 3
    np.testing.assert_allclose(thin[0], others.inputs)


def test_a_sweep_without_points_is_named():
    with pytest.raises(InputError, match="there are no points to draw in 'against noise'"):
        draw_sweep({}, 0.94, "against noise", "noise (%)")


def test_a_sweep_shows_mean_deviation_worst_and_software():
    figure = draw_sweep(POINTS, 0.94, "against noise", "noise (%)")
    shown = lines(figure.axes[0])
    np.testing.assert_allclose(shown["software network"], 94)
    np.testing.assert_allclose(shown["worst instance"], [92, 80])
    bars = figure.axes[0].containers[0]
    np.testing.assert_allclose(bars.lines[0].get_xydata(), [[0, 92.5], [10, 85]])
    low, high = bars.lines[2][0].get_segments()[1][:, 1]
    assert (high - low) / 2 == pytest.approx(100 * POINTS[0.1].deviation)


def test_sizes_are_drawn_in_nanometres():
    left, right = draw_sizes([2e-8, 5e-8], [0.1, 0.05], [1e-9, 3e-9]).axes
    np.testing.assert_allclose(left.get_lines()[0].get_xydata(), [[20, 10], [50, 5]])
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), [1, 3])


def test_stacked_bars_add_up_to_the_energy_of_each_layer():
    layers = (LayerCost("a", 10, 1.0, 1e-9, 2e-9, 3e-9), LayerCost("b", 5, 1.0, 1e-9, 1e-9, 1e-9))
    cost = InferenceCost(layers, 1e-9, 15, 100, 1e-12, 1, 1, 1, ())
    bars = draw_cost(cost).axes[0].containers[-1]
    assert [bar.get_y() + bar.get_height() for bar in bars] == pytest.approx([6, 3])


def test_a_saved_figure_is_a_picture_of_its_size_with_something_on_it(tmp_path):
    before = dict(matplotlib.rcParams)
    save(tmp_path / "new" / "sweep.png", draw_sweep(POINTS, 0.94, "t", "x"))
    pixels = np.asarray(Image.open(tmp_path / "new" / "sweep.png").convert("L"))
    assert pixels.shape[1] == 1600
    assert 0.003 < (pixels < 128).mean() < 0.3
    assert dict(matplotlib.rcParams) == before


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"sweep\.png"):
        save(tmp_path / "file" / "sweep.png", draw_sweep(POINTS, 0.94, "t", "x"))
