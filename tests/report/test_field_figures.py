"""Receptive fields as pictures."""

import pytest
import torch

from spinloom import report
from spinloom.errors import InputError


def test_every_output_is_drawn_with_its_class_in_the_order_of_classes():
    weights = torch.rand(12, 5, generator=torch.Generator().manual_seed(1))
    figure = report.draw_fields(weights, torch.tensor([3, -1, 0, 3, 2]), (4, 3))
    axes = figure.axes
    assert [axis.get_title() for axis in axes] == ["none", "0", "2", "3", "3"]
    shown = torch.tensor(axes[1].images[0].get_array().data)
    torch.testing.assert_close(shown, weights[:, 2].reshape(4, 3))
    many = report.draw_fields(torch.rand(12, 300), torch.arange(300) % 10, (4, 3), most=40)
    titles = [axis.get_title() for axis in many.axes if axis.images]
    assert len(titles) == 40
    assert set(titles) == set("0123456789")


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="4 x 4"):
        report.draw_fields(torch.rand(12, 5), torch.zeros(5), (4, 4))
