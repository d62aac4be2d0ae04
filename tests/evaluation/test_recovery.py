"""Shares of a loss won back against arithmetic and the bootstrap."""

import numpy as np
import pytest

from spinloom.evaluation import Recovery


def test_the_share_won_back_is_of_what_was_lost():
    found = Recovery((0.7, 0.8, 0.95), (0.88, 0.85, 0.9), 0.9)
    assert found.shares() == (pytest.approx(0.9), pytest.approx(0.5), None)
    assert found.mean == pytest.approx((0.88 + 0.85 + 0.9 - 0.7 - 0.8 - 0.95) / (2.7 - 2.45))
    assert Recovery((0.9,), (0.9,), 0.9).mean is None


def test_the_error_of_the_share_won_back_is_that_of_a_ratio():
    rng = np.random.default_rng(0)
    lost = rng.uniform(0.02, 0.1, 40)
    gained = 0.8 * lost + rng.normal(0, 0.005, 40)
    found = Recovery(tuple(0.9 - lost), tuple(0.9 - lost + gained), 0.9)
    chosen = rng.integers(0, 40, (4000, 40))
    bootstrap = (gained[chosen].mean(1) / lost[chosen].mean(1)).std()
    assert found.standard_error == pytest.approx(bootstrap, rel=0.08)
    exact = Recovery((0.8, 0.7), (0.88, 0.86), 0.9)  # both win back 80 %: no error, however much each had lost
    assert exact.standard_error == pytest.approx(0, abs=1e-12)
    assert Recovery((0.8,), (0.9,), 0.9).standard_error is None
