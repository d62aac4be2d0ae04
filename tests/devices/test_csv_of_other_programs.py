from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinloom.devices import read_curve
from spinloom.errors import InputError

X = np.linspace(-3, 3, 9)
NAMES = "drive (A),value,slope,noise,slope_noise"
LINES = [NAMES, *(f"{x},{np.tanh(x):.6f},{1 - np.tanh(x) ** 2:.6f},0.05,0.02" for x in X)]


def written(path: Path, lines: list[str], end: str = "\n", encoding: str = "utf-8") -> Path:
    (path / "t.csv").write_bytes((end.join(lines) + end).encode(encoding))
    return path / "t.csv"


FORMS = {
    "plain": (LINES, "\n"),
    "semicolons": ([line.replace(",", ";") for line in LINES], "\n"),
    "tabs": ([line.replace(",", "\t") for line in LINES], "\n"),
    "BOM and CRLF": (["\ufeff" + LINES[0], *LINES[1:]], "\r\n"),
    "CR": (LINES, "\r"),
    "comments": ([line for row in LINES for line in ("# a remark, with commas", row)], "\n"),
    "empty columns": ([f"{line},," for line in LINES], "\n"),
    "an empty column inside": ([line.replace(",", ",,", 1) for line in LINES], "\n"),
    "quotes and spaces": (
        [" , ".join(f'"{cell}"' for cell in line.split(",")).replace(" ", "") for line in LINES],
        "\n",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_the_same_however_it_was_exported(tmp_path, form):
    lines, end = FORMS[form]
    read = read_curve(written(tmp_path, lines, end))
    torch.testing.assert_close(read.value[0], torch.from_numpy(np.tanh(X)), rtol=0, atol=1e-6)
    assert float(read.noise[0, 0]) == pytest.approx(0.05)
    assert float(read.slope_noise[0, 0]) == pytest.approx(0.02)


MISTAKES = {
    "decimal commas": ([line.replace(",", ";").replace(".", ",") for line in LINES], "line 2, .*write a decimal point"),
    "decimal commas between commas": ([line.replace(".", ",") for line in LINES], "line 2 has .*decimal commas"),
    "no names": (LINES[1:], "line 1 holds numbers where the columns should be named"),
    "a row of units": ([LINES[0], "A,,,,", *LINES[1:]], "line 2, column .*'A' is not a finite number"),
    "an unknown unit": ([LINES[0].replace("(A)", "(Oe)"), *LINES[1:]], "line 1: .*'Oe', drive takes A, A/m"),
    "a nameless column": ([f"{NAMES},", *(f"{line},7" for line in LINES[1:])], "line 1: unknown column ''"),
    "a quote left open": ([LINES[0], '"' + LINES[1], *LINES[2:]], "line 2 is not a row of a text table"),
    "one point": ([*LINES[:2], LINES[1]], "has 1 different values of drive"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_line_and_remedy(tmp_path, mistake):
    lines, message = MISTAKES[mistake]
    with pytest.raises(InputError, match=message):
        read_curve(written(tmp_path, lines))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
def test_whatever_is_put_into_a_table_it_is_read_or_an_input_error(tmp_path, data):
    text = "\n".join(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        given = data.draw(
            st.sampled_from([",", ";", "\t", "\n", '"', "#", "1e308", "-", "nan", "(", "9" * 400]) | st.text()
        )
        text = text[:place] + given + text[place + data.draw(st.integers(0, 5)) :]
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", errors="replace")
    with suppress(InputError):
        read_curve(tmp_path / "t.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named(tmp_path, encoding):
    with pytest.raises(InputError, match="not a text table in UTF-8"):
        read_curve(written(tmp_path, [LINES[0].replace("(A)", "(µA)"), *LINES[1:]], encoding=encoding))


@pytest.mark.parametrize("wrong", [None, 5, ["a.csv"]])
def test_what_is_no_path_is_named(wrong):
    with pytest.raises(InputError, match="a path must be a text"):
        read_curve(wrong)


@pytest.mark.parametrize("wrong", [5, ("a", "b"), (1.0,), (2.0, 1.0)])
def test_extremes_that_are_no_pair_are_named(tmp_path, wrong):
    with pytest.raises(InputError, match=r"in_plane must be \(R_P, R_AP\) in ohm"):
        read_curve(written(tmp_path, LINES), in_plane=wrong)


def test_thousands_of_devices_are_read_in_time_that_grows_with_the_rows(tmp_path):
    lines = ["device," + LINES[0], *(f"d{device},{line}" for device in range(1500) for line in LINES[1:])]
    assert read_curve(written(tmp_path, lines)).devices == 1500  # one look through all rows per device took 10 s
