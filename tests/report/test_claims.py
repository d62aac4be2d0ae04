import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinloom.report import Claim, Condition, at_least, at_most, enough, judge, one_of, same, several
from spinloom.report.claims import claims_table


@pytest.mark.parametrize(("measured", "holds"), [(0.05, True), (0.1, True), (0.11, False), (-0.2, True)])
def test_a_loss_holds_if_it_does_not_exceed_the_published_one(measured, holds):
    assert at_most("loss", 0.1, measured, "points", "paper").holds is holds
    assert at_least("gain", 0.1, -measured + 0.2, "points", "paper").holds is holds


def test_the_table_shows_both_figures_verdict_and_source():
    table = claims_table(
        [
            Claim("loss", 0.4, 0.234, "points", True, "a paper", 0.021),
            Claim("other", 1.0, 2.0, "J", None),
            Claim("third", 1.0, 2.0, "J", False),
        ]
    )
    assert table.rows == (
        ("loss", "0.4 points", "0.23 ± 0.02 points", "yes"),
        ("other", "1 J", "2.00 J", "not judged"),
        ("third", "1 J", "2.00 J", "no"),
    )
    assert "a paper" in table.note


def test_claims_that_are_not_judged_for_the_same_reason_share_a_line():
    claims = [Claim(name, 1.0, 2.0, "J", None, "a paper", unjudged="set for A; this run had B") for name in ("x", "y")]
    judged = Claim("z", 1.0, 2.0, "J", False, "a book")
    assert claims_table([*claims, judged]).note.splitlines() == [
        "Not judged (x, y): set for A; this run had B.", "x: a paper", "y: a paper", "z: a book",
    ]  # fmt: skip


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
