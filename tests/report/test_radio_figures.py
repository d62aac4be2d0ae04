"""The figures and the table of radio-frequency networks."""

import pytest
import torch

from spinloom.errors import InputError
from spinloom.evaluation import radio_cost
from spinloom.nn.radio import multilayer
from spinloom.report import draw_input_frequencies, draw_radio_cost, draw_resonators, radio_cost_table
from spinloom.report.radio_figures import nearest_inputs


@pytest.fixture
def drone():
    """The published network, 256-128-10."""
    return radio_cost(multilayer((256, 128, 10)), torch.rand(4, 256, generator=torch.Generator().manual_seed(0)))


def test_the_figure_draws_what_the_table_says(drone):
    energy, power = draw_radio_cost(drone, (20e-9, 40e-9)).axes
    total = next(line for line in energy.lines if line.get_label() == "all junctions")
    assert list(total.get_ydata()) == pytest.approx([drone.energy, 4 * drone.energy])
    widths = [bar.get_width() for bar in power.patches]
    assert widths == pytest.approx(
        [drone.digital_energy / drone.latency, drone.wave_power, drone.direct_power, drone.power]
    )
    rows = dict(radio_cost_table(drone).rows)
    assert rows["resonators"] == 34_048
    assert rows["energy of all junctions of 20 nm"] == "353 pJ"


def test_a_network_without_oscillators_is_drawn_without_them():
    cost = radio_cost(multilayer((4, 2)), torch.ones(1, 4))
    energy, power = draw_radio_cost(cost).axes
    assert "oscillators" not in [line.get_label() for line in energy.lines]
    assert len(power.patches) == 3


INPUTS = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]) * 1e6


def test_the_nearest_input_is_nearest_in_ratio():
    resonances = torch.tensor([[1e6, 2.9e6, 2.7e6, 100e6]])
    assert nearest_inputs(INPUTS, resonances).tolist() == [[0, 2, 1, 5]]


def test_a_panel_for_every_chain_and_points_at_its_pixels():
    resonances = INPUTS[[0, 5, 3]].expand(7, 3)
    figure = draw_resonators(INPUTS, resonances, [torch.rand(2, 3)] * 7)
    panels = [axis for axis in figure.axes if axis.images]
    assert len(panels) == 7
    positive, negative = (points.get_offsets().tolist() for points in panels[2].collections[:2])
    assert positive == [[0, 0], [0, 1]]
    assert negative == [[2, 1]]


def test_frequencies_are_drawn_over_the_image():
    figure = draw_input_frequencies(INPUTS, INPUTS.view(2, 3), (2, 3), (1e6, 32e6))
    assert figure.axes[0].images[0].get_array().shape == (2, 3)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(InputError, match="3 chains need 3 images of 6 pixels"):
        draw_resonators(INPUTS, INPUTS.expand(3, 6), [torch.rand(2, 3)] * 2)
