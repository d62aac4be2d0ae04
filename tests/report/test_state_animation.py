"""Animations of states: which records, how long, in which colours, and what is refused."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spinloom.errors import InputError, OutputError
from spinloom.magnetism import Mesh
from spinloom.report.state_animation import animate_states

FILM = Mesh((4, 2, 1), (5e-9, 5e-9, 1e-9))


def turning(records: int) -> torch.Tensor:
    """A film that turns from +x over +y to -x."""
    angles = torch.linspace(0, math.pi, records, dtype=torch.float64)
    m = torch.stack((angles.cos(), angles.sin(), 0 * angles), dim=1)
    return m[..., None, None, None].repeat(1, 1, *FILM.shape)


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_an_animation_plays_every_record_at_its_pace(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"m.{ending}"
    animate_states(turning(3), [0, 1e-9, 4e-9], FILM, path, duration=0.7, title="Turning")
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
    animate_states(turning(53), time, FILM, tmp_path / "m.png", most_frames=4)
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
        animate_states(turning(2), [0.0, 1e-9], FILM, tmp_path / "file" / "m.gif")
