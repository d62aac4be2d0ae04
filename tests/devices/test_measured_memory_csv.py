from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinloom.devices import find_memory, read_memory, save_memory
from spinloom.errors import InputError, SpinloomWarning

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "measured_memory.csv"
STATES = np.linspace(2, 60, 30)
PART = (STATES - 2) / 58
UP, DOWN = 2400 * np.exp(-3 * PART), -2900 * np.exp(-3 * (1 - PART))
HEADER = "conductance (uS),up_mean (nS),up_std (nS),down_mean (nS),down_std (nS)"
ROWS = [HEADER, *(f"{g:g},{u:.6f},20,{d:.6f},30" for g, u, d in zip(STATES, UP, DOWN, strict=True))]


def written(folder: Path, lines: list[str]) -> Path:
    (folder / "m.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "m.csv"


def events(count: int, seed: int = 0, noise: float = 0.0, **changes: str) -> list[str]:
    """A table of single events: up and down in turn, from states all over the window."""
    random = np.random.default_rng(seed)
    lines = ["direction,conductance (uS),increment (nS)"]
    for number in range(count):
        state, way = float(random.uniform(2, 60)), ("up", "down")[number % 2]
        mean = float(np.interp(state, STATES, UP if way == "up" else DOWN))
        lines.append(f"{changes.get(way, way)},{state!r},{mean * (1 + noise * float(random.standard_normal()))!r}")
    return lines


def test_the_example_is_what_its_comment_says():
    memory = read_memory(EXAMPLE)
    expected = {"states": STATES * 1e-6, "up_mean": UP * 1e-9, "down_mean": DOWN * 1e-9}
    expected |= {f"{way}_std": (np.abs(mean) / 4 + 20) * 1e-9 for way, mean in (("up", UP), ("down", DOWN))}
    for name, column in expected.items():
        np.testing.assert_allclose(getattr(memory, name), column, rtol=1e-12, atol=0.051e-9)
    assert EXAMPLE.read_text().startswith("# Synthetic example, not a measurement")


@pytest.mark.parametrize(
    ("header", "factors"),
    [
        (HEADER, (1e-6, 1e-9)),
        (HEADER.replace("uS", "S").replace("nS", "S"), (1, 1)),
        ("Conductance [µS],Up mean [uS],up-std [uS],down_mean_uS,down_std_uS", (1e-6, 1e-6)),
        (HEADER.replace("uS", "mS").replace("nS", "pS"), (1e-3, 1e-12)),
        (HEADER.replace(",", ";"), (1e-6, 1e-9)),
        (HEADER.replace(",", "\t"), (1e-6, 1e-9)),
    ],
)
def test_units_stand_in_the_header_and_arrive_in_si(tmp_path, header, factors):
    tables = np.stack([STATES * 1e-6, UP * 1e-9, 0 * UP + 2e-8, DOWN * 1e-9, 0 * UP + 3e-8], 1)
    tables /= np.array([factors[0], *[factors[1]] * 4])
    mark = next(mark for mark in ";\t," if mark in header)
    memory = read_memory(written(tmp_path, [header, *(mark.join(map(repr, row)) for row in tables.tolist())]))
    np.testing.assert_allclose(memory.states, STATES * 1e-6, rtol=1e-12)
    np.testing.assert_allclose(memory.up_mean, UP * 1e-9, rtol=1e-12)
    np.testing.assert_allclose(memory.down_mean, DOWN * 1e-9, rtol=1e-12)
    np.testing.assert_allclose(memory.up_std, 2e-8, rtol=1e-12)


def test_deviations_may_be_left_out_and_parameters_given(tmp_path):
    lines = [",".join(np.array(line.split(","))[[3, 0, 1]]) for line in ROWS]
    memory = read_memory(written(tmp_path, lines), read_noise=0.01, event_energy=1e-12, up_gain=2.0)
    assert not memory.up_std.any()
    assert not memory.down_std.any()
    assert (memory.read_noise, memory.event_energy, memory.up_gain) == (0.01, 1e-12, 2.0)


@pytest.mark.parametrize(
    "words", [("up", "down"), ("+1", "-1"), ("1", "-1"), ("Potentiation", "DEPRESSION"), ("SET", "reset")]
)
def test_single_events_give_back_their_means(tmp_path, words):
    memory = read_memory(written(tmp_path, events(4000, up=words[0], down=words[1])), bins=40)
    inside = slice(2, -2)  # half a bin at each end is flat
    for mean, expected in ((memory.up_mean, UP), (memory.down_mean, DOWN)):
        found = np.interp(STATES * 1e-6, memory.states, mean)
        np.testing.assert_allclose(found[inside], expected[inside] * 1e-9, rtol=0.02)
    # what is left of noiseless events is the bend of the curve within a bin
    assert float((memory.up_std / memory.up_mean).max()) < 0.06


def test_single_events_give_their_deviation_from_event_to_event(tmp_path):
    memory = read_memory(written(tmp_path, events(20_000, seed=3, noise=0.3)), bins=20)
    inside = slice(3, -3)
    for mean, deviation in ((memory.up_mean, memory.up_std), (memory.down_mean, memory.down_std)):
        relative = (deviation / mean.abs())[inside]
        # 500 events a bin: 3.2 % standard error of the deviation, 1.3 % of the mean; five of both, and the bend
        assert float((relative / 0.3 - 1).abs().max()) < 0.2


def test_events_from_few_states_are_binned_by_state(tmp_path):
    lines = ["conductance (uS),direction,increment (nS)"]
    for state in (10, 20, 30):
        lines += [f"{state},up,{100 + shift}" for shift in (-10, 0, 10)] * 4
        lines += [f"{state},down,{-state * 10 + shift}" for shift in (-10, 0, 10)] * 4
    memory = read_memory(written(tmp_path, lines))
    np.testing.assert_allclose(memory.states, [1e-5, 2e-5, 3e-5], rtol=1e-12)
    np.testing.assert_allclose(memory.up_mean, 1e-7, rtol=1e-12)
    np.testing.assert_allclose(memory.down_mean, [-1e-7, -2e-7, -3e-7], rtol=1e-12)
    np.testing.assert_allclose(memory.up_std, np.std([-10, 0, 10] * 4, ddof=1) * 1e-9, rtol=1e-12)


@given(order=st.permutations(range(60)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
def test_the_order_of_single_events_does_not_matter(tmp_path, order):
    lines = events(60, noise=0.2)
    first = read_memory(written(tmp_path, lines))
    other = read_memory(written(tmp_path, [lines[0], *(lines[1 + place] for place in order)]))
    for name in ("states", "up_mean", "up_std", "down_mean", "down_std"):
        torch.testing.assert_close(getattr(first, name), getattr(other, name), rtol=1e-12, atol=0)


def changed(line: int, cell: int, text: str) -> list[str]:
    """The table with one cell replaced; line 1 is the header."""
    cells = ROWS[line - 1].split(",")
    cells[cell] = text
    return [*ROWS[: line - 1], ",".join(cells), *ROWS[line:]]


def column(place: int, factor: float) -> list[str]:
    """The table with one column multiplied."""
    rows = [line.split(",") for line in ROWS[1:]]
    for row in rows:
        row[place] = repr(float(row[place]) * factor)
    return [HEADER, *(",".join(row) for row in rows)]


EVENTS = events(60)
MISTAKES = {
    "states fall": (
        [ROWS[0], ROWS[2], ROWS[1], *ROWS[3:]],
        r"line 3, column 'conductance \(uS\)': states must increase.*sort",
    ),
    "a state twice": ([*ROWS[:3], *ROWS[2:]], "line 4, column .*states must increase strictly .* one a state"),
    "no rows": ([HEADER], "has no rows of numbers; add one for each state"),
    "nothing": ([], "is empty"),
    "no direction down": ([",".join(line.split(",")[:3]) for line in ROWS], "has no column 'down_mean'"),
    "no states": ([line.split(",", 1)[1] for line in ROWS], "has no column 'conductance'"),
    "a cell of NaN": (changed(5, 1, "nan"), r"line 5, column 'up_mean \(nS\)': 'nan' is not a finite number"),
    "an empty cell": (changed(5, 3, ""), "line 5, column 'down_mean .*'' is not a finite number"),
    "text": (changed(9, 0, "low"), "line 9, column 'conductance .*'low' is not a finite number"),
    "decimal commas": (changed(9, 0, '"1,5"'), "line 9, .*write a decimal point"),
    "one state": (ROWS[:2], "line 2, .*one state alone is no axis"),
    "a resistance": (
        [line.replace("conductance (uS)", "resistance (kOhm)") for line in ROWS],
        "line 1: unknown column 'resistance",
    ),
    "no unit": (
        [line.replace(" (nS)", "", 1) for line in ROWS],
        r"column 'up_mean' names no unit; write for example 'up_mean \(S\)'",
    ),
    "a unit of something else": ([line.replace("(nS)", "(nA)", 1) for line in ROWS], "has unit 'nA', up_mean takes S"),
    "a negative conductance": (changed(2, 0, "-2"), "line 2, .*a conductance must be >= 0, got -2e-06 S"),
    "a negative deviation": (changed(7, 2, "-20"), "line 7, column 'up_std .*a standard deviation must be >= 0"),
    "sizes without sign": (column(3, -1), r"column 'down_mean \(nS\)': events down must lower .* correct its sign"),
    "columns swapped": (
        [ROWS[0].replace("up_mean", "x").replace("down_mean", "up_mean").replace("x", "down_mean"), *ROWS[1:]],
        "events up must raise .* swap the columns up and down",
    ),
    "nothing moves": (column(1, 0), "events up must raise .* by 0 S"),
    "an event beyond the window": (
        changed(8, 1, "60000"),
        "line 8, .*6e-05 S is larger than the whole window of 5.8e-05 S",
    ),
    "increments a million too large": (column(1, 1e6), "line 2, .*x 1e-06 would make it"),
    "increments a million too small": (column(1, 1e-6), "events up would be needed .* x 1e.06 would make it"),
    "conductance a million too large": (column(0, 1e6), "events up would be needed .* x 1e.06 would make it"),
    "conductance a million too small": (column(0, 1e-6), "is larger than the whole window of 5.8e-11 S"),
    "columns of both forms": (
        [f"{line},{end}" for line, end in zip(ROWS, ["increment (nS)", *"1" * 30], strict=True)],
        "no column 'direction'",
    ),
    "an increment too many": (
        [f"{line},{end}" for line, end in zip(EVENTS, ["up_std (nS)", *"1" * 60], strict=True)],
        "'up_std' does not belong beside 'direction'",
    ),
    "no event down": (
        [line for line in EVENTS if not line.startswith("down")],
        "has no event down; measure both directions",
    ),
    "no direction of that name": (
        [*EVENTS[:4], EVENTS[4].replace("down", "left"), *EVENTS[5:]],
        "line 5, column 'direction': 'left' is no direction; write up or down",
    ),
    "a direction left out": (
        [*EVENTS[:4], EVENTS[4].replace("down", ""), *EVENTS[5:]],
        "line 5, column 'direction': '' is no direction",
    ),
    "few events": (EVENTS[:31], "15 events up are too few for 10 bins of at least 2; measure more or pass bins=7"),
    "events from one state": (
        [EVENTS[0], *(f"{way},5,1" for way in ("up", "down") * 30)],
        "every event starts in the same state",
    ),
    "an event far beyond": (
        [*EVENTS[:3], "up,30,150000", *EVENTS[3:]],
        "line 4, column 'increment .* more than twice the window",
    ),
    "events without sign": ([line.replace(",-", ",") for line in EVENTS], "events down must lower the conductance"),
    "no single event": (EVENTS[:1], "has no rows of numbers; add one for each event"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_line_and_remedy(tmp_path, mistake):
    lines, message = MISTAKES[mistake]
    path = written(tmp_path, lines)
    with pytest.raises(InputError, match=message) as caught:
        read_memory(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_stands_where_the_name_of_a_memory_does(tmp_path):
    save_memory(tmp_path / "m.safetensors", read_memory(EXAMPLE, event_energy=1e-12))
    assert torch.equal(find_memory(str(EXAMPLE)).up_mean, read_memory(EXAMPLE).up_mean)
    assert find_memory(str(tmp_path / "m.safetensors")).event_energy == 1e-12
    with pytest.raises(InputError, match=r"cannot read none\.csv"):
        find_memory("none.csv")


def test_what_is_no_path_no_file_and_no_count_is_named(tmp_path):
    with pytest.raises(InputError, match="a path must be a text"):
        read_memory(5)
    with pytest.raises(InputError, match=r"cannot read .*: No such file"):
        read_memory(tmp_path / "none.csv")
    with pytest.raises(InputError, match="bins must be a whole number >= 1, got 0"):
        read_memory(EXAMPLE, bins=0)
    with pytest.raises(InputError, match=r"measured_memory.csv: read_noise must be finite and >= 0"):
        read_memory(EXAMPLE, read_noise=-1.0)


def test_noise_of_the_wrong_sign_where_nothing_moves_is_taken_as_zero_and_said(tmp_path):
    with pytest.warns(SpinloomWarning, match=r"up_mean has the wrong sign in 1 of 30 rows \(line 31\), taken as 0"):
        memory = read_memory(written(tmp_path, changed(31, 1, "-0.4")))
    assert float(memory.up_mean[-1]) == 0


def test_a_prefix_slipped_by_one_is_a_warning(tmp_path):
    with pytest.warns(SpinloomWarning, match="events up cross the window, .* x 1000 would make it 74.6 events"):
        read_memory(written(tmp_path, column(1, 1e-3)))


@given(data=st.data(), form=st.sampled_from([ROWS, EVENTS]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
def test_whatever_is_put_into_a_table_it_is_read_or_an_input_error(tmp_path, data, form):
    text = "\n".join(form)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        put = [",", ";", "\t", "\n", '"', "#", "1e308", "-", "nan", "(", "9" * 400, "0", "up"]
        inserted = data.draw(st.sampled_from(put) | st.text())
        text = text[:place] + inserted + text[place + data.draw(st.integers(0, 5)) :]
    (tmp_path / "m.csv").write_text(text, encoding="utf-8", errors="replace")
    with suppress(InputError):
        memory = read_memory(tmp_path / "m.csv")
        state = memory.program(memory.fresh((3,)), torch.ones(3), 1)
        assert bool(state.isfinite().all())
