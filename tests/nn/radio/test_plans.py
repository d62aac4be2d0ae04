import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.nn.radio import Band, plan


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 300), low=st.floats(1e6, 1e9), ratio=st.floats(1.01, 100))
def test_grids_fill_the_band_in_order(count, low, ratio):
    band = Band(low, low * ratio)
    linear, geometric = plan("linear", count, band), plan("geometric", count, band)
    for grid in (linear, geometric):
        band.check("frequencies", grid)
        assert grid.shape == (count,)
        assert bool((grid.diff() > 0).all())
    if count > 2:
        assert torch.allclose(linear.diff(), linear.diff().mean().expand(count - 1), rtol=1e-6)
        assert torch.allclose(geometric.log().diff(), geometric.log().diff().mean().expand(count - 1), rtol=1e-6)
        assert float(geometric[0]) == pytest.approx(low)
        assert float(linear[-1]) == pytest.approx(low * ratio)


def test_a_band_says_how_many_it_resolves():
    """The published grid of 256 inputs between 20 and 120 MHz at linewidth 0.01 passes; ten thousand do not."""
    plan("geometric", 256, Band(), 0.01)
    plan("linear", 256, Band(), 0.01)
    with pytest.raises(InputError, match="does not resolve 10000 frequencies"):
        plan("geometric", 10_000, Band(), 0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plan("linaer", 4, Band()), "did you mean 'linear'"),
        (lambda: plan("linear", 0, Band()), "at least one"),
        (lambda: Band(2e6, 1e6), "lower to a higher"),
        (lambda: Band(-1.0, 1e6), "low must be"),
        (lambda: Band().check("resonances", torch.tensor([3e7, 5e8])), "resonances must lie in the band.*5e\\+08"),
        (lambda: Band().check("resonances", torch.tensor([torch.nan])), "must lie in the band"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
