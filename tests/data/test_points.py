"""Points in a square, of classes that no line separates."""

import pytest
import torch

from spinloom.data import POINT_LAYOUTS, Points, draw_points
from spinloom.errors import InputError


def test_both_powers_low_or_high_is_one_class_and_one_high_the_other():
    points = draw_points("exclusive or", 500, 0)
    high = points.places >= 0.7
    assert bool((high | (points.places <= 0.3)).all())
    assert points.labels.tolist() == [int(a != b) for a, b in high.tolist()]


@pytest.mark.parametrize("layout", POINT_LAYOUTS)
def test_classes_are_balanced_and_no_line_separates_them(layout):
    points = draw_points(layout, 1_001, 3)
    assert (len(points.labels), int(points.labels.sum())) == (1_001, 500)
    assert 0 <= float(points.places.min()) < float(points.places.max()) <= 1
    assert 0.70 < points.best_line() < 0.80  # a line cuts off one of two parts of a class: 3/4
    again, other = draw_points(layout, 1_001, 3), draw_points(layout, 1_001, 4)
    assert torch.equal(points.places, again.places)
    assert not torch.equal(points.places, other.places)


def test_the_best_line_finds_a_line_where_there_is_one():
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    side = (0.8 * x[:, 0] - 0.3 * x[:, 1] - 0.2).sign()
    clear = (0.8 * x[:, 0] - 0.3 * x[:, 1] - 0.2).abs() > 0.02
    for sign in (1, -1):
        assert Points(x[clear], (sign * side[clear] > 0).long()).best_line() == 1.0
    corners = Points(torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), torch.tensor([0, 0, 1, 1]))
    assert corners.best_line() == 0.75


def test_points_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match="exclusive or"):
        draw_points("exclusive", 10, 0)
    with pytest.raises(InputError, match="2 points"):
        draw_points("exclusive or", 1, 0)
