"""What was published beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from spinloom.evaluation.tables import Table


@dataclass(frozen=True)
class Claim:
    """One published figure and the same figure measured here.

    uncertainty: standard error of `measured`, same unit; None where it is exact or unknown.
    holds: whether the measured figure is at least as good as the published one; None where they cannot be compared.
    source: where the published figure stands.
    """

    name: str
    published: float
    measured: float
    unit: str
    holds: bool | None
    source: str = ""
    uncertainty: float | None = None


def at_most(
    name: str, published: float, measured: float, unit: str, source: str, uncertainty: float | None = None
) -> Claim:
    """A claim that holds if `measured` does not exceed `published`, as for a loss."""
    return Claim(name, published, measured, unit, measured <= published, source, uncertainty)


def at_least(
    name: str, published: float, measured: float, unit: str, source: str, uncertainty: float | None = None
) -> Claim:
    """A claim that holds if `measured` reaches `published`, as for an accuracy."""
    return Claim(name, published, measured, unit, measured >= published, source, uncertainty)


def claims_table(claims: Sequence[Claim]) -> Table:
    """Published against measured, the sources below."""
    judged = {True: "yes", False: "no", None: "not comparable"}
    rows = tuple(
        (
            claim.name,
            f"{claim.published:g} {claim.unit}",
            f"{claim.measured:.2f}{_margin(claim.uncertainty)} {claim.unit}",
            judged[claim.holds],
        )
        for claim in claims
    )
    sources = "; ".join(f"{claim.name}: {claim.source}" for claim in claims if claim.source)
    return Table("Published and measured", ("claim", "published", "measured", "holds"), rows, sources)


def _margin(uncertainty: float | None) -> str:
    return "" if uncertainty is None else f" ± {uncertainty:.2f}"
