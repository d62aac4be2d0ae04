import math

import pytest
import torch

from spinloom.magnetism import Constant, Pulse, Sampled, Sine
from spinloom.magnetism.engine.schemes import pieces

T = torch.tensor([-1.0, 0.0, 0.5, 1.0, 1.25, 2.0, 2.75, 3.0, 4.0], dtype=torch.float64)


def test_a_pulse_is_a_trapezoid():
    expected = torch.tensor([0, 0, 0, 0, 1, 2, 1, 0, 0]).double()
    torch.testing.assert_close(Pulse(2.0, 1.0, 2.0, rise=0.5)(T), expected)
    expected = torch.tensor([0, 0, 0, 2, 2, 2, 2, 2, 0]).double()
    torch.testing.assert_close(Pulse(2.0, 1.0, 2.0)(T), expected)


def test_a_sine_has_its_frequency_and_phase():
    wave = Sine(2.0, torch.tensor([0.5, 1.0], dtype=torch.float64), math.pi / 2)
    torch.testing.assert_close(wave(torch.tensor(0.5).double()), torch.tensor([0.0, -2.0]).double(), rtol=0, atol=1e-12)


def test_samples_are_joined_by_lines_and_held_at_the_ends():
    wave = Sampled(torch.tensor([0.0, 1.0, 3.0]).double(), torch.tensor([1.0, 3.0, -1.0]).double(), amplitude=2.0)
    torch.testing.assert_close(wave(T), 2 * torch.tensor([1, 1, 2, 3, 2.5, 1, -0.5, -1, -1]).double())


def test_samples_of_each_device_are_its_own():
    values = torch.tensor([[0.0, 10.0], [1.0, 20.0], [3.0, 40.0]]).double()
    wave = Sampled(torch.tensor([0.0, 1.0, 3.0]).double(), values)
    torch.testing.assert_close(wave(torch.tensor(2.0).double()), torch.tensor([2.0, 30.0]).double())
    torch.testing.assert_close(wave(torch.tensor([0.5, 2.0]).double()), torch.tensor([0.5, 30.0]).double())
    torch.testing.assert_close(
        wave(torch.tensor([[0.5], [2.0]]).double()), torch.tensor([[0.5, 15.0], [2, 30]]).double()
    )


def test_drives_add_up_and_keep_their_edges():
    total = Pulse(2.0, 1.0, 2.0) + Constant(torch.tensor([1.0, 2.0]).double())
    torch.testing.assert_close(total(torch.tensor(1.5).double()), torch.tensor([3.0, 4.0]).double())
    assert total.breakpoints() == (1.0, 3.0)


def test_steps_end_on_every_edge_and_record_and_are_never_longer_than_asked():
    drives = [Pulse(1.0, 0.303e-9, 0.4e-9, rise=0.1e-9), Pulse(1.0, 0.5e-9, 9e-9)]
    plan = pieces(drives, 0.0, 1e-9, 7e-12, 4)
    ends = [piece.end for piece, _ in plan]
    for mark in (0.25e-9, 0.303e-9, 0.403e-9, 0.5e-9, 0.603e-9, 0.703e-9, 0.75e-9, 1e-9):
        assert min(abs(end - mark) for end in ends) < 1e-22
    assert len(ends) == 8
    assert [a.end for a, _ in plan[:-1]] == [b.start for b, _ in plan[1:]]
    assert all((p.end - p.start) / p.steps <= 7e-12 * (1 + 1e-6) for p, _ in plan)
    assert [end for end, (_, records) in zip(ends, plan, strict=True) if records] == pytest.approx(
        [0.25e-9, 0.5e-9, 0.75e-9, 1e-9]
    )


@pytest.mark.parametrize("records", [1, 3, 7])
def test_without_edges_one_piece_holds_whole_steps_between_records(records):
    ((piece, count),) = pieces([Constant(1.0)], 0.0, 1e-9, 9e-12, records)
    assert count == records
    assert piece.steps % records == 0
    assert 1e-9 / piece.steps <= 9e-12


def test_a_duration_that_is_a_multiple_of_the_step_gets_no_step_more():
    for count in (3, 7, 150, 1000, 12345):
        ((piece, _),) = pieces([], 0.0, count * 1e-12, 1e-12, 1)
        assert piece.steps == count
