"""The Oersted field against Ampere's law and against direct integration of Biot and Savart."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.magnetism import Mesh, pillar_field
from spinloom.magnetism.scene import disk

NM = 1e-9
MESH = Mesh((128, 128, 1), (1 * NM, 1 * NM, 2 * NM))
PILLAR = disk(MESH, 80 * NM)
FIELD = pillar_field(MESH, PILLAR)


def polar() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distance, and field along the azimuth and along the radius, (1, ny, nx)."""
    x, y, _ = MESH.coordinates()
    r = (x * x + y * y).sqrt()
    return r, (x * FIELD[1] - y * FIELD[0]) / r, (x * FIELD[0] + y * FIELD[1]) / r


def test_a_disk_has_r_over_2_inside_and_falls_as_1_over_r_outside():
    radius = math.sqrt(float(PILLAR.sum()) / math.pi) * NM  # of the disk with the current of the staircase
    r, azimuthal, radial = polar()
    expected = torch.where(r < radius, r / 2, radius**2 / (2 * r))
    away = (r - radius).abs() > 5 * NM
    assert float(((azimuthal - expected).abs() / (radius / 2))[away].max()) < 2e-3
    assert float(((azimuthal - expected).abs() / (radius / 2)).max()) < 2e-2
    assert float((radial.abs() / (radius / 2))[away].max()) < 2e-3


def test_the_field_turns_right_handed_about_the_current():
    _, azimuthal, _ = polar()
    assert bool((azimuthal > 0).all())
    assert float(FIELD[1, 0, 64, 100]) > 0  # at +x it points to +y
    assert bool((FIELD[2] == 0).all())


def test_the_curl_is_the_current_and_the_divergence_is_zero():
    hx, hy, _ = FIELD[:, 0] / NM
    dx_hy, dy_hx = (hy[1:-1, 2:] - hy[1:-1, :-2]) / 2, (hx[2:, 1:-1] - hx[:-2, 1:-1]) / 2
    dx_hx, dy_hy = (hx[1:-1, 2:] - hx[1:-1, :-2]) / 2, (hy[2:, 1:-1] - hy[:-2, 1:-1]) / 2
    r = polar()[0][0, 1:-1, 1:-1] / NM
    curl, inside, outside = dx_hy - dy_hx, r < 36, r > 44
    assert float((curl[inside] - 1).abs().max()) < 5e-3
    assert float(curl[outside].abs().max()) < 5e-3
    assert float((dx_hx + dy_hy)[inside | outside].abs().max()) < 5e-3


def test_amperes_law_holds_exactly_around_any_loop_of_whole_cells():
    """The line integral around a rectangle, by Simpson on a fine grid far from the current."""
    mesh = Mesh((81, 61, 1), (1 * NM, 1 * NM, 1 * NM))
    mask = torch.zeros(61, 81, dtype=torch.bool)
    mask[28:33, 38:47] = True
    hx, hy, _ = pillar_field(mesh, mask)[:, 0] / NM

    def simpson(values: torch.Tensor) -> float:
        return float(values[0] + 4 * values[1::2].sum() + 2 * values[2:-1:2].sum() + values[-1]) / 3

    loop = simpson(hx[0]) + simpson(hy[:, -1]) - simpson(hx[-1]) - simpson(hy[:, 0])
    assert loop == pytest.approx(45, rel=1e-6)


def test_one_bar_is_the_integral_of_biot_and_savart():
    mesh = Mesh((5, 5, 1), (2 * NM, 3 * NM, 1 * NM))
    mask = torch.zeros(5, 5, dtype=torch.bool)
    mask[2, 2] = True
    field = pillar_field(mesh, mask)[:, 0]
    n = 400
    points = (torch.arange(n, dtype=torch.float64) + 0.5) / n - 0.5
    for iy, ix in ((2, 3), (3, 3), (0, 4), (3, 2)):
        x, y = (ix - 2 - points) * 2 * NM, (iy - 2 - points[:, None]) * 3 * NM
        weight = 6 * NM**2 / n**2 / (2 * math.pi * (x * x + y * y))
        assert float(field[0, iy, ix]) == pytest.approx(float((-y * weight).sum()), rel=1e-4, abs=1e-18)
        assert float(field[1, iy, ix]) == pytest.approx(float((x * weight).sum()), rel=1e-4, abs=1e-18)
    assert field[:, 2, 2].tolist() == pytest.approx([0, 0, 0], abs=1e-20)


def test_the_field_grows_with_the_size_of_the_pillar():
    double = Mesh((128, 128, 1), (2 * NM, 2 * NM, 2 * NM))
    assert torch.allclose(pillar_field(double, PILLAR), 2 * FIELD, rtol=1e-9, atol=1e-18)


@settings(deadline=None)
@given(bits=st.lists(st.booleans(), min_size=42, max_size=42))
def test_currents_add_up(bits):
    mesh = Mesh((7, 6, 1), (2 * NM, 1 * NM, 1 * NM))
    part = torch.tensor(bits).reshape(6, 7)
    part[0, 0], part[0, 1] = True, False
    total = pillar_field(mesh, part) + pillar_field(mesh, ~part)
    assert torch.allclose(total, pillar_field(mesh), atol=1e-20)
    turned = pillar_field(mesh, part.flip((0, 1)))
    assert torch.allclose(turned[:2], -pillar_field(mesh, part)[:2].flip((-2, -1)), atol=1e-20)


def test_only_the_first_layer_counts_and_all_layers_see_the_field():
    mesh = Mesh((8, 8, 3), (1 * NM, 1 * NM, 1 * NM))
    mask = disk(mesh, 6 * NM)
    mask[1:] = False
    field = pillar_field(mesh, mask)
    assert field.shape == (3, 3, 8, 8)
    assert torch.equal(field[:, 0], field[:, 2])
    assert torch.equal(field, pillar_field(mesh, disk(mesh, 6 * NM)))


def test_masks_and_cells_may_differ_between_members():
    d = torch.tensor([4.0, 8.0], dtype=torch.float64) * NM
    mesh = Mesh((10, 9, 1), (1 * NM, 1 * NM, 1 * NM))
    field = pillar_field(mesh, disk(mesh, d))
    assert field.shape == (3, 2, 1, 9, 10)
    assert torch.allclose(field[:, 1], pillar_field(mesh, disk(mesh, 8 * NM)))
    scaled = Mesh((10, 9, 1), (d / 8, d / 8, 1 * NM))
    field = pillar_field(scaled)
    assert torch.allclose(field[:, 0] * 2, field[:, 1])
    assert torch.allclose(field[:, 1], pillar_field(mesh))


@pytest.mark.parametrize("cells", [(1, 1, 1), (1, 5, 2), (6, 1, 1)])
def test_grids_of_one_row_or_cell_work(cells):
    field = pillar_field(Mesh(cells, (1 * NM, 1 * NM, 1 * NM)))
    assert bool(field.isfinite().all())
    assert float(field.sum((1, 2, 3)).abs().max()) < 1e-20  # the field of a symmetric pillar has no mean


def test_bad_masks_are_refused():
    with pytest.raises(InputError, match="a mask must have shape"):
        pillar_field(MESH, torch.ones(64, 64, dtype=torch.bool))
    with pytest.raises(InputError, match="a mask must be a bool tensor"):
        pillar_field(MESH, torch.ones(128, 128))
    with pytest.raises(InputError, match="empty mask"):
        pillar_field(MESH, ~torch.ones(128, 128, dtype=torch.bool))
