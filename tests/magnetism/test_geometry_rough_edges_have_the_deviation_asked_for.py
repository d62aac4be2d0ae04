"""Edge roughness: deviation and correlation of the displacement of a straight edge, within sampling error."""

import math

import pytest
import torch

from spinloom.errors import InputError
from spinloom.magnetism import Mesh
from spinloom.magnetism.scene import disk, rectangle, rough_edge, track

NM = 1e-9
MESH = Mesh((1024, 100, 1), (1 * NM, 1 * NM, 1 * NM))
MEMBERS = 8


def edges(amplitude: float, correlation: float, mesh: Mesh = MESH) -> torch.Tensor:
    """Displacement in m of both edges of tracks, (2 * MEMBERS, nx)."""
    straight = track(mesh, 50 * NM)
    rough = rough_edge(straight.expand(MEMBERS, *mesh.shape), mesh, amplitude * NM, correlation * NM, seed=3)
    half = mesh.cells[1] // 2
    moved = rough[:, 0].to(torch.float64) - straight[0].to(torch.float64)
    return torch.cat([moved[:, half:].sum(1), moved[:, :half].sum(1)]) * mesh.lengths[1]


@pytest.mark.parametrize("amplitude", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("correlation", [10.0, 30.0])
def test_the_edge_moves_by_the_deviation_asked_for(amplitude, correlation):
    moved = edges(amplitude, correlation)
    independent = moved.numel() / (correlation * math.sqrt(math.pi / 2))  # the integral of C(r)^2 is one sample
    rounding = 1 / 12  # variance of an edge that falls on cells of 1 nm
    expected = math.sqrt(amplitude**2 + rounding)
    assert float(moved.std()) / NM == pytest.approx(expected, rel=4 / math.sqrt(2 * independent))
    few = moved.numel() / (correlation * math.sqrt(math.pi))  # the integral of C(r): samples of the mean
    assert abs(float(moved.mean())) / NM < 4 * expected / math.sqrt(few)


def test_the_edge_is_correlated_over_the_length_asked_for():
    moved = edges(4.0, 20.0)
    variance = float(moved.square().mean())
    for lag in (10, 20, 40):
        seen = float((moved[:, lag:] * moved[:, :-lag]).mean()) / variance
        assert seen == pytest.approx(math.exp(-((lag / 20) ** 2)), abs=4 / math.sqrt(moved.numel() / 25))


def test_oblong_cells_give_the_same_roughness():
    mesh = Mesh((512, 200, 1), (2 * NM, 0.5 * NM, 1 * NM))
    assert float(edges(3.0, 20.0, mesh).std()) / NM == pytest.approx(3.0, rel=0.12)


def test_a_rough_disk_keeps_its_area_on_average():
    mesh = Mesh((64, 64, 1), (2 * NM, 2 * NM, 1 * NM))
    smooth = disk(mesh, 100 * NM)
    rough = rough_edge(smooth.expand(64, *mesh.shape), mesh, 3 * NM, 15 * NM, seed=1)
    cells = rough.sum((-3, -2, -1)).to(torch.float64)
    curvature = 1 + (3 / 50) ** 2  # the area of a circle whose radius has this deviation
    assert float(cells.mean() / smooth.sum()) == pytest.approx(
        curvature, abs=4 * float(cells.std() / smooth.sum()) / 8 + 0.005
    )
    assert not torch.equal(rough[0], rough[1])


@pytest.mark.parametrize("n", [1, 2, 5, 16, 33])
def test_zero_amplitude_returns_the_same_mask(n):
    mesh = Mesh((n, n + 1, 2), (1 * NM, 1.5 * NM, 1 * NM))
    for mask in (rectangle(mesh, (n / 2 + 0.6) * NM, 1.6 * n * NM), disk(mesh, (n + 1) * NM)):
        assert torch.equal(rough_edge(mask, mesh, 0.0, 10 * NM, seed=0), mask)


def test_layers_are_displaced_alike_and_seeds_repeat():
    mesh = Mesh((64, 64, 3), (1 * NM, 1 * NM, 1 * NM))
    first = rough_edge(disk(mesh, 40 * NM), mesh, 2 * NM, 10 * NM, seed=5)
    assert torch.equal(first[0], first[2])
    assert torch.equal(first, rough_edge(disk(mesh, 40 * NM), mesh, 2 * NM, 10 * NM, seed=5))
    assert not torch.equal(first, rough_edge(disk(mesh, 40 * NM), mesh, 2 * NM, 10 * NM, seed=6))


def test_amplitudes_and_cells_may_differ_between_members():
    mask = disk(Mesh((64, 64, 1), (1 * NM, 1 * NM, 1 * NM)), 40 * NM)
    cell = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64) * NM
    mesh = Mesh((64, 64, 1), (cell, cell, 1 * NM))
    rough = rough_edge(mask, mesh, torch.tensor([2.0, 2.0, 0.0]) * NM, 10 * NM, seed=5)
    assert rough.shape == (3, 1, 64, 64)
    assert not torch.equal(rough[0], mask)
    assert torch.equal(rough[2], mask)


def test_what_cannot_be_roughened_is_refused():
    mesh = Mesh((16, 16, 1), (2 * NM, 2 * NM, 1 * NM))
    mask = disk(mesh, 20 * NM)
    with pytest.raises(InputError, match="correlation must be at least one cell, got 1 nm; the cell is 2 x 2 x 1 nm"):
        rough_edge(mask, mesh, 1 * NM, 1 * NM, seed=0)
    with pytest.raises(InputError, match="amplitude must be finite and >= 0"):
        rough_edge(mask, mesh, -1 * NM, 10 * NM, seed=0)
    with pytest.raises(InputError, match="fills the whole grid"):
        rough_edge(torch.ones(16, 16, dtype=torch.bool), mesh, 1 * NM, 10 * NM, seed=0)
    with pytest.raises(InputError, match=r"empty mask in member .* amplitude 1000 nm"):  # some of eight shrink
        rough_edge(mask.expand(8, 1, 16, 16), mesh, 1000 * NM, 1000 * NM, seed=0)
