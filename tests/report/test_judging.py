from hypothesis import given
from hypothesis import strategies as st

from spinloom.report import Condition, at_most, enough, judge, one_of, same, several

LOSS = at_most("loss", 0.5, 0.2, "points", "a paper")


@given(st.lists(st.booleans(), max_size=5))
def test_a_claim_is_judged_where_all_is_as_its_bar_asks_and_nowhere_else(met):
    conditions = [Condition(one, f"wanted {number}", f"here {number}") for number, one in enumerate(met)]
    claim = judge(LOSS, conditions)
    assert claim.holds is (True if all(met) else None)
    assert (claim.measured, claim.published) == (LOSS.measured, LOSS.published)
    for one in conditions:
        assert (one.wanted in claim.unjudged) is (one.here in claim.unjudged) is not one.met
    assert claim.source == "a paper"


def test_what_differs_is_said_in_plain_words():
    reason = judge(
        LOSS, (same(20.0, 5.0, "{:g} % spread"), one_of("mnist", "cifar10", "cifar100"), several(1))
    ).unjudged
    assert reason == (
        "set for 5 % spread, cifar10 or cifar100, 2 networks or more; this run had 20 % spread, mnist, one network"
    )


def test_more_than_enough_is_enough():
    assert [enough(count, 3, "seeds").met for count in (2, 3, 4)] == [False, True, True]
    assert one_of("cifar10", "cifar10", "cifar100").met
