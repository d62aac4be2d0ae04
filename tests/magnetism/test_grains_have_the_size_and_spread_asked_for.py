"""Voronoi grains: number, size and properties, within sampling error at a fixed seed."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.magnetism import Mesh
from spinloom.magnetism.scene import per_grain, tilted_axes, voronoi_grains

NM = 1e-9
MESH = Mesh((300, 200, 2), (2 * NM, 3 * NM, 1 * NM))
LABELS = voronoi_grains(MESH, 25 * NM, seed=1)
GRAINS = int(LABELS.max()) + 1
MANY = torch.arange(20_000).reshape(2, 100, 100)  # every cell its own grain


def test_number_and_mean_area_are_those_of_the_diameter():
    assert LABELS.dtype == torch.int64
    assert LABELS.shape == MESH.shape
    assert int(LABELS.max()) + 1 == round(600 * 600 / (math.pi / 4 * 25**2))
    sizes = torch.bincount(LABELS[0].flatten()).to(torch.float64) * 6
    assert float(sizes.mean()) == pytest.approx(math.pi / 4 * 25**2, rel=1e-3)


def test_areas_scatter_like_poisson_voronoi_cells():
    """Relative deviation 0.529 of the area: E. N. Gilbert, Ann. Math. Stat. 33, 958 (1962)."""
    inner = LABELS[0].clone()
    border = torch.cat([inner[0], inner[-1], inner[:, 0], inner[:, -1]]).unique()
    sizes = torch.bincount(inner.flatten()).to(torch.float64)
    whole = sizes[~torch.isin(torch.arange(GRAINS), border)]
    assert float(whole.std() / whole.mean()) == pytest.approx(0.529, abs=4 * 0.529 / math.sqrt(2 * len(whole)))


def test_grains_are_columns_and_repeat_with_their_seed():
    assert torch.equal(LABELS[0], LABELS[1])
    assert torch.equal(LABELS, voronoi_grains(MESH, 25 * NM, seed=1))
    assert not torch.equal(LABELS, voronoi_grains(MESH, 25 * NM, seed=2))


@settings(deadline=None)
@given(size=st.floats(2, 200), seed=st.integers(0, 2**31), nx=st.integers(1, 30), ny=st.integers(1, 30))
def test_labels_count_up_without_gaps(size, seed, nx, ny):
    labels = voronoi_grains(Mesh((nx, ny, 1), (2 * NM, 2 * NM, 1 * NM)), size * NM, seed)
    assert torch.equal(labels.unique(), torch.arange(int(labels.max()) + 1))


def test_a_film_smaller_than_a_grain_is_one_grain():
    assert int(voronoi_grains(MESH, 1e-5, seed=1).max()) == 0


@pytest.mark.parametrize("deviation", [0.05, 0.3])
@pytest.mark.parametrize("mean", [8e5, -1e-3])
def test_a_property_has_its_mean_and_deviation(mean, deviation):
    values = per_grain(MANY, mean, deviation, seed=4) / mean
    n = values.numel()
    assert float(values.min()) > 0
    assert float(values.mean()) == pytest.approx(1, abs=4 * deviation / math.sqrt(n))
    kurtosis = (1 + deviation**2) ** 4 + 2 * (1 + deviation**2) ** 3 + 3 * (1 + deviation**2) ** 2 - 3  # log-normal
    assert float(values.std()) == pytest.approx(deviation, rel=4 * math.sqrt((kurtosis - 1) / (4 * n)))


def test_a_property_is_one_value_in_every_grain():
    values = per_grain(LABELS, 8e5, 0.1, seed=4)
    assert values.shape == LABELS.shape
    assert values.dtype == torch.float64
    assert len(values.unique()) == GRAINS
    assert len(values[LABELS == 7].unique()) == 1
    assert torch.equal(per_grain(LABELS, 8e5, 0.0, seed=4), torch.full(LABELS.shape, 8e5, dtype=torch.float64))


def test_axes_tilt_by_the_deviation_towards_x_and_y():
    x, y, z = tilted_axes(MANY, 0.05, seed=4)
    polar, azimuth = torch.atan2((x**2 + y**2).sqrt(), z), torch.atan2(y, x)
    n = x.numel()
    for tilt in (polar * azimuth.cos(), polar * azimuth.sin()):
        assert float(tilt.std()) == pytest.approx(0.05, rel=4 / math.sqrt(2 * n))
        assert abs(float(tilt.mean())) < 4 * 0.05 / math.sqrt(n)


@settings(deadline=None)
@given(deviation=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_axes_have_unit_length_and_are_one_per_grain(deviation, seed):
    labels = torch.tensor([[[0, 1, 1], [2, 2, 0]]])
    x, y, z = tilted_axes(labels, deviation, seed)
    assert torch.allclose(x**2 + y**2 + z**2, torch.ones(1, 2, 3, dtype=torch.float64), atol=1e-14)
    assert float(x[0, 0, 1]) == float(x[0, 0, 2])
    if deviation == 0:
        assert bool((z == 1).all())


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="size must be finite and > 0"):
        voronoi_grains(MESH, -25 * NM, seed=0)
    with pytest.raises(InputError, match="grains of 2 nm are smaller than the cell of 2 x 3 x "):
        voronoi_grains(MESH, 2 * NM, seed=0)
    with pytest.raises(InputError, match="grains need one cell size"):
        voronoi_grains(Mesh((4, 4, 1), (torch.tensor([1.0, 2.0]) * NM, NM, NM)), 10 * NM, seed=0)
    with pytest.raises(InputError, match="relative_deviation must be finite and >= 0"):
        per_grain(LABELS, 1.0, -0.1, seed=0)
    with pytest.raises(InputError, match="mean must be finite"):
        per_grain(LABELS, math.nan, 0.1, seed=0)
    with pytest.raises(InputError, match="deviation must be finite and >= 0"):
        tilted_axes(LABELS, -0.1, seed=0)
    for labels in (LABELS.to(torch.float64), LABELS - 1, LABELS[:0]):
        with pytest.raises(InputError, match="labels must be whole numbers >= 0"):
            per_grain(labels, 1.0, 0.1, seed=0)
