"""The learning rate of short and long trainings."""

from itertools import pairwise

import pytest
import torch

from spinloom.learning.fitting import one_cycle


def rates(steps: int) -> list[float]:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    schedule, found = one_cycle(optimiser, 1.0, steps), []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    return found


@pytest.mark.parametrize("steps", range(1, 13))
def test_every_number_of_steps_has_a_step_of_more_than_half_the_peak(steps):
    found = rates(steps)
    assert 0.5 < max(found) <= 1
    assert found[-1] < 1e-3 or steps == 1


def test_the_peak_comes_after_a_fifth_of_the_steps_and_the_end_is_at_rest():
    found = rates(100)
    assert found[19] == max(found) == pytest.approx(1)
    assert found[0] == pytest.approx(1 / 25)
    assert all(before >= after for before, after in pairwise(found[19:]))


def test_five_steps_go_like_four_and_six():
    four, five = rates(4), rates(5)
    assert five[0] == pytest.approx(four[0], abs=0.02)
    assert all(before > after for before, after in pairwise(five))
