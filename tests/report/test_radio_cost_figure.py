"""The figure and the table of what a radio-frequency network takes."""

import pytest
import torch

from spinloom.evaluation import radio_cost
from spinloom.nn.radio import multilayer
from spinloom.report import draw_radio_cost, radio_cost_table


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
