from dataclasses import replace

import pytest

from spinloom.evaluation import Population
from spinloom.report import Panel, draw_confusion, draw_learning, draw_populations


def test_the_learning_curve_is_the_mean_of_the_seeds():
    curves = {"one": ([1, 5, 10], [[0.2, 0.4], [0.8, 0.9], [0.95, 0.97]]), "two": ([1, 5, 10], [[0.1], [0.5], [0.9]])}
    whole, end = draw_learning(curves, "Title").axes
    drawn = {line.get_label(): line.get_ydata() for line in whole.lines if not line.get_label().startswith("_")}
    assert set(drawn) == {"one, 2 seeds", "two, 1 seeds"}
    assert drawn["one, 2 seeds"].tolist() == pytest.approx([30, 85, 96])
    low, high = end.get_ylim()
    assert low < 90 < 97 < high  # the last half with its extremes, of both networks


def test_the_matrix_writes_what_is_there_and_leaves_out_what_is_not():
    (axis,) = draw_confusion([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0004, 0.9996]], ("a", "b", "c"), "T").axes
    written = {text.get_position(): text.get_text() for text in axis.texts}
    assert written == {(0, 0): "100", (0, 1): "25.0", (1, 1): "75.0", (2, 2): "100"}
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["a", "b", "c"]
    assert axis.images[0].get_array()[1, 0] ** 2 == pytest.approx(25)


def test_lines_of_populations_have_bars_names_and_plain_ticks():
    points = {0.01: Population((0.9, 0.8)), 0.001: Population((0.95, 0.97))}
    panel = Panel("T", "spread (%)", 100, {"twin": points, "moved": points}, {"guessing": 0.1}, ("mark", 0.005))
    (axis,) = draw_populations([panel], (0, 102), log=True).axes
    assert [container.get_label() for container in axis.containers] == ["twin", "moved"]
    assert axis.containers[0].lines[0].get_ydata().tolist() == pytest.approx([96, 85])
    assert [text.get_text() for text in axis.get_xticklabels()] == ["0.1", "1"]
    drawn = {line.get_label(): line for line in axis.lines}
    assert drawn["guessing"].get_ydata() == pytest.approx([10, 10])
    assert drawn["mark"].get_xdata() == pytest.approx([0.5, 0.5])
    many = replace(panel, lines={f"way {number}": points for number in range(7)})
    (axis,) = draw_populations([many], (0, 102), extremes=True).axes
    assert [container.get_label() for container in axis.containers] == [*many.lines]
    low, high = axis.containers[0].lines[2][0].get_segments()[1][:, 1]
    assert (low, high) == pytest.approx((80, 90))
