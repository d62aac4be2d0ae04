"""Write and verify: attempts, events and energy against a plain loop over devices."""

import pytest
import torch

from spinloom.devices import LinearMemory, Writing, write
from spinloom.errors import InputError

MEMORY = LinearMemory(read_noise=0.0, cycle_noise=0.3)


def test_devices_end_within_the_tolerance_and_the_ledger_adds_up():
    target = torch.linspace(1e-6, 10e-6, 500, dtype=torch.float64)
    state, ledger = write(MEMORY, MEMORY.fresh((500,)), target, tolerance=0.9e-7, seed=1)
    assert bool(((state - target).abs() <= 0.9e-7).all())
    assert ledger.devices == 500
    assert ledger.missed == 0
    assert 499 <= ledger.attempts < 5 * 500  # the lowest is there from the beginning
    assert ledger.events >= int((target - 1e-6).div(0.9e-7).sum())
    assert ledger.energy > 0
    again, same = write(MEMORY, state, target, tolerance=0.9e-7, seed=2)
    assert torch.equal(again, state)
    assert same.attempts == 0


def test_a_wider_tolerance_takes_fewer_attempts():
    target = torch.full((2000,), 5e-6, dtype=torch.float64)
    start = torch.linspace(1e-6, 10e-6, 2000, dtype=torch.float64)
    taken = [write(MEMORY, start, target, tolerance=k * 1e-7, seed=3)[1].attempts for k in (0.5, 1, 2, 4)]
    assert taken == sorted(taken, reverse=True)
    assert taken[-1] < taken[0] / 2


def test_only_the_active_devices_are_written():
    target = torch.full((10,), 5e-6, dtype=torch.float64)
    active = torch.arange(10) < 4
    state, ledger = write(MEMORY, MEMORY.fresh((10,)), target, 1e-7, seed=1, active=active)
    assert torch.equal(state[~active], MEMORY.fresh((6,)))
    assert bool(((state - target).abs()[active] <= 1e-7).all())
    assert ledger.devices == 4


def test_a_part_of_unequal_devices_is_written_with_the_parameters_of_each():
    """Every second device has ten times the window and the step: none is within its neighbour's window."""
    least = torch.tensor([[1e-6], [20e-6]], dtype=torch.float64).repeat(50, 1)
    memory = LinearMemory(least=least, most=10 * least, read_noise=0.0, cycle_noise=0.0)
    active, target = torch.arange(100).reshape(-1, 1) % 3 == 0, least * (1 + 40 * 0.09)
    before = memory.fresh((100, 1))
    state, ledger = write(memory, before, target, 1e-12, seed=1, active=active)
    assert torch.equal(state[~active], before[~active])
    assert torch.allclose(state[active], target[active])
    assert (ledger.devices, ledger.attempts, ledger.events) == (34, 34, 34 * 40)


def test_the_energy_is_that_of_its_pulses_and_reads():
    quiet = LinearMemory(read_noise=0.0, cycle_noise=0.0)
    start, target = torch.full((3,), 2e-6, dtype=torch.float64), torch.full((3,), 2.9e-6, dtype=torch.float64)
    _, ledger = write(quiet, start, target, 1e-9)
    pulses, reads = 1.0 * 2e-6 * 10e-9 * 10, 0.01 * 10e-9 * (2e-6 + 2.9e-6)
    assert ledger.energy == pytest.approx(3 * (pulses + reads))
    assert (ledger.events, ledger.attempts) == (30, 3)


def test_a_tolerance_that_no_attempt_can_meet_is_named():
    target = torch.full((100,), 5e-6, dtype=torch.float64)
    with pytest.raises(InputError, match="tolerance of 1e-10 S is met by"):
        write(LinearMemory(read_noise=0.01), MEMORY.fresh((100,)), target, 1e-10, attempts=5)
    with pytest.raises(InputError, match="tolerance"):
        write(MEMORY, MEMORY.fresh((100,)), target, 0.0)


def test_ledgers_add():
    assert Writing(1, 2, 3, 4.0, 5) + Writing(1, 1, 1, 1.0, 1) == Writing(2, 3, 4, 5.0, 6)
