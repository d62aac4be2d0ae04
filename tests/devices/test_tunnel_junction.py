import math

import pytest
import torch

from spinloom.devices import TunnelJunction
from spinloom.errors import InputError

COSINE = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)


def test_conductance_is_that_of_the_two_states_and_their_mean_between():
    junction = TunnelJunction(2e-12, 1.5)
    torch.testing.assert_close(junction.conductance(COSINE), torch.tensor([0.2, 0.35, 0.5], dtype=torch.float64) * 1e12)


def test_contrast_is_the_square_of_the_polarization_of_julliere():
    p = 0.6
    assert TunnelJunction(1e-12, 2 * p**2 / (1 - p**2)).contrast == pytest.approx(p**2)


def test_reading_the_conductance_is_exact_and_the_resistance_only_at_both_ends():
    junction = TunnelJunction(1e-12, 1.0)
    torch.testing.assert_close(junction.read(COSINE, "conductance"), COSINE)
    torch.testing.assert_close(junction.read(COSINE, "resistance"), torch.tensor([-1, 1 / 3, 1]).double())
    fine = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    largest = float((junction.read(fine, "resistance") - fine).abs().max())
    assert largest == pytest.approx(6 - 4 * math.sqrt(2), abs=1e-6)  # 0.34


@pytest.mark.parametrize(
    ("values", "message"),
    [((0.0, 1.0), "resistance_area must be finite and > 0, got 0 ohm m.2"), ((1e-12, -0.5), "tmr must be finite")],
)
def test_impossible_junctions_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        TunnelJunction(*values)


def test_an_unknown_readout_is_refused():
    with pytest.raises(InputError, match="got 'power'"):
        TunnelJunction().read(COSINE, "power")
