"""Round trips through every version and form of data; what VectorField makes of m and of M."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError, OutputError
from spinloom.magnetism import Mesh, VectorField, read_ovf, write_ovf

COUNTS = st.integers(1, 4)
LENGTHS = st.floats(1e-10, 1e-6)
LETTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters='{}"') | st.just(" ")
WORDS = st.text(LETTERS, max_size=12).map(str.strip).filter(lambda text: "##" not in text and text.isprintable())


@st.composite
def fields(draw: st.DrawFn) -> tuple[torch.Tensor, Mesh]:
    mesh = Mesh((draw(COUNTS), draw(COUNTS), draw(COUNTS)), (draw(LENGTHS), draw(LENGTHS), draw(LENGTHS)))
    numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
    values = draw(st.lists(numbers, min_size=3 * mesh.count, max_size=3 * mesh.count))
    return torch.tensor(values, dtype=torch.float64).reshape(3, *mesh.shape), mesh


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("data", ["text", "binary 4", "binary 8"])
@settings(max_examples=30, deadline=None)
@given(field=fields(), title=WORDS, unit=WORDS.filter(lambda unit: unit not in ("1", "None")),
       labels=st.tuples(WORDS, WORDS, WORDS), time=st.none() | st.floats(0, 1e-3))  # fmt: skip
def test_a_field_comes_back_as_it_was_written(version, data, field, title, unit, labels, time) -> None:
    m, mesh = field
    with TemporaryDirectory() as folder:
        path = Path(folder) / "field.ovf"
        write_ovf(path, m, mesh, version=version, data=data, title=title, unit=unit, labels=labels, time=time)
        back = read_ovf(path)
        assert [file.name for file in Path(folder).iterdir()] == ["field.ovf"]
    assert back.values.dtype == (torch.float32 if data == "binary 4" else torch.float64)
    assert torch.equal(back.values.double(), m)
    assert back.mesh == mesh
    assert (back.title, back.unit, back.time) == (title, unit, time)
    assert back.labels == (("x", "y", "z") if version == 1 else labels)


@pytest.mark.parametrize("data", ["text", "binary 8"])
def test_all_digits_of_float64_survive(tmp_path: Path, data: str) -> None:
    mesh = Mesh((7, 5, 2), (1e-9, 2e-9, 3e-9))
    m = torch.randn(3, *mesh.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    write_ovf(tmp_path / "m.ovf", m, mesh, data=data)
    assert torch.equal(read_ovf(tmp_path / "m.ovf").values, m)


@settings(deadline=None)
@given(fields())
def test_directions_have_length_1_or_0_and_times_the_saturation_give_the_field(field) -> None:
    values, mesh = field
    read = VectorField(values, mesh, "A/m")
    m = read.magnetization()
    empty = (values == 0).all(dim=0)
    torch.testing.assert_close(m.norm(dim=0), (~empty).double())
    torch.testing.assert_close(read.saturation * m, values, rtol=1e-14, atol=0)
    assert bool((read.saturation[empty] == 0).all())


def test_a_film_of_float32_in_a_per_m_gives_its_saturation() -> None:
    mesh = Mesh((2, 1, 1), (1e-9, 1e-9, 1e-9))
    field = VectorField(torch.tensor([[3e5, 0], [0, 0], [4e5, 0]]).reshape(3, 1, 1, 2), mesh, "A/m")
    torch.testing.assert_close(field.saturation.flatten(), torch.tensor([5e5, 0.0]))
    torch.testing.assert_close(field.magnetization()[:, 0, 0, 0], torch.tensor([0.6, 0.0, 0.8]))


MESH = Mesh((2, 1, 1), (1e-9, 1e-9, 1e-9))
M = torch.tensor([[1.0, 0], [0, 1], [0, 0]], dtype=torch.float64).reshape(3, 1, 1, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"m": M[:, 0]}, r"shape \(3, 1, 1, 2\), got \(3, 1, 2\)"),
        ({"m": M.int()}, "float32 or float64, got torch.int32"),
        ({"m": M * float("nan")}, "NaN"),
        ({"m": M * 1e39, "data": "binary 4"}, "too large for binary 4"),
        ({"mesh": Mesh((2, 1, 1), (torch.tensor([1e-9, 2e-9]), 1e-9, 1e-9))}, "batch of cell sizes"),
        ({"version": 3}, "versions are 1 and 2, got 3"),
        ({"data": "binary8"}, "unknown data format 'binary8': did you mean 'binary 8'"),
        ({"labels": ("m_x", "m_y")}, "labels must be three names"),
        ({"title": "two\nlines"}, "title must be one line"),
        ({"title": "state ## 3"}, "title must be one line without '##'"),
        ({"unit": "{A/m}"}, "unit must be one line"),
        ({"labels": ("m_x", "m_y", "\tm_z")}, "label must be one line"),
        ({"time": -1e-9}, "time must be finite and >= 0"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_before_writing(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_ovf(tmp_path / "m.ovf", **{"m": M, "mesh": MESH, **change})
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*m\.ovf.*choose another path"):
        write_ovf(tmp_path / "file" / "m.ovf", M, MESH)
