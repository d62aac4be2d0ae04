import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from spinloom.errors import InputError
from spinloom.evaluation import Population, compare_pairs


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_population_is_summed_up_by_its_definition(values):
    population, n = Population(tuple(values)), len(values)
    mean = sum(values) / n
    variance = sum((v - mean) ** 2 for v in values) / (n - 1) if n > 1 else 0.0
    assert population.mean == pytest.approx(mean)
    assert population.deviation == pytest.approx(math.sqrt(variance), abs=1e-9)
    assert population.standard_error == pytest.approx(math.sqrt(variance / n), abs=1e-9)
    assert population.worst == min(values)


def test_no_instance_is_no_population():
    with pytest.raises(InputError, match="at least one"):
        Population(())


def test_differences_are_paired_as_in_students_t_test():
    one, other = [91.2, 90.8, 91.5, 91.1], [91.0, 90.9, 91.1, 90.8]
    pair, known = compare_pairs(one, other), ttest_rel(one, other)
    interval = known.confidence_interval(0.95)
    assert (pair.low, pair.high) == pytest.approx((interval.low, interval.high))
    assert pair.mean / pair.standard_error == pytest.approx(known.statistic)
    assert compare_pairs([2.0], [1.0]).low is None
    with pytest.raises(InputError, match="one length"):
        compare_pairs([1.0, 2.0], [1.0])
