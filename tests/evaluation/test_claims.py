import pytest

from spinloom.evaluation.claims import Claim, at_least, at_most, claims_table


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
