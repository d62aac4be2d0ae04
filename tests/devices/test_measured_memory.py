import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinloom.devices import MeasuredMemory, Spread, load_memory, read_memory, save_memory, write
from spinloom.errors import InputError, OutputError, SpinloomWarning
from spinloom.testing import MemoryContract

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "measured_memory.csv"
UP, DOWN = 1.0, -1.0


def exercised(device):
    """A number that depends on every parameter."""
    told = torch.tensor([1.0, -1.0, 2.0, -3.0], dtype=torch.float64)
    state = torch.linspace(10e-6, 50e-6, 4, dtype=torch.float64)
    state = state + device.mean_change(state, told)  # programming itself says that it has no gradient
    return (device.read(device.retained(state, 0.5), 2) * (1 + device.energy(state, told) * 1e12)).sum()


class TestMeasured(MemoryContract):
    device = read_memory(EXAMPLE, read_noise=0.01, retention=3.0, event_energy=1e-12)
    read_out = staticmethod(exercised)


class TestWithoutNoise(MemoryContract):
    """Two states, no deviations, no energy: the least that a user may have."""

    device = MeasuredMemory([0.0, 1e-6], [5e-8, 0.0], [0.0, -5e-8], event_energy=0.0)


@st.composite
def memories(draw, noise=True):
    """Any table that can be: uneven states, increments up to the window, some of them zero."""
    rows = draw(st.integers(2, 7))
    # half of a step apart at least, so that no piece is of the size of a rounding error
    steps = draw(arrays(float, rows - 1, elements=st.floats(0.5, 20)))
    states = 1e-6 * np.concatenate([[draw(st.floats(0, 5))], steps]).cumsum()
    span = states[-1] - states[0]
    tables = [span * draw(arrays(float, rows, elements=st.floats(0, 1))) for _ in range(4)]
    up, down = (np.where(table.sum() > 1e-3 * span, table, 0.01 * span) for table in tables[:2])
    deviations = [table if noise else np.zeros(rows) for table in tables[2:]]
    return MeasuredMemory(states, up, -down, *deviations, up_gain=draw(st.floats(0.5, 2)))


pytestmark = pytest.mark.filterwarnings("ignore:.*events .* cross the window")
quick = settings(deadline=None, max_examples=60)


def stepped(memory, state, event):
    """One event by its means, with numpy."""
    states = memory.states.numpy()
    mean = np.interp(state, states, (memory.up_mean if event > 0 else memory.down_mean).numpy())
    gain = float(memory.up_gain if event > 0 else memory.down_gain)
    return np.clip(state + gain * mean * abs(event), states[0], states[-1])


@given(memory=memories(), data=st.data())
@quick
def test_means_are_those_of_numpy_interp_event_after_event(memory, data):
    least, most = (float(end) for end in memory.window)
    states = np.array(data.draw(st.lists(st.floats(least, most), min_size=1, max_size=8)))
    events = np.array(data.draw(st.lists(st.integers(-5, 5), min_size=len(states), max_size=len(states))))
    expected = states.copy()
    for device, count in enumerate(events.tolist()):
        for _ in range(abs(count)):
            expected[device] = stepped(memory, expected[device], np.sign(count))
    change = memory.mean_change(torch.from_numpy(states), torch.from_numpy(events.astype(float)))
    np.testing.assert_allclose(change.numpy(), expected - states, rtol=1e-9, atol=1e-12 * (most - least))


@given(memory=memories(noise=False), seed=st.integers(0, 2**62), count=st.integers(-4, 4))
@quick
def test_without_deviations_events_are_their_means_and_draw_nothing_else(memory, seed, count):
    state = torch.linspace(*(float(end) for end in memory.window), 9, dtype=torch.float64)
    told = torch.full_like(state, count)
    moved = memory.program(state, told, seed) - state
    torch.testing.assert_close(moved, memory.mean_change(state, told), rtol=1e-12, atol=0)


@given(memory=memories(), shape=st.lists(st.integers(0, 4), max_size=3), dtype=st.sampled_from(["float32", "float64"]))
@quick
def test_states_of_any_shape_and_precision_keep_them(memory, shape, dtype):
    state = memory.fresh(shape, 1).to(getattr(torch, dtype))
    after = memory.program(state, torch.ones_like(state), 2)
    assert (after.shape, after.dtype) == (state.shape, state.dtype)
    assert memory.read(after, 3).dtype == state.dtype
    assert memory.retained(after, 1.0).dtype == state.dtype


@given(memory=memories(), data=st.data(), seed=st.integers(0, 2**62))
@quick
def test_the_compiled_loop_does_what_a_plain_one_does_with_the_same_noise(memory, data, seed):
    least, most = (float(end) for end in memory.window)
    states = np.array(data.draw(st.lists(st.floats(least, most), min_size=1, max_size=6)))
    told = np.array(data.draw(st.lists(st.integers(-40, 40), min_size=len(states), max_size=len(states))))
    noisy = bool(memory.up_std.any() or memory.down_std.any())
    source, expected, tables = torch.Generator().manual_seed(seed), states.copy(), vars(memory)
    for done in range(0, int(abs(told).max()), 16):  # noise is drawn for 16 events of each device at a time
        total = int(np.clip(abs(told) - done, 0, 16).sum())
        drawn = iter(torch.randn(total, generator=source, dtype=torch.float64).tolist() if noisy else [0.0] * total)
        for device, count in enumerate(told.tolist()):
            way, gain = ("up", float(memory.up_gain)) if count > 0 else ("down", float(memory.down_gain))
            for _ in range(min(max(abs(count) - done, 0), 16)):
                mean, deviation = (
                    np.interp(expected[device], memory.states, tables[f"{way}_{part}"]) for part in ("mean", "std")
                )
                expected[device] = np.clip(expected[device] + gain * (mean + next(drawn) * deviation), least, most)
    after = memory.program(torch.from_numpy(states), torch.from_numpy(told.astype(float)), seed)
    np.testing.assert_allclose(after.numpy(), expected, rtol=0, atol=1e-9 * (most - least))


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_an_event_scatters_as_measured_in_each_state(direction):
    memory = read_memory(EXAMPLE)
    count = 40_000
    for row in (9, 20):  # two and more deviations away from both ends
        state = memory.states[row].expand(count).clone()
        moved = memory.program(state, torch.full_like(state, direction), row) - state
        mean, std = (memory.up_mean, memory.up_std) if direction > 0 else (memory.down_mean, memory.down_std)
        assert float(moved.mean() - mean[row]) == pytest.approx(0, abs=5 * float(std[row]) / count**0.5)
        # the standard error of a deviation is its size over sqrt(2 n)
        assert float(moved.std()) == pytest.approx(float(std[row]), rel=5 / (2 * count) ** 0.5)


def test_many_events_at_once_are_as_many_calls_of_one():
    memory, count = read_memory(EXAMPLE), 20_000
    state = torch.full((count,), 20e-6, dtype=torch.float64)
    once = memory.program(state, torch.full_like(state, 7.0), 1)
    one_by_one = state
    for turn in range(7):
        one_by_one = memory.program(one_by_one, torch.ones_like(state), 100 + turn)
    error = float(once.std()) * (2 / count) ** 0.5
    assert float(once.mean() - one_by_one.mean()) == pytest.approx(0, abs=5 * error)
    assert float(once.std() / one_by_one.std()) == pytest.approx(1, abs=5 / count**0.5)
    # quantiles: Kolmogorov and Smirnov's distance of two samples stays below 1.95 sqrt(2 / n) in 999 of 1,000 cases
    grid = torch.sort(torch.cat([once, one_by_one])).values
    far = [torch.searchsorted(torch.sort(sample).values, grid, right=True) / count for sample in (once, one_by_one)]
    assert float((far[0] - far[1]).abs().max()) < 1.95 * (2 / count) ** 0.5


def test_devices_with_other_counts_do_not_disturb_each_other():
    memory = replace(read_memory(EXAMPLE), up_std=None, down_std=None)
    state, told = torch.full((3,), 30e-6, dtype=torch.float64), torch.tensor([0.0, 3.0, -2.0])
    together = memory.program(state, told)
    alone = torch.cat([memory.program(state[:1], told[place : place + 1]) for place in range(3)])
    assert torch.equal(together, alone)
    assert float(together[0]) == float(state[0])


def test_gradients_of_the_mean_are_those_of_finite_differences():
    memory = read_memory(EXAMPLE)
    state = torch.tensor([11.3e-6, 30.7e-6, 51.1e-6], dtype=torch.float64, requires_grad=True)
    told = torch.tensor([2.0, -3.0, 1.0], dtype=torch.float64)
    (slope,) = torch.autograd.grad(memory.mean_change(state, told).sum(), state)
    step = 1e-9
    low, high = (memory.mean_change(state.detach() + shift, told) for shift in (-step, step))
    torch.testing.assert_close(slope, (high - low) / (2 * step), rtol=1e-6, atol=1e-8)


def test_fabricated_devices_differ_by_their_gain_and_only_so():
    memory = replace(read_memory(EXAMPLE), up_std=None, down_std=None)
    made = memory.fabricate(2000, Spread(up_gain=0.2), 5)
    assert made.up_gain.shape == (2000, 1)
    state = torch.full((2000, 1), 20e-6, dtype=torch.float64)
    up, down = (made.mean_change(state, torch.full_like(state, way)) for way in (UP, DOWN))
    torch.testing.assert_close(up, made.up_gain * memory.up_mean[9])
    torch.testing.assert_close(down, memory.down_mean[9].expand(2000, 1))
    # relative standard error of a deviation of 2,000: 1.6 %; log-normal, so a little more
    assert float(up.std() / up.mean()) == pytest.approx(0.2, rel=0.1)


def test_a_memory_that_fades_goes_to_its_least_state():
    memory = read_memory(EXAMPLE, retention=10.0)
    state = torch.tensor([2e-6, 42e-6], dtype=torch.float64)
    torch.testing.assert_close(memory.retained(state, 10.0), 2e-6 + (state - 2e-6) * math.exp(-1))
    assert torch.equal(replace(memory, retention=None).retained(state, 1e9), state)


def test_energy_is_counted_by_events_and_unknown_where_it_was_not_given():
    memory, told = read_memory(EXAMPLE, event_energy=2e-12), torch.tensor([0.0, 3.0, -1.0])
    state = memory.fresh((3,))
    assert memory.energy(state, told).tolist() == pytest.approx([0.0, 6e-12, 2e-12])
    unknown = replace(memory, event_energy=None).energy(state, told)
    assert unknown[0] == 0
    assert bool(unknown[1:].isnan().all())


def test_targets_are_written_and_verified():
    memory = read_memory(EXAMPLE, read_noise=0.002, event_energy=1e-12)
    target = torch.linspace(4e-6, 58e-6, 1000, dtype=torch.float64)
    state, took = write(memory, memory.fresh((1000,)), target, tolerance=1e-6, seed=3)
    # verified by a read of 0.12 uS deviation: what was read within 1 uS is within 1.6 uS
    assert float((state - target).abs().max()) < 1.6e-6
    assert took.missed == 0
    assert took.energy > took.events * 1e-12 > 0


def test_a_tolerance_that_no_attempt_can_meet_is_named():
    memory = read_memory(EXAMPLE, read_noise=0.05)
    target = torch.full((200,), 30e-6, dtype=torch.float64)
    with pytest.raises(
        InputError, match=r"a tolerance of 1e-09 S is met by \d+ of 200 devices .* give a tolerance above"
    ):
        write(memory, memory.fresh((200,)), target, tolerance=1e-9)


GIVEN = {"states": [1e-6, 2e-6, 3e-6], "up_mean": [1e-7, 1e-7, 0.0], "down_mean": [0.0, -1e-7, -1e-7]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"states": [1e-6, 1e-6, 3e-6]}, "states, row 1: states must increase strictly .* 1e-06 S does not; sort"),
        ({"states": [-1e-6, 1e-6, 3e-6]}, "states, row 0: a conductance must be >= 0, got -1e-06 S"),
        ({"states": [1e-6, math.nan, 3e-6]}, "states must be finite"),
        ({"states": "many"}, "states must be a tensor of real numbers"),
        ({"states": [1e-6, 2e-6]}, r"up_mean must be \(rows,\)"),
        ({name: [1e-7] for name in GIVEN}, "states must be at least 2, got 1; measure in more states"),
        ({"up_mean": [1e-7, 1e-7]}, r"up_mean must be \(rows,\), one number for each of the states, got \(2,\)"),
        ({"up_mean": [1e-7, 1e-7, -1e-9]}, "up_mean, row 2: must be >= 0 in every state, got -1e-09 S; set it to 0"),
        ({"up_mean": [0.0, 0.0, 0.0]}, "events up must raise the conductance, on average they change it by 0 S"),
        ({"down_mean": [0.0, 1e-7, 1e-7]}, "events down must lower .*; correct its sign"),
        ({"down_mean": [0.0, 1e-7, 1e-7], "up_mean": [-1e-7, 0.0, 0.0]}, "swap the columns up and down"),
        ({"up_mean": [3e-6, 0.0, 0.0]}, "row 0: 3e-06 S is larger than the whole window of 2e-06 S"),
        ({"up_std": [0.0, 1.0, 0.0]}, "up_std, row 1: 1 S is larger than the whole window"),
        ({"down_std": [0.0, -1e-9, 0.0]}, "down_std, row 1: a standard deviation must be >= 0"),
        (
            {"up_mean": [1e-13, 1e-13, 0.0]},
            r"3e\+07 events up would be needed .* increments x 1e\+06 would .* 30 events",
        ),
        ({"retention": 0.0}, "retention must be finite and > 0"),
        ({"event_energy": -1.0}, "event_energy must be finite and >= 0"),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        MeasuredMemory(**{**GIVEN, **changes})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"up_mean": [1e-10, 1e-10, 0.0]}, r"3e\+04 events up cross the window, .* x 1000 would make it 30 events"),
        ({"down_mean": [-2e-6, -2e-6, -1e-6]}, "1.2 events down cross the window, .* x 0.001 would make it"),
        ({name: [1e6 * number for number in GIVEN[name]] for name in GIVEN}, "conductance is usually .* 3e-06 S .3 uS"),
    ],
)
def test_a_table_that_is_unusual_is_a_warning_that_says_what_was_probably_meant(changes, message):
    with pytest.warns(SpinloomWarning, match=message):
        MeasuredMemory(**{**GIVEN, **changes})


@given(memory=memories(), gains=st.booleans(), known=st.booleans())
@settings(parent=quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_memory_comes_back_bit_for_bit(tmp_path, memory, gains, known):
    memory = replace(memory, read_noise=0.1, retention=1 / 3 if known else None, event_energy=1e-12 if known else None)
    memory = memory.fabricate(3, 0.2, 1) if gains else memory
    save_memory(tmp_path / "memory.safetensors", memory)
    loaded = load_memory(tmp_path / "memory.safetensors")
    for name in memory.__dataclass_fields__:
        one, other = getattr(memory, name), getattr(loaded, name)
        assert type(one) is type(other)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_a_damaged_file_and_one_of_another_kind_are_named(tmp_path):
    path = tmp_path / "memory.safetensors"
    save_memory(path, read_memory(EXAMPLE))
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"memory.safetensors is damaged: .*save_memory"):
        load_memory(path)
    path.write_bytes(b"table")
    with pytest.raises(InputError, match="is truncated, damaged or no safetensors file; save the memory again"):
        load_memory(path)
    with pytest.raises(InputError, match="only a MeasuredMemory can be saved, got 5"):
        save_memory(path, 5)
    with pytest.raises(OutputError, match="cannot write"):
        save_memory(tmp_path / "memory.safetensors" / "inside", read_memory(EXAMPLE))


def test_it_shows_what_it_is():
    assert (
        repr(read_memory(EXAMPLE)) == "MeasuredMemory: 30 states, 2e-06 to 6e-05 S; events across: 74.6 up, 61.7 down"
    )


def test_the_same_seed_gives_the_same_states_in_another_process():
    code = (
        "import torch; from spinloom.devices import read_memory;"
        f"m = read_memory({str(EXAMPLE)!r}); s = m.fresh((5,)); print(m.program(s, torch.ones(5) * 3, 4).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    memory = read_memory(EXAMPLE)
    assert done.stdout.strip() == str(memory.program(memory.fresh((5,)), torch.ones(5) * 3, 4).tolist())
