"""Domain-wall memory: its contract, its scatter against the model of the wall, and writing with a tolerance."""

import math

import pytest
import torch

from spinloom.devices import DomainWallMemory, notched_track, simulate_position_spread, write
from spinloom.errors import InputError
from spinloom.magnetism import move_walls
from spinloom.testing import MemoryContract


class TestFiveStates(MemoryContract):
    device = DomainWallMemory()
    flat = ("shortest",)  # a push to the next state is longer

    @staticmethod
    def read_out(device):
        state = torch.tensor([45e-6, 40e-6], dtype=torch.float64)
        events = torch.tensor([1.0, -1.0], dtype=torch.float64)
        return (
            device.mean_change(state, events)[0]
            + 1e9 * device.energy(state, events).sum()
            + (device.read_deviation(state).sum())
        )


class TestTwoStates(MemoryContract):
    device = DomainWallMemory(states=2)


def test_the_default_scatter_is_that_of_the_model():
    walls = 1500
    found = simulate_position_spread(walls, seed=5)
    # the deviation and the mean of the push, each with its error from so many walls
    assert found == pytest.approx(DomainWallMemory().position_spread, rel=5 * math.sqrt(1 / (2 * walls) + 0.1 / walls))


def test_the_default_push_is_by_a_state_of_five_and_rests_in_the_notches():
    start = torch.zeros(500, dtype=torch.float64)
    run = move_walls(notched_track(), start, math.pi, 0.88e-9, 1e-12, temperature=300.0, seed=2)
    moved = run.position[-1]
    assert float(moved.mean()) == pytest.approx(48e-9, rel=0.1)
    off = (moved / 24e-9 - (moved / 24e-9).round()) * 24e-9
    assert float(off.std()) < 4e-9  # a well of its own for each notch


def test_an_event_moves_by_a_state_and_scatters_with_the_root_of_the_way():
    memory = DomainWallMemory(position_spread=0.1)
    state = torch.full((20_000,), 25e-6, dtype=torch.float64)
    for events in (1, 2):
        place = memory.position(memory.program(state, torch.full_like(state, float(events)), 3))
        assert float(place.mean()) == pytest.approx(events / 4, abs=0.002)
        assert float(place.std()) == pytest.approx(0.1 * math.sqrt(events / 4), rel=0.03)


def test_no_wall_leaves_the_track_and_the_mean_change_knows():
    memory = DomainWallMemory(states=2, position_spread=0.5)
    state = torch.full((20_000,), 25e-6, dtype=torch.float64)
    after = memory.program(state, torch.ones_like(state), 4)
    assert float(after.max()) <= 50e-6
    mean = memory.mean_change(state, torch.ones_like(state))[0]
    assert float(mean) < 0.85 * 25e-6
    assert float((after - state).mean()) == pytest.approx(float(mean), rel=0.02)


def test_writing_counts_states_passed_and_a_wider_tolerance_takes_fewer_attempts():
    memory = DomainWallMemory(read_noise=0.0)
    target = memory.targets()[torch.arange(4000) % 5]
    start, taken = memory.fresh((4000,)), []
    for tolerance in (0.03, 0.06, 0.12):
        state, ledger = write(memory, start, target, tolerance * 25e-6, 200, seed=6)
        assert float((state - target).abs().max()) <= tolerance * 25e-6 * (1 + 1e-9)
        least = int((torch.arange(4000) % 5).sum())
        assert ledger.events >= least
        pulses = ledger.energy - 1e-30
        assert pulses >= 3e-15 * ledger.events
        taken.append(ledger.attempts)
    assert taken[0] > 1.3 * taken[1] > 1.3**2 * taken[2]


def test_memories_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="states"):
        DomainWallMemory(states=1)
    with pytest.raises(InputError, match="window"):
        DomainWallMemory(least=5e-5, most=5e-5)
    with pytest.raises(InputError, match="shortest"):
        DomainWallMemory(shortest=2.0)
    memory = DomainWallMemory(position_spread=1.0)
    target = torch.full((500,), 37.5e-6, dtype=torch.float64)
    with pytest.raises(InputError, match="tolerance"):
        write(memory, memory.fresh((500,)), target, 1e-9, 3, seed=1)
