"""Pictures and animations of states: colours of known directions, what is where and when, and what is refused."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from PIL import Image

from spinloom.errors import InputError, OutputError
from spinloom.magnetism import Mesh
from spinloom.report import animate_states, draw_state, save
from spinloom.report.states import OUTSIDE, hue

FILM = Mesh((4, 2, 1), (5e-9, 5e-9, 1e-9))
RED, WHITE, BLACK, CYAN = (1.0, 0, 0), (1.0, 1, 1), (0.0, 0, 0), (0.0, 1, 1)


def uniform(mesh: Mesh, direction: tuple[float, float, float]) -> torch.Tensor:
    m = torch.tensor(direction, dtype=torch.float64)
    return (m / m.norm())[:, None, None, None].repeat(1, *mesh.shape)


@pytest.mark.parametrize(
    ("direction", "colour"),
    [
        ((1, 0, 0), RED),
        ((0, 1, 0), (0.5, 1, 0)),  # yellow-green
        ((-1, 0, 0), CYAN),
        ((0, -1, 0), (0.5, 0, 1)),
        ((0.5, math.sqrt(3) / 2, 0), (1, 1, 0)),
        ((-0.5, -math.sqrt(3) / 2, 0), (0, 0, 1)),
        ((0, 0, 1), WHITE),
        ((0, 0, -1), BLACK),
        ((0.8, 0, 0.6), (1, 0.6, 0.6)),
        ((0.8, 0, -0.6), (0.4, 0, 0)),
        ((0, 0, 0), (217 / 255,) * 3),
    ],
)
def test_known_directions_have_the_colours_of_the_field(direction, colour) -> None:
    m = torch.tensor(direction, dtype=torch.float64)[:, None, None].repeat(1, 2, 3)
    assert hue(m).shape == (2, 3, 3)
    torch.testing.assert_close(hue(m)[1, 2], torch.tensor(colour, dtype=torch.float64))


@given(st.floats(0, math.pi), st.floats(-math.pi, math.pi))
def test_lightness_tells_m_z_and_hue_the_angle(polar: float, azimuth: float) -> None:
    direction = (math.sin(polar) * math.cos(azimuth), math.sin(polar) * math.sin(azimuth), math.cos(polar))
    rgb = hue(torch.tensor(direction, dtype=torch.float64))
    assert 0 <= float(rgb.min()) <= float(rgb.max()) <= 1
    assert float(rgb.max() + rgb.min()) == pytest.approx(1 + math.cos(polar), abs=1e-12)
    if 0.01 < polar < math.pi - 0.01:  # the hexagon of a colour holds its angle within a few degrees
        red, green, blue = rgb.tolist()
        angle = math.atan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)
        assert abs(math.remainder(angle - azimuth, 2 * math.pi)) < 0.03


def pixels(figure: Figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]


def colour_at(figure: Figure, x: float, y: float) -> tuple[float, ...]:
    """Colour of the map at a place in nm."""
    image = pixels(figure)
    column, row = figure.axes[0].transData.transform((x, y))
    return tuple(image[len(image) - 1 - int(row), int(column)] / 255)


def test_each_cell_is_drawn_at_its_place_and_what_is_empty_in_grey() -> None:
    m = torch.zeros(3, *FILM.shape)
    m[0, 0, 0, 0] = 1  # +x, lower left
    m[2, 0, 0, 3] = -1  # -z, lower right
    m[0, 0, 1, 0] = -1  # -x, upper left
    figure = draw_state(m, FILM, arrows=False)
    assert colour_at(figure, -7.5, -2.5) == pytest.approx(RED)
    assert colour_at(figure, 7.5, -2.5) == pytest.approx(BLACK)
    assert colour_at(figure, -7.5, 2.5) == pytest.approx(CYAN)
    assert colour_at(figure, 7.5, 2.5) == pytest.approx((int(OUTSIDE[1:3], 16) / 255,) * 3)


@pytest.mark.parametrize("cells", [(4, 2, 1), (3, 40, 1), (200, 2, 1), (1, 1, 1)])
@pytest.mark.parametrize("component", [None, "z"])
def test_lengths_in_x_and_y_have_one_scale_and_nothing_leaves_the_sheet(cells, component) -> None:
    mesh = Mesh(cells, (5e-9, 4e-9, 1e-9))
    figure = draw_state(uniform(mesh, (1, 2, 2)), mesh, component=component, title="A state")
    pixels(figure)
    box, whole = figure.axes[0].get_window_extent(), figure.bbox
    assert box.width / box.height == pytest.approx(5 * cells[0] / (4 * cells[1]), rel=1e-6)
    assert figure.axes[0].get_xlim() == pytest.approx((-2.5 * cells[0], 2.5 * cells[0]))
    for axis in figure.axes:
        drawn = axis.get_tightbbox()
        assert drawn.x0 >= 0
        assert drawn.y0 >= 0
        assert drawn.x1 <= whole.width
        assert drawn.y1 <= whole.height


def test_a_component_is_a_map_from_minus_1_to_1_with_empty_cells_left_out() -> None:
    m = torch.zeros(3, *FILM.shape, dtype=torch.float64)
    m[1, 0, :, 1:] = torch.tensor([[0.6, -0.6, 1], [0, -1, 0.8]])
    m[2, 0, :, 1:] = torch.tensor([[0.8, 0.8, 0], [-1, 0, 0.6]])
    image = draw_state(m, FILM, component="y").axes[0].images[0]
    np.testing.assert_array_equal(image.get_array().mask, [[True, False, False, False]] * 2)
    np.testing.assert_allclose(image.get_array()[:, 1:], m[1, 0, :, 1:])
    assert image.get_clim() == (-1, 1)


def test_a_layer_and_a_geometry_are_chosen() -> None:
    mesh = Mesh((3, 1, 2), (5e-9, 5e-9, 1e-9))
    m = uniform(mesh, (1, 0, 0))
    m[:, 1] = -m[:, 1]
    geometry = torch.tensor([True, True, False]).expand(2, 1, 3)
    shown = draw_state(m, mesh, layer=1, geometry=geometry).axes[0].images[0].get_array()
    grey = (int(OUTSIDE[1:3], 16) / 255,) * 3
    np.testing.assert_allclose(shown[0], [CYAN, CYAN, grey], atol=1e-12)
    flat = draw_state(m, mesh, component="x", geometry=geometry[0]).axes[0].images[0].get_array()
    np.testing.assert_array_equal(flat.mask, [[False, False, True]])


def arrows_of(figure: Figure) -> Quiver | None:
    return next((item for item in figure.axes[0].collections if isinstance(item, Quiver)), None)


def test_arrows_show_the_in_plane_part_where_there_is_one() -> None:
    m = uniform(FILM, (0, 0, 1))
    m[:, 0, 1, 2] = torch.tensor([0.6, -0.8, 0])
    arrows = arrows_of(draw_state(m, FILM))
    assert arrows is not None
    np.testing.assert_allclose(arrows.get_offsets(), [[2.5, 2.5]])
    np.testing.assert_allclose((arrows.U, arrows.V), ([0.6], [-0.8]))
    assert (arrows.pivot, arrows.angles) == ("middle", "xy")
    assert arrows_of(draw_state(m, FILM, arrows=False)) is None


@pytest.mark.parametrize(("cells", "most"), [((300, 300, 1), 22**2), ((600, 12, 1), 60), ((7, 600, 1), 60)])
def test_a_fine_mesh_shows_few_arrows_evenly(cells, most: int) -> None:
    mesh = Mesh(cells, (2e-9, 2e-9, 1e-9))
    arrows = arrows_of(draw_state(uniform(mesh, (1, 1, 0)), mesh))
    assert arrows is not None
    assert most / 2 < len(arrows.get_offsets()) <= most
    np.testing.assert_allclose(arrows.get_offsets().mean(axis=0), 0, atol=2)


def test_a_picture_is_saved_as_others_are(tmp_path: Path) -> None:
    save(tmp_path / "m.png", draw_state(uniform(FILM, (1, 0, 0)).requires_grad_().float(), FILM))
    assert Image.open(tmp_path / "m.png").size[0] > 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"m": uniform(FILM, (1, 0, 0))[:, 0]}, r"shape \(3, 1, 2, 4\), got \(3, 2, 4\)"),
        ({"m": uniform(FILM, (1, 0, 0)) * 8e5}, r"\|m\| must be 1, or 0 outside"),
        ({"m": uniform(FILM, (1, 0, 0)) * math.nan}, r"\|m\| must be 1"),
        ({"layer": 1}, "layer must be from 0 to 0, got 1"),
        ({"component": "w"}, "unknown component 'w'"),
        ({"geometry": torch.ones(1, 2, 5, dtype=torch.bool)}, "mask must have shape"),
        ({"geometry": torch.ones(2, 1, 2, 4, dtype=torch.bool)}, "must be one mask"),
        ({"m": torch.zeros(3, 1, 2, 4), "geometry": torch.ones(2, 4, dtype=torch.bool)}, "state not 0 inside"),
        ({"mesh": Mesh((4, 2, 1), (torch.tensor([5e-9, 6e-9]), 5e-9, 1e-9))}, "batch of cell sizes"),
    ],
)
def test_what_cannot_be_drawn_is_named(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw_state(**{"m": uniform(FILM, (1, 0, 0)), "mesh": FILM, **change})


FILM = Mesh((4, 2, 1), (5e-9, 5e-9, 1e-9))


def turning(records: int) -> torch.Tensor:
    """A film that turns from +x over +y to -x."""
    angles = torch.linspace(0, math.pi, records, dtype=torch.float64)
    m = torch.stack((angles.cos(), angles.sin(), 0 * angles), dim=1)
    return m[..., None, None, None].repeat(1, 1, *FILM.shape)


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_an_animation_plays_every_record_at_its_pace(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"m.{ending}"
    animate_states(path, turning(3), [0, 1e-9, 4e-9], FILM, duration=0.7, title="Turning")
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.info["loop"] == 0
        shown, colours = [], []
        for frame in range(3):
            film.seek(frame)
            shown.append(film.info["duration"])
            image = np.asarray(film.convert("RGB"))
            colours.append(image[image.shape[0] // 2 - 30, 100])
    assert shown == pytest.approx([100, 300, 1300], abs=1)
    np.testing.assert_allclose(colours, [[255, 0, 0], [128, 255, 0], [0, 255, 255]], atol=8)  # 256 colours
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_of_many_records_those_at_even_times_are_shown(tmp_path: Path) -> None:
    time = torch.cat((torch.linspace(0, 1e-12, 50), torch.tensor([1e-9, 2e-9, 3e-9])))
    animate_states(tmp_path / "m.png", turning(53), time, FILM, most_frames=4)
    with Image.open(tmp_path / "m.png") as film:
        assert film.n_frames == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "m.mp4"}, r"ends in .png or .gif, got m.mp4"),
        ({"time": [0.0, 1e-9]}, r"one time each, got \(3, 3, 1, 2, 4\) and \(2,\) times"),
        ({"time": [0.0, 2e-9, 1e-9]}, "time must increase"),
        ({"time": [0.0, math.nan, 1e-9]}, "time must be finite"),
        ({"states": turning(3)[:0], "time": []}, "records >= 1"),
        ({"states": turning(3)[0]}, "records >= 1, 3, nz, ny, nx"),
        ({"duration": 0.0}, "duration must be finite and > 0"),
        ({"most_frames": 1}, "most_frames must be >= 2"),
        ({"component": "w"}, "unknown component"),
        ({"states": turning(3) * torch.tensor([1, 1, 2])[:, None, None, None, None]}, r"record 2: \|m\| must be 1"),
    ],
)
def test_what_cannot_be_animated_is_named_and_leaves_no_file(tmp_path: Path, change: dict, message: str) -> None:
    given = {"states": turning(3), "time": [0.0, 1e-9, 2e-9], "mesh": FILM, "path": "m.gif", **change}
    with pytest.raises(InputError, match=message):
        animate_states(**{**given, "path": tmp_path / given["path"]})
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*m\.gif"):
        animate_states(tmp_path / "file" / "m.gif", turning(2), [0.0, 1e-9], FILM)
