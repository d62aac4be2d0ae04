"""What was published beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from spinloom.report.tables import Table


@dataclass(frozen=True)
class Claim:
    """One published figure and the same figure measured here.

    uncertainty: standard error of `measured`, same unit; None where it is exact or unknown.
    holds: whether the measured figure is at least as good as the published one; None where it is not judged.
    source: where the published figure stands. digits: shown behind the point. unjudged: why it is not judged.
    """

    name: str
    published: float
    measured: float
    unit: str
    holds: bool | None
    source: str = ""
    uncertainty: float | None = None
    digits: int = 2
    unjudged: str = ""


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
    """What was published, or set as a bar, against what was measured; below, why some is not judged, and sources."""
    judged = {True: "yes", False: "no", None: "not judged"}
    rows = tuple(
        (
            claim.name,
            f"{claim.published:g} {claim.unit}".strip(),
            f"{_shown(claim)} {claim.unit}".strip(),
            judged[claim.holds],
        )
        for claim in claims
    )
    sources = (f"{claim.name}: {claim.source}" for claim in claims if claim.source)
    return Table("Claims", ("claim", "bar", "measured", "holds"), rows, "\n".join((*_reasons(claims), *sources)))


def _reasons(claims: Sequence[Claim]) -> list[str]:
    """One line for all claims that are not judged for the same reason."""
    names: dict[str, list[str]] = {}
    for claim in claims:
        if claim.unjudged:
            names.setdefault(claim.unjudged, []).append(claim.name)
    return [f"Not judged ({', '.join(named)}): {reason}." for reason, named in names.items()]


def _shown(claim: Claim) -> str:
    margin = "" if claim.uncertainty is None else f" ± {claim.uncertainty:.{claim.digits}f}"
    return f"{claim.measured:.{claim.digits}f}{margin}"
