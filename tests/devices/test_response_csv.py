from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinloom.devices import read_curve
from spinloom.errors import InputError

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "measured_junction.csv"
IN_PLANE, PERPENDICULAR = (8000.0, 17600.0), (8400.0, 16400.0)
CURRENT = np.linspace(-150e-6, 150e-6, 41)
UNIT = 30e-6


def resistance(cosine: np.ndarray, extremes: tuple[float, float]) -> np.ndarray:
    """Two conductances in parallel, weighted by how far the layers are aligned."""
    parallel, antiparallel = extremes
    return 1 / ((1 + cosine) / 2 / parallel + (1 - cosine) / 2 / antiparallel)


def junction_rows(current=CURRENT, unit=UNIT) -> list[tuple[float, ...]]:
    in_plane = resistance(np.tanh(current / unit), IN_PLANE)
    perpendicular = resistance(1 / np.cosh(current / unit), PERPENDICULAR)
    return [tuple(row) for row in np.stack([current, in_plane, perpendicular], 1).tolist()]


HEADER = "current_A,resistance_in_plane (ohm),resistance_perpendicular (ohm)"


def write(path: Path, header: str, rows) -> Path:
    lines = [
        header,
        *(",".join(cell if isinstance(cell, str) else repr(cell) for cell in row) for row in rows),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "measured.csv"


def test_conductance_gives_back_the_cosines_exactly(path):
    write(path, HEADER, junction_rows())
    read = read_curve(path, in_plane=IN_PLANE, perpendicular=PERPENDICULAR)
    inputs = torch.from_numpy(CURRENT / UNIT)
    torch.testing.assert_close(read.value[0], inputs.tanh(), rtol=0, atol=1e-12)
    torch.testing.assert_close(read.slope[0], 1 / inputs.cosh() ** 2, rtol=0, atol=1e-12)
    assert read.drive_unit == "A"
    assert read.unit_drive == pytest.approx(UNIT, rel=1e-6)
    assert not read.noise.any()


@pytest.mark.parametrize(("column", "unit"), [("voltage_mV", "V"), ("drive (mV)", "V"), ("drive (mT)", "T")])
def test_any_drive_may_stand_beside_resistances(path, column, unit):
    write(path, HEADER.replace("current_A", column), [(1e3 * row[0], *row[1:]) for row in junction_rows()])
    read = read_curve(path, in_plane=IN_PLANE, perpendicular=PERPENDICULAR)
    torch.testing.assert_close(read.value[0], torch.from_numpy(np.tanh(CURRENT / UNIT)), rtol=0, atol=1e-12)
    assert (read.drive_unit, read.unit_drive) == (unit, pytest.approx(UNIT, rel=1e-6))


def test_a_current_may_stand_beside_a_value(path):
    write(path, "current_uA,value", [(1e6 * x, float(np.tanh(x / UNIT))) for x in CURRENT.tolist()])
    assert read_curve(path).unit_drive == pytest.approx(UNIT, rel=1e-6)


def test_extremes_can_come_from_the_curve(path):
    write(path, HEADER, junction_rows())
    read = read_curve(path)
    inputs = torch.from_numpy(CURRENT / UNIT)
    torch.testing.assert_close(read.value[0], inputs.tanh(), rtol=0, atol=1e-3)
    torch.testing.assert_close(read.slope[0], 1 / inputs.cosh() ** 2, rtol=0, atol=2e-2)
    assert "extremes of the curve" in read.metadata["in_plane"]


def test_a_perpendicular_junction_that_starts_antiparallel_reads_alike(path):
    flipped = resistance(-1 / np.cosh(CURRENT / UNIT), PERPENDICULAR)
    rows = [(current, in_plane, other) for (current, in_plane, _), other in zip(junction_rows(), flipped, strict=True)]
    write(path, HEADER, [tuple(map(float, row)) for row in rows])
    expected = 1 / torch.from_numpy(CURRENT / UNIT).cosh() ** 2
    torch.testing.assert_close(read_curve(path).slope[0], expected, rtol=0, atol=2e-2)
    given_extremes = read_curve(path, in_plane=IN_PLANE, perpendicular=PERPENDICULAR)
    torch.testing.assert_close(given_extremes.slope[0], expected, rtol=0, atol=1e-12)


def test_without_the_perpendicular_junction_the_slope_is_the_derivative(path):
    write(path, HEADER.rsplit(",", 1)[0], [row[:2] for row in junction_rows()])
    read = read_curve(path, in_plane=IN_PLANE, unit_drive=UNIT)
    torch.testing.assert_close(read.slope[0], 1 / read.inputs.cosh() ** 2, rtol=0, atol=0.03)
    assert read.metadata["slope"] == "numerical derivative of value"


@pytest.mark.parametrize(
    ("column", "factor", "unit"),
    [
        ("current_A", 1.0, "A"),
        ("current_uA", 1e-6, "A"),
        ("current_µA", 1e-6, "A"),
        ("Current (mA)", 1e-3, "A"),
        ("current [nA]", 1e-9, "A"),
        ("current (A/m^2)", 1.0, "A/m^2"),
        ("current (MA/cm^2)", 1e10, "A/m^2"),
        ("Current density [kA/cm2]", 1e7, "A/m^2"),
        ("current_density_A/m2", 1.0, "A/m^2"),
    ],
)
def test_currents_arrive_in_si(path, column, factor, unit):
    write(path, f"{column},resistance in-plane [kOhm]", [(i / factor, r / 1e3) for i, r, _ in junction_rows()])
    read = read_curve(path, in_plane=IN_PLANE)
    torch.testing.assert_close(read.drive, torch.from_numpy(CURRENT), rtol=1e-12, atol=1e-18)
    assert read.drive_unit == unit
    torch.testing.assert_close(read.value[0], torch.from_numpy(np.tanh(CURRENT / UNIT)), rtol=0, atol=1e-12)


@given(order=st.permutations(range(3 * 41)), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_repeats_give_mean_and_deviation_in_any_order(path, order, data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    values = np.tanh(CURRENT / UNIT) + 0.05 * random.standard_normal((3, 41))
    rows = [(float(current), float(value)) for sweep in values for current, value in zip(CURRENT, sweep, strict=True)]
    write(path, "drive (A),value", [rows[place] for place in order])
    read = read_curve(path, sort=True)
    torch.testing.assert_close(read.value[0], torch.from_numpy(values.mean(0)), rtol=0, atol=1e-12)
    torch.testing.assert_close(read.noise[0], torch.from_numpy(values.std(0, ddof=1)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("whole_sweeps", [True, False])
def test_repeats_may_stand_together_or_as_whole_sweeps(path, whole_sweeps):
    rows = [row[:2] for row in junction_rows()]
    repeated = rows * 2 if whole_sweeps else [row for row in rows for _ in range(2)]
    write(path, "current_A,resistance_in_plane (ohm)", repeated)
    read = read_curve(path, in_plane=IN_PLANE)
    assert read.value.shape == (1, 41)
    assert read.metadata["repeats"] == "2 to 2"


def test_devices_stay_apart(path):
    rows = [(name, *row) for name, unit in (("b", 25e-6), ("a", 35e-6)) for row in junction_rows(unit=unit)]
    write(path, f"device,{HEADER}", rows)
    read = read_curve(path, in_plane=IN_PLANE, perpendicular=PERPENDICULAR)
    expected = np.tanh(CURRENT / np.array([[25e-6], [35e-6]]))
    torch.testing.assert_close(read.value, torch.from_numpy(expected), rtol=0, atol=1e-12)
    assert read.metadata["devices"] == "b, a"
    assert 25e-6 < read.unit_drive < 35e-6


def test_a_simple_curve_needs_drive_and_value_only(path):
    write(path, "drive,value,slope,noise", [(x / 10, np.tanh(x / 10).item(), 0.5, 0.1) for x in range(-40, 41)])
    read = read_curve(path, drive_unit="V")
    assert read.drive_unit == "V"
    assert read.unit_drive == pytest.approx(1, rel=1e-6)
    assert bool((read.slope == 0.5).all())
    torch.testing.assert_close(read.noise, torch.full_like(read.noise, 0.1))


def test_tables_of_other_programs_are_read(path):
    text = "\ufeff# a comment\n\n drive (mV) ;value\r\n" + "".join(f"{x};{np.tanh(x / 9)}\r\n" for x in range(-20, 21))
    path.write_bytes(text.encode())
    assert read_curve(path).unit_drive == pytest.approx(9e-3, rel=1e-6)


def test_the_example_of_the_documentation():
    assert "ynthetic" in EXAMPLE.read_text().splitlines()[0]
    read = read_curve(EXAMPLE, in_plane=IN_PLANE, perpendicular=PERPENDICULAR)
    assert read.value.shape == (2, 33)
    assert 30e-6 < read.unit_drive < 33e-6
    inputs = read.drive / torch.tensor([[31e-6], [32.5e-6]])
    torch.testing.assert_close(read.value, inputs.tanh(), rtol=0, atol=0.05)
    torch.testing.assert_close(read.slope, 1 / inputs.cosh() ** 2, rtol=0, atol=0.1)
    assert 0.003 < float(read.noise.mean()) < 0.03
    torch.testing.assert_close(read_curve(EXAMPLE).value, read.value, rtol=0, atol=0.05)


ROWS = junction_rows()


def swapped(line: int, column: int, cell) -> list:
    rows = [list(row) for row in ROWS]
    rows[line - 2][column] = cell
    return rows


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (
            HEADER,
            swapped(7, 1, "nan"),
            r"line 7, column 'resistance_in_plane \(ohm\)': 'nan' is not a finite",
        ),
        (HEADER, swapped(9, 0, "inf"), r"line 9, column 'current_A': 'inf' is not a finite"),
        (HEADER, swapped(9, 2, "over"), r"line 9, column 'resistance_perpendicular \(ohm\)': 'over'"),
        (HEADER, swapped(9, 2, ""), r"line 9, .*'' is not a finite"),
        (HEADER, swapped(5, 1, -9000.0), r"line 5, .*resistance must be > 0, got -9000 ohm"),
        (HEADER, swapped(5, 2, 0.0), r"line 5, .*resistance must be > 0, got 0 ohm"),
        (HEADER, swapped(5, 1, 25000.0), r"line 5, .*25000 ohm is outside \[R_P, R_AP\] = \[8000, 17600\]"),
        (HEADER, swapped(5, 2, 7000.0), r"line 5, .*7000 ohm is outside"),
        (HEADER, [*ROWS[:5], ROWS[4][:2]], r"line 7 has 2 cells, the header names 3.*truncated"),
        (HEADER, ROWS[:4], "has 4 different values of current, at least 5 are needed"),
        (HEADER, [ROWS[0]] * 50, "has 1 different values"),
        (HEADER, [], "has no rows of numbers"),
        (HEADER, [*ROWS[:9], ROWS[3], *ROWS[9:]], r"line 11, column 'current_A': it falls from"),
        (HEADER, ROWS[::-1], r"line 3, column 'current_A': it falls .* pass sort=True"),
        (
            HEADER.replace("current_A", "current_V"),
            ROWS,
            "column 'current_V' has unit 'V', current takes A, ",
        ),
        (HEADER.replace("(ohm)", "(A)", 1), ROWS, r"'resistance_in_plane \(A\)' has unit 'A', .* takes ohm"),
        (HEADER.replace("current_A", "current"), ROWS, "column 'current' names no unit; write for example"),
        (HEADER.replace("current_A", "current (xA)"), ROWS, "has unit 'xA'"),
        (HEADER.replace("current_A", "tension_V"), ROWS, "unknown column 'tension_V'; known are"),
        (
            HEADER.replace("current_A", "resistance_in_plane_ohm"),
            ROWS,
            "'resistance_in_plane' stands there twice",
        ),
        ("device,resistance_in_plane (ohm)", [("a", 1.0)] * 9, "has no drive: exactly one column of current"),
        (
            "current_A,slope",
            [(1.0, 1.0)] * 9,
            "has no column 'resistance_in_plane' or 'value' beside 'current'; add one",
        ),
        ("drive (V),noise", [(1.0, 1.0)] * 9, "has no column 'resistance_in_plane' or 'value' beside 'drive'; add one"),
        ("drive,value", [(float(x), x / 9) for x in range(9)], "column 'drive' names no unit; write 'drive"),
        ("drive (V),value (V)", [(1.0, 1.0)] * 9, r"'value \(V\)' has unit 'V', value takes no unit"),
        (
            "drive (V),value,noise",
            [(float(x), x / 9, -0.5) for x in range(9)],
            "line 2, column 'noise': a standard",
        ),
        ("drive (V),value", [(float(x), -x / 9) for x in range(9)], "does not follow tanh"),
        (
            f"{HEADER},value",
            [(*row, 1.0) for row in ROWS],
            "'value' does not belong beside 'resistance_in_plane'",
        ),
    ],
)
def test_every_mistake_is_named_in_one_line(path, header, rows, message):
    write(path, header, rows)
    with pytest.raises(InputError, match=message) as caught:
        read_curve(path, in_plane=IN_PLANE, perpendicular=PERPENDICULAR)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# nothing but a comment\n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xd8", "is binary"),
        (b"drive (V),value\n\0\0\0,\0\n", "is binary"),
    ],
)
def test_what_is_no_table_is_named(path, content, message):
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"measured.csv {message}"):
        read_curve(path)


def test_an_absent_file_is_named(path):
    with pytest.raises(InputError, match=r"cannot read .*measured\.csv: No such file"):
        read_curve(path)


def test_devices_at_other_currents_are_named(path):
    rows = [("a", *row) for row in ROWS] + [("b", *row) for row in junction_rows(CURRENT * 1.1)]
    write(path, f"device,{HEADER}", rows)
    with pytest.raises(InputError, match="device 'b' is measured at other values of current than device 'a'"):
        read_curve(path)


def test_a_flat_curve_has_no_extremes(path):
    write(path, HEADER, [(row[0], 9000.0, row[2]) for row in ROWS])
    with pytest.raises(InputError, match="resistance_in_plane does not change with the drive"):
        read_curve(path)


@pytest.mark.parametrize("extremes", [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)])
def test_impossible_extremes_are_refused(path, extremes):
    write(path, HEADER, ROWS)
    with pytest.raises(InputError, match=r"in_plane must be .* 0 < R_P < R_AP"):
        read_curve(path, in_plane=extremes)
    with pytest.raises(InputError, match="perpendicular must be"):
        read_curve(path, perpendicular=extremes)


def test_arguments_that_contradict_the_file_are_refused(path):
    write(path, "drive (mV),value", [(float(x), np.tanh(x).item()) for x in range(-5, 6)])
    with pytest.raises(InputError, match="gives drive in V, drive_unit says 'A'"):
        read_curve(path, drive_unit="A")
    with pytest.raises(InputError, match="unit_drive must be finite and > 0"):
        read_curve(path, unit_drive=-1.0)
