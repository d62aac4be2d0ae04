import numpy as np
import pytest
import torch

from spinloom import report
from spinloom.evaluation import Flips, quadratic_task


def test_a_task_is_drawn_from_where_it_begins():
    history = np.zeros((3, 2, 3))
    history[0, :, 0], history[1:, :, 0], history[1:, :, 1], history[2, :, 2] = 0.9, 0.4, 0.8, 0.7
    ways = {"plain": history.tolist(), "slowed": history.tolist()}
    figure = report.draw_tasks(ways, ("one", "two", "three"))
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["plain", "slowed"]
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2 or line.get_label() == "three"]
    assert [list(line.get_xdata()) for line in lines] == [[1, 2, 3, 4, 5, 6], [3, 4, 5, 6], [5, 6]]
    assert list(lines[0].get_ydata()) == pytest.approx([90, 90, 40, 40, 40, 40])
    assert list(lines[2].get_ydata()) == pytest.approx([70, 70])


def test_six_ways_stand_in_two_rows_and_five_leave_a_place():
    history = np.full((2, 2, 2), 0.5).tolist()
    for count in (5, 6):
        figure = report.draw_tasks({str(n): history for n in range(count)}, ("one", "two"))
        assert sum(axis.get_visible() for axis in figure.axes) == count


def test_means_stand_beside_the_names():
    figure = report.draw_retention({"plain": [0.2, 0.4], "slowed": [0.8, 0.9]}, "After the last")
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["plain: mean 30.0 %", "slowed: mean 85.0 %"]
    assert list(axis.lines[1].get_ydata()) == pytest.approx([80, 90])


def test_every_layer_and_the_quadratic_loss_have_a_panel():
    rising = torch.arange(12.0).view(4, 3)
    figure = report.draw_flips({"layer 1": Flips(rising, rising**2, 7)}, quadratic_task(20, steps=50))
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        "layer 1: rank correlation 1.00", "Quadratic loss"
    ]  # fmt: skip
    assert figure.axes[0].get_ylabel() == "loss gained by 7 flips"
